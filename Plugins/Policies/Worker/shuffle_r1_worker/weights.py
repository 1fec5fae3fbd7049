# SPDX-License-Identifier: Apache-2.0
"""Weights in safetensors files, and their two naming schemes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Iterator

import torch
from safetensors import safe_open

from .faults import WorkerFault

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"


def canonical(name: str) -> str:
    """The name as in the published checkpoints: `model.…`, `visual.…`, `lm_head.weight`."""
    for prefix, short in (("model.language_model.", "model."), ("model.visual.", "visual.")):
        if name.startswith(prefix):
            return short + name[len(prefix) :]
    return name


class WeightFiles:
    """The mapped tensors of a model's folder, each read on demand."""

    def __init__(self, folder: Path):
        self.folder = folder
        single, index = folder / SINGLE, folder / INDEX
        try:
            if index.exists():
                files = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
            elif single.exists():
                files = [SINGLE]
            else:
                raise WorkerFault(
                    "model", f"{folder} has neither {SINGLE} nor {INDEX}",
                    "name the folder of a model in the Hugging Face layout, with weights in safetensors")
            self._open = [safe_open(str(folder / file), framework="pt", device="cpu") for file in files]
        except WorkerFault:
            raise
        except Exception as error:
            raise WorkerFault(
                "model", f"the weights in {folder} cannot be read: {error}", "copy or download the checkpoint again"
            ) from None
        self._stored: dict[str, tuple[int, str]] = {}
        self.order: list[str] = []
        for number, file in enumerate(self._open):
            for stored in file.keys():
                self._stored[canonical(stored)] = (number, stored)
                self.order.append(canonical(stored))

    def __contains__(self, name: str) -> bool:
        return name in self._stored

    def __iter__(self) -> Iterator[str]:
        return iter(self._stored)

    def stored_name(self, name: str) -> str:
        """The name of a tensor in files."""
        return self._stored[name][1]

    def shape(self, name: str) -> tuple[int, ...]:
        number, stored = self._stored[name]
        return tuple(self._open[number].get_slice(stored).get_shape())

    def tensor(self, name: str) -> torch.Tensor:
        number, stored = self._stored[name]
        return self._open[number].get_tensor(stored)

    def metadata(self) -> dict[str, str]:
        return self._open[0].metadata() or {}
