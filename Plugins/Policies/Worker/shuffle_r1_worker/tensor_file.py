# SPDX-License-Identifier: Apache-2.0
"""A file of safetensors that is written tensor by tensor.

The library's own writer wants all tensors in memory at once, and writes several members of metadata in an order that differs
from one process to the next. Source of the format: the README of huggingface/safetensors.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Sequence

import torch

TYPE_NAMES = {torch.float32: "F32", torch.bfloat16: "BF16", torch.float16: "F16"}
ALIGNMENT = 8
"""Arrays begin at a multiple of this, so that readers can map them."""


class TensorFile:
    """Tensors are declared first, then written in that order; `close` writes them through to the disk."""

    def __init__(
        self, path: Path, declared: Sequence[tuple[str, Sequence[int]]], number_format: torch.dtype, metadata: dict[str, str]
    ):
        self._pending = [(name, tuple(shape)) for name, shape in declared]
        self._pending.reverse()
        self._format = number_format
        header: dict[str, object] = {"__metadata__": metadata}
        end = 0
        for name, shape in declared:
            start, end = end, end + number_format.itemsize * torch.Size(shape).numel()
            header[name] = {"dtype": TYPE_NAMES[number_format], "shape": list(shape), "data_offsets": [start, end]}
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        text += b" " * (-len(text) % ALIGNMENT)
        self._file = open(path, "wb")
        self._file.write(len(text).to_bytes(8, "little") + text)

    @property
    def is_complete(self) -> bool:
        """Whether every declared tensor has been written."""
        return not self._pending

    def write(self, name: str, tensor: torch.Tensor) -> None:
        """Writes the next tensor."""
        if self._pending.pop() != (name, tuple(tensor.shape)):
            raise ValueError(f"{name} of {tuple(tensor.shape)} is not what was to come next")
        values = tensor.detach().to("cpu", self._format).contiguous().reshape(-1)
        values.view(torch.uint8).numpy().tofile(self._file)

    def close(self) -> None:
        """Completes the file."""
        if self._pending:
            raise ValueError(f"{self._pending[-1][0]} is missing")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
