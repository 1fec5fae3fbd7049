# SPDX-License-Identifier: Apache-2.0
"""Positions of tokens: M-RoPE positions in time, height and width.

Source: Wang et al., "Qwen2-VL" (arXiv 2409.12191), section 2.1; `get_rope_index` of transformers.
"""

from __future__ import annotations

import numpy as np

from .faults import WorkerFault


def prompt_positions(
    tokens: np.ndarray, image_token: int, grids: list[tuple[int, int]], merge: int
) -> tuple[np.ndarray, int]:
    """The positions of a prompt, [3, tokens], and the one that follows.

    `grids` are the patches of each image, from top to bottom and from left to right.
    """
    positions = np.empty((3, len(tokens)), np.int64)
    is_image = tokens == image_token
    place = next_position = 0
    images = iter(grids)
    while place < len(tokens):
        if is_image[place]:
            rows, columns = (side // merge for side in next(images, (0, 0)))
            count = rows * columns
            if count == 0 or not is_image[place : place + count].all() or place + count > len(tokens):
                raise WorkerFault("data", "the image placeholders of a prompt do not fit its images")
            positions[0, place : place + count] = next_position
            positions[1, place : place + count] = next_position + np.repeat(np.arange(rows), columns)
            positions[2, place : place + count] = next_position + np.tile(np.arange(columns), rows)
            next_position += max(rows, columns)
        else:
            rest = np.flatnonzero(is_image[place:])
            count = int(rest[0]) if len(rest) else len(tokens) - place
            positions[:, place : place + count] = next_position + np.arange(count)
            next_position += count
        place += count
    if next(images, None) is not None:
        raise WorkerFault("data", "a prompt has more images than placeholders")
    return positions, next_position
