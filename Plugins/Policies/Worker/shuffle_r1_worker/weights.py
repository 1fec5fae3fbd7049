# SPDX-License-Identifier: Apache-2.0
"""Weights in safetensors files, and how they are named there and in the model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable, Iterator

import torch
from safetensors import safe_open

from .faults import WorkerFault

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"


def canonical(name: str) -> str:
    """The short form of a name in the model, under which the optimizer's state is saved: `model.…`, `visual.…`.

    It is the one that the bundled policy uses.
    """
    for prefix, short in (("model.language_model.", "model."), ("model.visual.", "visual.")):
        if name.startswith(prefix):
            return short + name[len(prefix) :]
    return name


def plain(name: str) -> str:
    """A parameter's name without the prefixes of adapters."""
    return name.replace(".base_layer.", ".")


class StoredNames:
    """From names in a checkpoint to names in the model, by transformers' own table of renamings."""

    def __init__(self, model: Any):
        from transformers.conversion_mapping import get_model_conversion_mapping
        from transformers.core_model_loading import WeightConverter, WeightRenaming

        conversions = get_model_conversion_mapping(model)
        self._family = model.config.model_type
        self._renamings = [it for it in conversions if isinstance(it, WeightRenaming)]
        self._converters = [it for it in conversions if isinstance(it, WeightConverter)]
        self._prefix, self._state = model.base_model_prefix, model.state_dict()

    def __call__(self, stored: str) -> str:
        from transformers.core_model_loading import rename_source_key

        if stored in self._state:
            return canonical(stored)
        name, converter = rename_source_key(stored, self._renamings, self._converters, self._prefix, self._state)
        if converter is not None:
            raise WorkerFault(
                "model",
                f"the checkpoint stores '{stored}' apart from what it is one tensor with in transformers' '{self._family}', as "
                "mixtures of experts do; such checkpoints can be read and not yet be written again",
                "take a dense model")
        return canonical(name)


class WeightFiles:
    """The mapped tensors of a model's folder, each read on demand."""

    def __init__(self, folder: Path, name_of: Callable[[str], str] = canonical):
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
                name = name_of(stored)
                self._stored[name] = (number, stored)
                self.order.append(name)

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
