# SPDX-License-Identifier: Apache-2.0
"""Detects stop texts in the text of a response, using the bytes of each token that the pipeline has sent."""

from __future__ import annotations

import numpy as np

from .wire import Frame
from .work import array


class StopTexts:
    """`token_bytes` are the concatenated bytes of all tokens, `token_ends` where each ends."""

    def __init__(self, texts: list[str], token_bytes: bytes, token_ends: np.ndarray):
        self._texts = [text.encode() for text in texts]
        self._longest = max(map(len, self._texts))
        self._bytes, self._ends = token_bytes, token_ends
        self._tails: dict[tuple[int, int], bytes] = {}

    @staticmethod
    def read(frame: Frame, texts: list[str]) -> StopTexts | None:
        """The stop texts of a message `generate`; none if it has none."""
        if not texts:
            return None
        return StopTexts(texts, array(frame, "token_bytes", "uint8").tobytes(), array(frame, "token_ends", "int32"))

    def holds(self, place: tuple[int, int], token: int) -> bool:
        """Adds a response's next token; returns whether a stop text is complete."""
        start = int(self._ends[token - 1]) if token > 0 else 0
        tail = self._tails.get(place, b"") + self._bytes[start : int(self._ends[token])]
        # The end of the text, where a stop text could still begin.
        self._tails[place] = tail[max(0, len(tail) - self._longest + 1) :]
        return any(text in tail for text in self._texts)
