# SPDX-License-Identifier: Apache-2.0
"""The pipeline's settings for a model to load: the options of `"use": "worker"`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .faults import WorkerFault


@dataclass(frozen=True)
class LoRA:
    """Low-rank adapters instead of the weights; rank 0 for none."""

    rank: int = 0
    alpha: float = 16.0


@dataclass(frozen=True)
class Generation:
    """How responses are sampled."""

    engine: str = "transformers"
    rows_at_once: int = 256
    memory_share: float = 0.4
    tensor_parallel: int = 1


@dataclass(frozen=True)
class Settings:
    """The message `load`."""

    model: Path
    checkpoint: Path | None
    trains: bool
    seed: int = 0
    vision: str = "frozen"
    device: str = "auto"
    dtype: str = "auto"
    attention: str = "auto"
    sharding: str = "auto"
    gradient_checkpointing: bool = False
    rows_per_micro_batch: int = 4096
    packing: str = "auto"
    """Whether prompts and responses are computed in one row without padding: auto, on or off."""
    min_pixels: int = 56 * 56
    max_pixels: int = 28 * 28 * 1280
    threads: int = 1
    optimizer: str = "fresh"
    prompts: str = "pipeline"
    """Who makes tokens and sizes images: the pipeline, or the worker by the model's own processor."""
    lora: LoRA = field(default_factory=LoRA)
    generation: Generation = field(default_factory=Generation)

    @property
    def source(self) -> Path:
        """The folder from which the weights are read: adapters are applied to the model that they were made for."""
        return self.model if self.checkpoint is None or self.lora.rank > 0 else self.checkpoint

    @staticmethod
    def read(header: dict[str, Any]) -> Settings:
        options = dict(header.get("options", {}))
        checkpoint = header.get("checkpoint")
        try:
            options["lora"] = LoRA(**options.get("lora", {}))
            options["generation"] = Generation(**options.get("generation", {}))
            return Settings(
                Path(header["model"]), Path(checkpoint) if checkpoint else None, header["purpose"] == "training", **options)
        except TypeError as error:
            raise WorkerFault(
                "protocol", f"'load' has an option that this worker does not know: {error}",
                "install the worker that came with the pipeline: `make worker`") from None
