# SPDX-License-Identifier: Apache-2.0
"""Detects stop texts in the text of a response, as the model's tokenizer decodes it."""

from __future__ import annotations

from typing import Callable

MARGIN = 8
"""Tokens decoded before those in which a stop text can lie: a tokenizer may write the first ones of a text otherwise."""


class StopTexts:
    """Each response's last tokens."""

    def __init__(self, texts: list[str], decode: Callable[[list[int]], str], special: set[int]):
        self._texts, self._decode, self._special = texts, decode, special
        # A token has a byte of text at least, unless it is a special one.
        self._count = max(len(text.encode()) for text in texts) + MARGIN
        self._tails: dict[tuple[int, int], list[int]] = {}

    def holds(self, place: tuple[int, int], token: int) -> bool:
        """Adds a response's next token; returns whether a stop text is complete."""
        if token in self._special:
            return False
        tail = [*self._tails.get(place, []), token][-self._count :]
        self._tails[place] = tail
        text = self._decode(tail)
        return any(it in text for it in self._texts)
