# SPDX-License-Identifier: Apache-2.0
"""Attention over one row that holds several prompts and responses, none of them padded.

The row is cut into segments: first the prompts, then the responses. A prompt attends to itself, a response to its prompt and to
itself, so that a prompt is computed once for all its responses. transformers takes an attention function by name
(`AttentionInterface`) and hands an attention mask of four axes on to it as it is; the table of segments goes in its place. Each
segment is computed by the function that the model was opened with, under the mask that transformers makes for it.

transformers packs whole sequences by itself, where positions start again and no mask is given. There a prompt is computed for each
of its responses, and on a processor the attention of the whole row is computed and then masked.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from typing import Any, Iterator, NamedTuple

import torch
from torch import nn

PREFIX = "shuffle_r1_packed|"
ALONE = -1
"""In place of a prompt's number: the segment is a prompt."""


class Segment(NamedTuple):
    """A prompt, or a response without its last token."""

    length: int
    prompt: int = ALONE
    """The number of the segment that it follows."""


class Sighting(NamedTuple):
    """What a layer was asked to compute."""

    window: int | None
    """How many tokens back it sees; nothing for all."""
    is_causal: bool
    """Whether its mask is that of tokens that see all of those before them, within the window, and no others."""


_sightings: list[Sighting] | None = None
"""What has been seen, while a model is watched."""


def table(segments: list[Segment]) -> torch.Tensor:
    """Segments in the place of an attention mask: [1, 1, segments, 2]."""
    return torch.tensor(segments, dtype=torch.int64)[None, None]


def _segments(mask: Any) -> list[Segment] | None:
    """What `table` was made of; nothing if it is another mask."""
    if not isinstance(mask, torch.Tensor) or mask.dtype != torch.int64 or mask.dim() != 4:
        return None
    return [Segment(*it) for it in mask[0, 0].tolist()]


class PackedAttention:
    """Has a model's decoder compute packed rows, or plain ones."""

    def __init__(self, model: nn.Module):
        self._model = model
        self._is_packed = self._is_watched = False

    @functools.cached_property
    def _decoder(self) -> nn.Module:
        return self._model.get_decoder()

    @functools.cached_property
    def _plain(self) -> str:
        """The function that the model was opened with."""
        return self._decoder.config._attn_implementation

    def use(self, packed: bool) -> None:
        """For the next pass, and for layers of it that the backward pass recomputes."""
        packed = packed or self._is_watched
        # Layers of one pass share masks; those of the pass before are not kept.
        _mask.cache_clear()
        if packed == self._is_packed:
            return
        if packed:
            _register(self._plain)
        for module in self._decoder.modules():
            if hasattr(module, "config"):
                module.config._attn_implementation = PREFIX + self._plain if packed else self._plain
        self._is_packed = packed

    @property
    def kinds(self) -> set[str]:
        """The kinds of layers that config.json names."""
        return set(getattr(self._decoder.config, "layer_types", None) or [])

    @property
    def windows(self) -> list[int | None]:
        """How many tokens back each layer sees by config.json; nothing for all."""
        window = getattr(self._decoder.config, "sliding_window", None)
        kinds = getattr(self._decoder.config, "layer_types", None)
        if kinds:
            return [window if kind == "sliding_attention" else None for kind in kinds]
        return [window] * self._decoder.config.num_hidden_layers

    @contextlib.contextmanager
    def watched(self) -> Iterator[list[Sighting]]:
        """Collects what layers are asked for, in passes of plain rows too."""
        global _sightings
        _sightings, self._is_watched = [], True
        try:
            yield _sightings
        finally:
            _sightings, self._is_watched = None, False


def _register(plain: str) -> None:
    """Makes the packed variant of an attention function known to transformers."""
    from transformers import AttentionInterface
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, AttentionMaskInterface

    AttentionInterface.register(PREFIX + plain, functools.partial(_attend, plain))
    # For passes that have another mask all the same, such as that of the output layer alone.
    AttentionMaskInterface.register(PREFIX + plain, ALL_MASK_ATTENTION_FUNCTIONS[plain])


def _attend(
    plain: str, module: nn.Module, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: Any, **options: Any
) -> tuple[torch.Tensor, None]:
    """An attention function of transformers: [1, heads, row, width] to [1, row, heads, width]."""
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    eager = getattr(sys.modules[type(module).__module__], "eager_attention_forward", None)
    function = ALL_ATTENTION_FUNCTIONS.get_interface(plain, eager)
    segments = _segments(mask)
    window = options.get("sliding_window")
    if _sightings is not None:
        is_causal = segments is not None or _is_causal(plain, mask, window, query)
        _sightings.append(Sighting(window, is_causal))
    if segments is None:
        return function(module, query, key, value, mask, **options)
    # Positions are those of the whole row; rotations have been applied already.
    options.pop("position_ids", None)
    lengths = [it.length for it in segments]
    # The gradient of a split is put together once, that of a slice is as large as the row.
    queries, keys, values = (it.split(lengths, 2) for it in (query, key, value))
    found = []
    for (length, prompt), own, own_keys, own_values in zip(segments, queries, keys, values):
        before = 0
        if prompt != ALONE:
            before = lengths[prompt]
            own_keys, own_values = torch.cat([keys[prompt], own_keys], 2), torch.cat([values[prompt], own_values], 2)
        seen = _mask(plain, length, before, window, query.dtype, query.device)
        found.append(function(module, own, own_keys, own_values, seen, **options)[0])
    return torch.cat(found, 1), None


def _is_causal(plain: str, mask: Any, window: int | None, query: torch.Tensor) -> bool:
    """Whether a sequence of its own has the mask of a segment."""
    length = query.shape[2]
    if mask is None:
        return window is None or length <= window
    wanted = _mask(plain, length, 0, window, query.dtype, query.device, always=True)
    return wanted is not None and torch.equal(mask, wanted.expand_as(mask))


@functools.cache
def _mask(
    plain: str, length: int, before: int, window: int | None, number_format: torch.dtype, device: torch.device,
    always: bool = False,
) -> torch.Tensor | None:
    """transformers' mask for tokens that follow others; nothing where its attention function needs none."""
    from transformers.masking_utils import (
        ALL_MASK_ATTENTION_FUNCTIONS, causal_mask_function, sliding_window_causal_mask_function)

    return ALL_MASK_ATTENTION_FUNCTIONS[plain](
        batch_size=1, q_length=length, kv_length=before + length, q_offset=before, dtype=number_format, device=device,
        local_size=window, allow_is_causal_skip=not always,
        mask_function=sliding_window_causal_mask_function(window) if window else causal_mask_function)
