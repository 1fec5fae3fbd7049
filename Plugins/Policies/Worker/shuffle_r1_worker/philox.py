# SPDX-License-Identifier: Apache-2.0
"""Philox4x64-10 for many keys at once: the uniform numbers that the bundled policy draws tokens by.

The first number of `numpy.random.Philox(key=[seed, purpose], counter=[0, position, 0, 0])`, as PhiloxGenerator of
PipelineCore has it. Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
"""

from __future__ import annotations

import numpy as np

_MULTIPLIERS = (np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157))
_WEYL = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBB67AE8584CAA73B))
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


def name_hash(text: str) -> int:
    """FNV-1a of 64 bits."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def _product(a: np.ndarray, b: np.uint64) -> tuple[np.ndarray, np.ndarray]:
    """The high and the low 64 bits of products."""
    a0, a1, b0, b1 = a & _LOW, a >> _HALF, b & _LOW, b >> _HALF
    low, middle1, middle2, high = a0 * b0, a1 * b0, a0 * b1, a1 * b1
    carry = (low >> _HALF) + (middle1 & _LOW) + (middle2 & _LOW)
    return high + (middle1 >> _HALF) + (middle2 >> _HALF) + (carry >> _HALF), a * b


def uniforms(seeds: np.ndarray, positions: np.ndarray, purpose: str = "sample") -> np.ndarray:
    """For each seed and position a number strictly between 0 and 1."""
    seeds, positions = np.asarray(seeds, np.uint64), np.asarray(positions, np.uint64)
    x0, x1 = np.ones_like(seeds), positions
    x2 = x3 = np.zeros_like(seeds)
    k0, k1 = seeds.copy(), np.full_like(seeds, name_hash(purpose))
    with np.errstate(over="ignore"):
        for turn in range(10):
            if turn:
                k0, k1 = k0 + _WEYL[0], k1 + _WEYL[1]
            high0, low0 = _product(x0, _MULTIPLIERS[0])
            high1, low1 = _product(x2, _MULTIPLIERS[1])
            x0, x1, x2, x3 = high1 ^ x1 ^ k0, low1, high0 ^ x3 ^ k1, low0
    found = ((x0 >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    return np.minimum(found, 1 - 2.0**-53)
