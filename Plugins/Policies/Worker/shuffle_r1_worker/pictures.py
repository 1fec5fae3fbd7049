# SPDX-License-Identifier: Apache-2.0
"""The images that the pipeline has sent."""

from __future__ import annotations

import numpy as np

from .faults import WorkerFault
from .wire import Frame
from .work import array


class Pictures:
    """Images by the names that the pipeline gave them; the pipeline decides which to keep."""

    def __init__(self) -> None:
        self._pixels: dict[str, np.ndarray] = {}

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

    def __contains__(self, name: str) -> bool:
        return name in self._pixels
