# SPDX-License-Identifier: Apache-2.0
"""The images sent by the pipeline, upright and resized, and their patches by transformers' Pillow processor."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from .faults import WorkerFault
from .wire import Frame
from .work import array

_CONFIG_KEYS = (
    "do_rescale", "do_normalize", "rescale_factor", "image_mean", "image_std", "patch_size", "temporal_patch_size",
    "merge_size",
)


class Pictures:
    """Images by the names that the pipeline gave them; the pipeline decides which to keep."""

    def __init__(self) -> None:
        self._pixels: dict[str, np.ndarray] = {}
        self._processor = None

    def open(self, model: Path) -> None:
        """Configures how a model's images are prepared."""
        from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

        path, settings = model / "preprocessor_config.json", {}
        if path.exists():
            settings = json.loads(path.read_text(encoding="utf-8"))
            settings = settings.get("image_processor", settings)
        self._processor = Qwen2VLImageProcessorPil(**{key: settings[key] for key in _CONFIG_KEYS if key in settings})

    def take(self, frame: Frame) -> None:
        """Adds the images of a message, and drops those that it names."""
        for name in frame.header.get("drop", []):
            self._pixels.pop(name, None)
        for name in frame.payloads:
            pixels = array(frame, name, "uint8")
            if pixels.ndim != 3 or pixels.shape[2] != 3:
                raise WorkerFault("protocol", f"the image '{name}' has the shape {pixels.shape}, not height, width, 3")
            self._pixels[name] = pixels

    def pixels(self, name: str) -> np.ndarray:
        """The image as [height, width, 3]."""
        if name not in self._pixels:
            raise WorkerFault("protocol", f"the image '{name}' was not sent, or dropped")
        return self._pixels[name]

    def patches(self, names: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """The patches of all images, concatenated, and the grid of each: [patches, width], [images, 3]."""
        assert self._processor is not None, "a model is loaded before images are used"
        found = [
            self._processor(
                images=[self.pixels(name)], do_resize=False, input_data_format="channels_last", return_tensors="np")
            for name in names
        ]
        values = np.concatenate([one["pixel_values"] for one in found])
        grids = np.concatenate([one["image_grid_thw"] for one in found])
        return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32)), torch.from_numpy(grids).long()

    def blank(self, merge: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The patches and the grid of an empty image of the smallest size."""
        assert self._processor is not None, "a model is loaded before images are used"
        width = 3 * self._processor.temporal_patch_size * self._processor.patch_size**2
        return torch.zeros(merge * merge, width), torch.tensor([[1, merge, merge]])

    def grid(self, name: str) -> tuple[int, int]:
        """The patches of an image from top to bottom and from left to right."""
        assert self._processor is not None, "a model is loaded before images are used"
        height, width, _ = self.pixels(name).shape
        side = self._processor.patch_size
        return height // side, width // side
