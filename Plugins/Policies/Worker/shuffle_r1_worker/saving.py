# SPDX-License-Identifier: Apache-2.0
"""Saves a policy in the Hugging Face layout with its optimizer's state, whole or not at all, and opens it again.

The files are those that the bundled policy writes: either program goes on from the other's checkpoint.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Callable, Iterator

import torch
from safetensors.torch import safe_open
from torch import nn

from .faults import WorkerFault
from .optimizer import AdamW
from .ranks import Ranks
from .settings import Settings
from .tensor_file import TensorFile
from .weights import INDEX, SINGLE, WeightFiles, canonical, plain

OPTIMIZER, ADAPTER = "optimizer.safetensors", "adapter"
SHARD_BYTES = 5_000_000_000
DOCUMENTS = (
    "generation_config.json", "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "vocab.json", "merges.txt",
    "added_tokens.json", "special_tokens_map.json", "chat_template.json", "chat_template.jinja",
    "preprocessor_config.json", "video_preprocessor_config.json", "processor_config.json", "LICENSE", "NOTICE",
)
TYPE_NAMES = {torch.float32: "float32", torch.bfloat16: "bfloat16", torch.float16: "float16"}


class Documents:
    """The files of a model other than its weights, as they were when it was opened: the folder may be removed later."""

    def __init__(self, folder: Path):
        self._files = {name: (folder / name).read_bytes() for name in DOCUMENTS if (folder / name).exists()}
        self._config = json.loads((folder / "config.json").read_text(encoding="utf-8"))

    def write(self, folder: Path, number_format: torch.dtype) -> None:
        for name, content in self._files.items():
            _write(folder / name, content)
        config = self._with_format(self._config, TYPE_NAMES[number_format])
        _write(folder / "config.json", (json.dumps(config, indent=2, ensure_ascii=False) + "\n").encode())

    def _with_format(self, config: dict, name: str) -> dict:
        """The configuration with another number format wherever it states one."""
        changed = {key: name if key in ("dtype", "torch_dtype") else value for key, value in config.items()}
        for key in ("text_config", "vision_config"):
            if isinstance(config.get(key), dict):
                changed[key] = self._with_format(config[key], name)
        return changed


class Saver:
    """Writes checkpoints of one policy."""

    def __init__(
        self, model: nn.Module, optimizer: AdamW, settings: Settings, ranks: Ranks, files: WeightFiles,
        targets: str = "",
    ):
        """`targets` says which layers have adapters."""
        self.model, self.optimizer, self.settings, self.ranks = model, optimizer, settings, ranks
        self.files = files
        buffers = [(name, it) for name, it in model.named_buffers() if it.is_floating_point()]
        tensors = [*model.named_parameters(), *buffers]
        self.own = {canonical(plain(name)): (name, it) for name, it in tensors}
        self.targets = targets
        # A tied head that the source stores as well is not written twice.
        self.order = [name for name in files.order if name in self.own]
        self.documents = Documents(settings.source)

    def save(self, folder: Path) -> None:
        """Writes next to the target, and renames at the end; every rank must call it."""
        partial = folder.with_name(f".{folder.name}.partial")
        if self.ranks.is_first:
            if folder.exists():
                raise WorkerFault("save", f"{folder} exists already", "name another folder")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
        adapted = self.settings.lora.rank > 0
        number_format = torch.float32 if not adapted else self.files.tensor(self.order[0]).dtype
        self._write_shards(partial, number_format)
        if self.optimizer.steps > 0:
            self._write_state(partial / OPTIMIZER)
        if adapted:
            state = {it.name: it.whole(it.weights).cpu() for it in self.optimizer.learners}
            if self.ranks.is_first:
                (partial / ADAPTER).mkdir()
                self._write_adapter(partial / ADAPTER, state)
        if self.ranks.is_first:
            self.documents.write(partial, number_format)
            _sync(partial)
            os.rename(partial, folder)
            _sync(folder.parent)

    def weights(self, number_format: torch.dtype) -> Iterator[tuple[str, torch.Tensor]]:
        """Names and whole tensors, with adapters merged, in the order of the source's files; every rank must iterate over it."""
        learners = {it.name: it for it in self.optimizer.learners}
        for name in self.order:
            full_name, parameter = self.own[name]
            if name in learners:
                whole = learners[name].whole(learners[name].weights)
            else:
                whole = parameter.detach()
                whole = whole.full_tensor() if hasattr(whole, "full_tensor") else whole
                change = self._adapter_change(full_name, learners)
                whole = whole if change is None else whole.float() + change
            yield self.files.stored_name(name), whole.to(number_format)

    def _adapter_change(self, name: str, learners: dict) -> torch.Tensor | None:
        """The change that adapters make to a weight: scale · B · A."""
        if ".base_layer." not in name:
            return None
        layer = canonical(name.removesuffix(".base_layer.weight"))
        a, b = (learners.get(f"{layer}.lora_{side}.default.weight") for side in "AB")
        if a is None or b is None or not name.endswith(".weight"):
            return None
        return (b.whole(b.weights) @ a.whole(a.weights)) * (self.settings.lora.alpha / self.settings.lora.rank)

    def _write_shards(self, folder: Path, number_format: torch.dtype) -> None:
        sizes = [(self.files.stored_name(name), self.files.shape(name)) for name in self.order]
        plan = _shard_plan(sizes, number_format.itemsize)
        file: TensorFile | None = None
        for name, tensor in self.weights(number_format):
            if not self.ranks.is_first:
                continue
            if file is None:
                of_file = [(other, shape) for other, shape in sizes if plan[other] == plan[name]]
                file = TensorFile(folder / plan[name], of_file, number_format, {"format": "pt"})
            file.write(name, tensor)
            if file.is_complete:
                file.close()
                file = None
        if self.ranks.is_first and len(set(plan.values())) > 1:
            total = sum(number_format.itemsize * int(torch.Size(shape).numel()) for _, shape in sizes)
            index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(plan.items()))}
            _write(folder / INDEX, (json.dumps(index, indent=2) + "\n").encode())

    def _write_state(self, path: Path) -> None:
        """The optimizer's state, tensor by tensor: it is four times as large as the model in bfloat16."""
        file = None
        if self.ranks.is_first:
            metadata = {"format": "pt", "step": str(self.optimizer.steps)}
            file = TensorFile(path, self.optimizer.state_shapes, torch.float32, metadata)
        for name, tensor in self.optimizer.state():
            if file is not None:
                file.write(name, tensor)
        if file is not None:
            file.close()

    def _write_adapter(self, folder: Path, state: dict[str, torch.Tensor]) -> None:
        """The layout of peft: its `PeftModel.from_pretrained` opens it on top of the model."""
        tensors = {self.optimizer.adapter_name(name): it for name, it in state.items()}
        declared = [(name, it.shape) for name, it in tensors.items()]
        file = TensorFile(folder / "adapter_model.safetensors", declared, torch.float32, {"format": "pt"})
        for name, tensor in tensors.items():
            file.write(name, tensor)
        file.close()
        config = {
            "peft_type": "LORA", "task_type": None, "base_model_name_or_path": str(self.settings.model),
            "r": self.settings.lora.rank, "lora_alpha": self.settings.lora.alpha, "lora_dropout": 0.0, "bias": "none",
            "target_modules": self.targets,
        }
        _write(folder / "adapter_config.json", (json.dumps(config, indent=2) + "\n").encode())


def restore(optimizer: AdamW, settings: Settings) -> None:
    """Restores the optimizer's state and adapters from the policy's folder."""
    folder = settings.checkpoint or settings.model
    if settings.lora.rank > 0 and settings.checkpoint is not None:
        give = _reader(folder / ADAPTER / "adapter_model.safetensors")
        for learner in optimizer.learners:
            values = learner.own(give(optimizer.adapter_name(learner.name), learner.parameter.shape))
            learner.weights.copy_(values)
            with torch.no_grad():
                own = learner.parameter.to_local() if learner.is_sharded else learner.parameter
                own.copy_(values)
    if settings.checkpoint is None and settings.optimizer != "continue":
        return
    path = folder / OPTIMIZER
    if not path.exists():
        if settings.checkpoint is not None:
            return
        raise WorkerFault(
            "options", f'{folder} has no {OPTIMIZER}, which "optimizer": "continue" of the policy asks for',
            "name a checkpoint of a run, or leave the option out")
    with safe_open(str(path), framework="pt") as file:
        steps = (file.metadata() or {}).get("step", "")
    if not steps.isdigit():
        raise WorkerFault("model", f"{path} does not say its step", 'leave out "optimizer": "continue" to start the optimizer anew')
    optimizer.restore(int(steps), _reader(path))


def _reader(path: Path) -> Callable[[str, torch.Size], torch.Tensor]:
    if not path.exists():
        raise WorkerFault("model", f"{path} is missing", "take the whole checkpoint, or start without it")
    file = safe_open(str(path), framework="pt")
    names = set(file.keys())

    def give(name: str, shape: torch.Size) -> torch.Tensor:
        if name not in names or tuple(file.get_slice(name).get_shape()) != tuple(shape):
            raise WorkerFault(
                "model", f"{path} has no '{name}' of the shape {list(shape)}",
                "open it with the settings that it was saved with: vision, lora")
        return file.get_tensor(name)

    return give


def _shard_plan(sizes: list[tuple[str, tuple[int, ...]]], width: int) -> dict[str, str]:
    """Which file gets which tensor, filled in order."""
    numbers, room, number = {}, SHARD_BYTES, 0
    for name, shape in sizes:
        size = width * int(torch.Size(shape).numel())
        if size > room and room < SHARD_BYTES:
            number, room = number + 1, SHARD_BYTES
        numbers[name], room = number, room - size
    if number == 0:
        return {name: SINGLE for name in numbers}
    return {name: f"model-{it + 1:05}-of-{number + 1:05}.safetensors" for name, it in numbers.items()}


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    _sync(path)


def _sync(path: Path) -> None:
    """Writes a file or a folder through to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
