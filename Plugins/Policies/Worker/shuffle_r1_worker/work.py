# SPDX-License-Identifier: Apache-2.0
"""The contents of requests as arrays: prompts, groups of responses, sampling options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .faults import WorkerFault
from .wire import Frame, Payload

NUMPY_TYPES = {"uint8": np.uint8, "int32": np.dtype("<i4"), "uint64": np.dtype("<u8"), "float32": np.dtype("<f4")}


def array(frame: Frame, name: str, dtype: str) -> np.ndarray:
    """A payload as an array of its shape."""
    payload = frame.payload(name, dtype)
    return np.frombuffer(payload.data, dtype=NUMPY_TYPES[dtype]).reshape(payload.shape)


def payload(values: Any, dtype: str) -> Payload:
    """An array as a payload."""
    values = np.ascontiguousarray(values, dtype=NUMPY_TYPES[dtype])
    return Payload(dtype, tuple(values.shape), values.reshape(-1).view(np.uint8).data)


def cut(values: np.ndarray, lengths: np.ndarray) -> list[np.ndarray]:
    """Concatenated rows of different lengths."""
    if int(lengths.sum()) != len(values) or (lengths < 0).any():
        raise WorkerFault("protocol", f"{len(values)} values do not make rows of {int(lengths.sum())} in all")
    return np.split(values, np.cumsum(lengths)[:-1]) if len(lengths) else []


@dataclass
class Prompt:
    """Tokens with image placeholders expanded, and the names of the images in order."""

    tokens: np.ndarray
    images: list[str]


@dataclass
class Group:
    """A prompt and responses to it."""

    prompt: Prompt
    responses: list[np.ndarray]


@dataclass
class Sampling:
    """Sampling options; see SamplingOptions of PipelineCore."""

    temperature: float
    top_p: float
    top_k: int
    min_tokens: int
    max_tokens: int
    stop: list[str]
    end_tokens: list[int]


@dataclass
class Request:
    """A prompt to respond to, with one seed for each response."""

    prompt: Prompt
    seeds: np.ndarray


def prompts(frame: Frame) -> list[Prompt]:
    """The prompts of a message."""
    rows = cut(array(frame, "prompt_tokens", "int32"), array(frame, "prompt_lengths", "int32"))
    images = frame.header.get("images", [])
    if len(images) != len(rows):
        raise WorkerFault("protocol", f"{len(rows)} prompts have images named for {len(images)}")
    return [Prompt(row, list(names)) for row, names in zip(rows, images)]


def groups(frame: Frame) -> list[Group]:
    """The prompts and responses of a message."""
    rows = cut(array(frame, "response_tokens", "int32"), array(frame, "response_lengths", "int32"))
    found, start = [], 0
    counts = array(frame, "response_counts", "int32").tolist()
    asked = prompts(frame)
    if sum(counts) != len(rows) or len(counts) != len(asked):
        raise WorkerFault("protocol", f"{len(rows)} responses to {len(asked)} prompts are counted as {counts}")
    for prompt, count in zip(asked, counts):
        found.append(Group(prompt, rows[start : start + count]))
        start += count
    return found


def requests(frame: Frame) -> list[Request]:
    """The prompts and seeds of a message."""
    seeds = cut(array(frame, "seeds", "uint64"), array(frame, "seed_counts", "int32"))
    asked = prompts(frame)
    if len(seeds) != len(asked):
        raise WorkerFault("protocol", f"{len(asked)} prompts have seeds for {len(seeds)}")
    return [Request(prompt, own) for prompt, own in zip(asked, seeds)]


def sampling(frame: Frame) -> Sampling:
    """The sampling options."""
    given = frame.header["sampling"]
    return Sampling(
        float(given["temperature"]), float(given["top_p"]), int(given["top_k"]), int(given["min_tokens"]),
        int(given["max_tokens"]), list(given["stop"]), [int(token) for token in given["end_tokens"]],
    )
