# SPDX-License-Identifier: Apache-2.0
"""The processes that share one policy: rank 0 speaks the protocol, the others follow."""

from __future__ import annotations

import datetime
import os
from typing import Any

import torch
import torch.distributed as dist

from .faults import WorkerFault
from .wire import Frame, Payload


class Ranks:
    """The group set up by torchrun, or a single process."""

    def __init__(self, device: str):
        self.count = int(os.environ.get("WORLD_SIZE", "1"))
        self.index = int(os.environ.get("RANK", "0"))
        local = int(os.environ.get("LOCAL_RANK", "0"))
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        self.device = torch.device(device, local) if device == "cuda" else torch.device(device)
        self.mesh = None
        if self.device.type == "cuda":
            self._take_gpu(local)
        if self.count > 1:
            backend = "cpu:gloo,cuda:nccl" if self.device.type == "cuda" else "gloo"
            # Another rank may wait as long as the pipeline computes.
            dist.init_process_group(backend, timeout=datetime.timedelta(days=7))
            self.mesh = dist.device_mesh.init_device_mesh(self.device.type, (self.count,))

    def _take_gpu(self, local: int) -> None:
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if local >= count:
            raise WorkerFault(
                "options", f"rank {self.index} has no GPU: PyTorch sees {count} on this machine",
                "set policy.with.device to cpu or auto, lower policy.with.ranks, or see what `nvidia-smi` says")
        torch.cuda.set_device(self.device)

    @property
    def is_first(self) -> bool:
        return self.index == 0

    def broadcast(self, value: Any) -> Any:
        """The value on rank 0."""
        if self.count == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0, device=torch.device("cpu"))
        return box[0]

    def frame(self, frame: Frame | None) -> Frame:
        """The message on rank 0, with buffers converted for pickling."""
        if self.count > 1 and frame is not None:
            frame = Frame(
                frame.header,
                {name: Payload(it.dtype, it.shape, bytes(it.data)) for name, it in frame.payloads.items()})
        return self.broadcast(frame)

    def gather(self, value: Any) -> list[Any]:
        """On rank 0 the values of all ranks, in order; on the others nothing."""
        if self.count == 1:
            return [value]
        found: list[Any] | None = [None] * self.count if self.is_first else None
        dist.gather_object(value, found, dst=0)
        return found or []

    def any(self, flag: bool) -> bool:
        """Whether it is true on any rank."""
        return self.sum(1.0 if flag else 0.0) > 0

    def sum(self, value: float) -> float:
        """The sum over all, in double precision."""
        if self.count == 1:
            return value
        box = torch.tensor([value], dtype=torch.float64)
        dist.all_reduce(box)
        return float(box.item())

    def add_up(self, values: torch.Tensor) -> None:
        """The sum over all, in place."""
        if self.count > 1:
            dist.all_reduce(values)

    def close(self) -> None:
        if self.count > 1 and dist.is_initialized():
            dist.destroy_process_group()
