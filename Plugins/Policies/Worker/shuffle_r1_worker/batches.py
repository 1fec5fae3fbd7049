# SPDX-License-Identifier: Apache-2.0
"""Divides groups into micro-batches of bounded size, and arranges them for the model."""

from __future__ import annotations

import inspect
import math
from dataclasses import dataclass
from typing import Any, Sequence

import numpy as np
import torch
import torch.nn.functional as F

from .network import Batch, Scored
from .packing import Segment, table
from .processor import Processor
from .work import Group, Prompt


@dataclass
class Piece:
    """One response with its prompt."""

    group: int
    response: int
    prompt: Prompt
    tokens: np.ndarray

    @property
    def length(self) -> int:
        """The number of rows: its last token predicts nothing."""
        return len(self.prompt.tokens) + len(self.tokens) - 1


def micro_batches(groups: list[Group], rows: int, packed: bool = False, ranks: int = 1) -> list[list[Piece]]:
    """Responses in order; a micro-batch has no more tokens than `rows`, including padding, unless a single response has.

    Packed, a prompt counts once in a micro-batch, and several ranks get about as much each.
    """
    pieces = [
        Piece(number, index, group.prompt, tokens)
        for number, group in enumerate(groups) for index, tokens in enumerate(group.responses) if len(tokens) > 0
    ]
    if packed and ranks > 1 and pieces:
        share = packed_length(pieces) / ranks
        rounds = math.ceil(share / rows)
        rows = min(rows, math.ceil(share / rounds) + max(it.length for it in pieces))
    batches: list[list[Piece]] = []
    measure = _Measure(packed)
    for piece in pieces:
        if not batches or measure.added(piece) > rows:
            batches.append([])
            measure = _Measure(packed)
            measure.added(piece)
        batches[-1].append(piece)
    return batches


class _Measure:
    """The number of tokens that a micro-batch takes, padding included."""

    def __init__(self, packed: bool):
        self.packed = packed
        self._count = self._longest = self._together = 0
        self._prompts: set[int] = set()

    def added(self, piece: Piece) -> int:
        """The number with one response more."""
        self._count += 1
        self._longest = max(self._longest, piece.length)
        self._together += len(piece.tokens) - 1 if id(piece.prompt) in self._prompts else piece.length
        self._prompts.add(id(piece.prompt))
        return self._together if self.packed else self._longest * self._count


def packed_length(pieces: list[Piece]) -> int:
    """The number of tokens of a packed row."""
    distinct, _ = _owners(pieces)
    return sum(len(it.tokens) for it in distinct) + sum(len(it.tokens) - 1 for it in pieces)


@dataclass
class Row:
    """A prompt, and tokens after it."""

    prompt: Prompt
    after: np.ndarray

    @property
    def tokens(self) -> np.ndarray:
        return np.concatenate([self.prompt.tokens, self.after])


NOTHING = np.zeros(0, np.int32)


class Layout:
    """Converts prompts, images and responses to the model's inputs."""

    def __init__(
        self, processor: Processor, body: Any, device: torch.device, number_format: torch.dtype, shares_prompts: bool = True
    ):
        self.processor, self.device, self.number_format = processor, device, number_format
        self.shares_prompts = shares_prompts
        """Whether a prompt is computed once for all its responses, where they are padded."""
        self.packs = False
        """Whether prompts and responses are one row without padding, each prompt once."""
        self._rope_index = getattr(body, "get_rope_index", None)

    # Prompts alone, for generation.

    def prompts(self, prompts: list[Prompt], with_images: bool) -> tuple[Batch, torch.Tensor]:
        """Prompts padded on the left, and the position that follows each.

        `with_images` says that the batch must pass the vision tower: one without images gets a row with a blank one.
        """
        return self._arranged([Row(prompt, NOTHING) for prompt in prompts], with_images, on_the_left=True)

    def next_tokens(self, tokens: list[int], mask: torch.Tensor, position: torch.Tensor) -> Batch:
        """One token more for each row; `position` is [rows]."""
        column = torch.tensor(tokens, device=self.device)[:, None]
        return Batch(column, mask, self._axes(position[:, None]))

    # Responses, for log-probabilities.

    def scored(self, pieces: list[Piece], with_images: bool) -> Scored:
        """A micro-batch."""
        if self.packs:
            return self._packed(pieces, with_images)
        targets = _targets(pieces)
        if not self.shares_prompts:
            rows, _ = self._arranged([Row(it.prompt, it.tokens[:-1]) for it in pieces], with_images, on_the_left=False)
            width = rows.tokens.shape[1]
            places = [row * width + len(it.prompt.tokens) - 1 + np.arange(len(it.tokens)) for row, it in enumerate(pieces)]
            return Scored(None, rows, self._ids([]), self._ids(_joined(places)), self._ids(targets))
        distinct, owners = _owners(pieces)
        owners = owners or [0]
        prompts, following = self.prompts(distinct, with_images)
        rows = self._answers(pieces, prompts, following, owners)
        first, width = prompts.tokens.shape[0], rows.tokens.shape[1]
        places = [
            np.concatenate([[owner], first + row * width + np.arange(len(it.tokens) - 1)])
            for row, (it, owner) in enumerate(zip(pieces, owners))
        ]
        return Scored(prompts, rows, self._ids(owners), self._ids(_joined(places)), self._ids(targets))

    def _answers(self, pieces: list[Piece], prompts: Batch, following: torch.Tensor, owners: list[int]) -> Batch:
        """Responses without their last tokens, padded on the right, after prompts that have been computed."""
        width = max([1, *(len(it.tokens) - 1 for it in pieces)])
        tokens = np.zeros((len(owners), width), np.int64)
        mask = np.zeros((len(owners), width), np.int64)
        for row, piece in enumerate(pieces):
            tokens[row, : len(piece.tokens) - 1] = piece.tokens[:-1]
            mask[row, : len(piece.tokens) - 1] = 1
        own = torch.tensor(owners, device=self.device)
        whole = torch.cat([prompts.mask[own], self._on_device(mask)], 1)
        positions = following[own][:, None] + torch.arange(width, device=self.device)
        return Batch(self._on_device(tokens), whole, self._axes(positions), is_filled=not pieces)

    def _packed(self, pieces: list[Piece], with_images: bool) -> Scored:
        """Prompts, and then responses without their last tokens, in one row."""
        distinct, owners = _owners(pieces)
        prompts, following = self.prompts(distinct, with_images)
        kept = prompts.mask.bool()
        lengths = kept.sum(1).tolist()
        ends = np.cumsum(lengths) - 1
        answers = [(it.tokens[:-1].astype(np.int64), owner) for it, owner in zip(pieces, owners)]
        segments = [Segment(length) for length in lengths]
        segments += [Segment(len(tokens), owner) for tokens, owner in answers if len(tokens)]
        starts = sum(lengths) + np.cumsum([0, *(len(tokens) for tokens, _ in answers)])
        places = [
            np.concatenate([[ends[owner]], start + np.arange(len(tokens))]) for start, (tokens, owner) in zip(starts, answers)]
        after = _joined([tokens for tokens, _ in answers])
        first = following.tolist()
        positions = self._ids(_joined([first[owner] + np.arange(len(tokens)) for tokens, owner in answers]))
        # A placeholder that was sampled is a token like any other, without an image.
        text = np.where(np.isin(after, self.processor.picture_tokens), 0, after)
        batch = Batch(
            torch.cat([prompts.tokens[kept], self._ids(text)])[None], table(segments),
            torch.cat([prompts.positions[..., kept], positions.expand(*prompts.positions.shape[:-2], -1)], -1)[..., None, :],
            {name: self._alongside(name, value, kept, len(after)) for name, value in prompts.others.items()},
            is_filled=prompts.is_filled)
        if prompts.embedded is not None or (text != after).any():
            own = prompts.tokens if prompts.embedded is None else prompts.embedded
            batch.embedded = torch.cat([own[kept], self._ids(after)])[None]
        return Scored(None, batch, self._ids(owners), self._ids(_joined(places)), self._ids(_targets(pieces)))

    def _alongside(self, name: str, value: torch.Tensor, kept: torch.Tensor, count: int) -> torch.Tensor:
        """An input of prompts in a packed row: those that go along with tokens are cut and have zeros for responses."""
        if name not in self.processor.token_type_names:
            return value
        return torch.cat([value[kept], value.new_zeros(count)])[None]

    # All.

    def _arranged(self, rows: list[Row], with_images: bool, on_the_left: bool) -> tuple[Batch, torch.Tensor]:
        """Rows padded on one side, and the position that follows each."""
        has_images = any(row.prompt.images for row in rows)
        is_filled = not rows or (with_images and not has_images)
        if is_filled:
            blank = self.processor.blank if with_images else None
            rows = [*rows, Row(blank or Prompt(np.zeros(1, np.int32), []), NOTHING)]
        width = max(len(row.tokens) for row in rows)
        tokens, mask, embedded = (np.zeros((len(rows), width), np.int64) for _ in range(3))
        types: dict[str, np.ndarray] = {}
        for number, row in enumerate(rows):
            start = width - len(row.tokens) if on_the_left else 0
            span = slice(start, start + len(row.tokens))
            embedded[number, span], mask[number, span] = row.tokens, 1
            # A placeholder that was sampled is a token like any other, without an image.
            text = np.where(np.isin(row.after, self.processor.picture_tokens), 0, row.after)
            tokens[number, span] = np.concatenate([row.prompt.tokens, text])
            for name, values in self.processor.token_types(row.prompt.tokens).items():
                # What was sampled is text.
                target = types.setdefault(name, np.zeros((len(rows), width), np.int64))
                target[number, start : start + len(values)] = values
        others = {name: torch.from_numpy(values) for name, values in types.items()}
        others |= self._images([row.prompt for row in rows])
        batch = Batch(torch.from_numpy(tokens), torch.from_numpy(mask), torch.zeros(0), others, is_filled=is_filled)
        batch.positions, following = self._positions(batch)
        for name in ("tokens", "mask", "positions"):
            setattr(batch, name, getattr(batch, name).to(self.device))
        for name, value in others.items():
            batch.others[name] = value.to(self.device, self.number_format if value.is_floating_point() else value.dtype)
        batch.embedded = None if (embedded == tokens).all() else self._on_device(embedded)
        return batch, following.to(self.device)

    def _images(self, prompts: list[Prompt]) -> dict[str, torch.Tensor]:
        """The inputs of all images, one after the other; smaller ones are padded with zeros, as processors do."""
        shown = [self.processor.shown(prompt.images).inputs for prompt in prompts if prompt.images]
        names = dict.fromkeys(name for inputs in shown for name in inputs)
        return {name: _stacked([inputs[name] for inputs in shown if name in inputs]) for name in names}

    def _positions(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """The positions of tokens, and the one that follows each row; of the model's own making where it has its own."""
        lengths = batch.mask.sum(-1)
        if self._rope_index is None:
            return (batch.mask.cumsum(-1) - 1).clamp(min=0), lengths
        given = {"input_ids": batch.tokens, "attention_mask": batch.mask} | batch.others
        known = inspect.signature(self._rope_index).parameters
        positions, deltas = self._rope_index(**{name: it for name, it in given.items() if name in known})
        return positions, lengths + deltas[:, 0].to(lengths.device)

    def _axes(self, positions: torch.Tensor) -> torch.Tensor:
        """Positions of text, the same on all axes where the model has several."""
        return positions if self._rope_index is None else positions[None].expand(3, -1, -1)

    def _ids(self, values: Sequence[int] | np.ndarray) -> torch.Tensor:
        return self._on_device(np.asarray(values, np.int64))

    def _on_device(self, values: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(values).to(self.device)


def _owners(pieces: list[Piece]) -> tuple[list[Prompt], list[int]]:
    """The prompts of pieces, each once, and the number of each piece's own."""
    distinct = list({id(it.prompt): it.prompt for it in pieces}.values())
    numbers = {id(prompt): number for number, prompt in enumerate(distinct)}
    return distinct, [numbers[id(it.prompt)] for it in pieces]


def _targets(pieces: list[Piece]) -> np.ndarray:
    return _joined([it.tokens for it in pieces]).astype(np.int64)


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def _stacked(values: list[torch.Tensor]) -> torch.Tensor:
    """Tensors one after the other along their first axis, padded with zeros along the others."""
    sizes = [max(value.shape[axis] for value in values) for axis in range(1, values[0].dim())]

    def padded(value: torch.Tensor) -> torch.Tensor:
        missing = [size - own for size, own in zip(sizes, value.shape[1:])]
        return F.pad(value, [it for left in reversed(missing) for it in (0, left)]) if any(missing) else value

    return torch.cat([padded(value) for value in values])
