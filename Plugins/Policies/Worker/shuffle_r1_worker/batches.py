# SPDX-License-Identifier: Apache-2.0
"""Divides groups into micro-batches of bounded size, and arranges them for the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable

import numpy as np
import torch

from .network import Images
from .pictures import Pictures
from .positions import prompt_positions
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


def micro_batches(groups: list[Group], rows: int) -> list[list[Piece]]:
    """Responses in order; a micro-batch has no more rows, including padding, unless a single response has."""
    batches: list[list[Piece]] = []
    longest = 0
    for number, group in enumerate(groups):
        for index, tokens in enumerate(group.responses):
            if len(tokens) == 0:
                continue
            piece = Piece(number, index, group.prompt, tokens)
            longest = max(longest, piece.length)
            if not batches or longest * (len(batches[-1]) + 1) > rows:
                batches.append([])
                longest = piece.length
            batches[-1].append(piece)
    return batches


@dataclass
class Layout:
    """Converts prompts and images to tensors."""

    pictures: Pictures
    image_token: int
    merge: int
    device: torch.device
    vision_learns: bool

    def positions(self, prompt: Prompt) -> tuple[np.ndarray, int]:
        grids = [self.pictures.grid(name) for name in prompt.images]
        return prompt_positions(prompt.tokens, self.image_token, grids, self.merge)

    def images(self, prompts: Iterable[Prompt], shown: np.ndarray, needed: bool) -> Images | None:
        """The images of prompts, each distinct one once; where none is, an empty one if the tower must be passed.

        `shown` marks the tokens of the batch that are images.
        """
        names = [name for prompt in prompts for name in prompt.images]
        distinct = list(dict.fromkeys(names))
        if not distinct and not needed:
            return None
        if distinct:
            patches, grids = self.pictures.patches(distinct)
        else:
            patches, grids = self.pictures.blank(self.merge)
        places = {name: index for index, name in enumerate(distinct)}
        return Images(
            patches.to(self.device), grids.to(self.device), [places[name] for name in names], self._on_device(shown),
            self.vision_learns)

    def no_images(self, tokens: torch.Tensor) -> Images:
        """For a batch without images that must pass through the tower anyway."""
        patches, grids = self.pictures.blank(self.merge)
        nowhere = torch.zeros_like(tokens, dtype=torch.bool)
        return Images(patches.to(self.device), grids.to(self.device), [], nowhere, self.vision_learns)

    def scored(self, pieces: list[Piece], needs_images: bool) -> dict[str, Any]:
        """A micro-batch padded on the right, and the places where each response token is predicted."""
        width = max((piece.length for piece in pieces), default=1)
        count = max(1, len(pieces))
        tokens = np.zeros((count, width), np.int64)
        mask = np.zeros((count, width), np.int64)
        positions = np.zeros((3, count, width), np.int64)
        shown = np.zeros((count, width), bool)
        rows, columns, targets = [], [], []
        for row, piece in enumerate(pieces):
            start, length = len(piece.prompt.tokens), piece.length
            tokens[row, :start] = piece.prompt.tokens
            tokens[row, start:length] = piece.tokens[:-1]
            # A placeholder that was sampled in a response is a token like any other, without an image.
            shown[row, :start] = piece.prompt.tokens == self.image_token
            mask[row, :length] = 1
            of_prompt, following = self.positions(piece.prompt)
            positions[:, row, :start] = of_prompt
            positions[:, row, start:length] = following + np.arange(length - start)
            rows += [row] * len(piece.tokens)
            columns += range(start - 1, length)
            targets.append(piece.tokens)
        if not pieces:
            mask[0, 0] = 1
        return {
            "tokens": self._on_device(tokens), "mask": self._on_device(mask), "positions": self._on_device(positions),
            "rows": self._on_device(np.array(rows, np.int64)), "columns": self._on_device(np.array(columns, np.int64)),
            "targets": self._on_device(np.concatenate(targets).astype(np.int64) if targets else np.zeros(0, np.int64)),
            "images": self.images((piece.prompt for piece in pieces), shown, needs_images),
        }

    def prompts(self, prompts: list[Prompt], needs_images: bool) -> tuple[dict[str, Any], np.ndarray]:
        """Prompts padded on the left, and the position that follows each."""
        width = max((len(prompt.tokens) for prompt in prompts), default=1)
        count = max(1, len(prompts))
        tokens = np.zeros((count, width), np.int64)
        mask = np.zeros((count, width), np.int64)
        positions = np.zeros((3, count, width), np.int64)
        following = np.zeros(count, np.int64)
        for row, prompt in enumerate(prompts):
            start = width - len(prompt.tokens)
            tokens[row, start:] = prompt.tokens
            mask[row, start:] = 1
            positions[:, row, start:], following[row] = self.positions(prompt)
        if not prompts:
            mask[0, -1] = 1
        return {
            "tokens": self._on_device(tokens), "mask": self._on_device(mask), "positions": self._on_device(positions),
            "last": torch.full((count,), width - 1, device=self.device),
            "images": self.images(prompts, tokens == self.image_token, needs_images),
        }, following

    def _on_device(self, values: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(values).to(self.device)
