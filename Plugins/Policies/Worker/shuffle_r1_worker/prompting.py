# SPDX-License-Identifier: Apache-2.0
"""Answers to messages about prompts and texts: `encode`, `tokenize`, `decode`, `compare`."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from . import work
from .faults import WorkerFault
from .processor import Processor
from .wire import Frame

CLOSE = 1e-5
"""Pixel values that are equal but for the last bits of single precision."""


def answer(frame: Frame, processor: Processor) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The contents of an answer."""
    if frame.kind == "encode":
        tokens = _encoded(frame, processor)
        return {"placeholders": int(np.isin(tokens, processor.picture_tokens).sum())}, {
            "tokens": work.payload(tokens, "int32")}
    if frame.kind == "compare":
        compare(frame, processor)
        return {}, None
    if processor.tokenizer is None:
        raise WorkerFault("data", f"{processor.folder} has no tokenizer", "add tokenizer.json, or give records 'tokens'")
    if frame.kind == "tokenize":
        return {}, {"tokens": work.payload(processor.tokenize(frame.header["text"]), "int32")}
    return {"text": processor.decode(work.array(frame, "tokens", "int32"))}, None


def _encoded(frame: Frame, processor: Processor) -> np.ndarray:
    """A prompt in messages as tokens, or one in tokens that has been checked."""
    images = list(frame.header["images"])
    if "messages" in frame.header:
        return processor.encode(frame.header["messages"], images)
    prompt = work.Prompt(work.array(frame, "tokens", "int32"), images)
    processor.check(prompt)
    return prompt.tokens


def compare(frame: Frame, processor: Processor) -> None:
    """Refuses to work with a pipeline that makes other tokens or pixels of the same prompt than the model's processor."""
    original, resized = frame.header["images"]
    if processor.sees:
        _compare_pixels(processor, original, resized, frame.header["bounds"])
    if processor.tokenizer is None or "tokens" not in frame.payloads:
        return
    theirs = work.array(frame, "tokens", "int32")
    text = processor.render(frame.header["messages"]) if processor.has_template else frame.header["text"]
    if text != frame.header["text"]:
        raise _difference(processor, "chat template", f"the text {frame.header['text']!r}", f"{text!r}")
    own = processor.tokens_of(text, [resized] if processor.sees else [])
    if own.tolist() != theirs.tolist():
        place = next((it for it, (a, b) in enumerate(zip(own, theirs)) if a != b), min(len(own), len(theirs)))
        raise _difference(
            processor, "tokenizer", f"{len(theirs)} tokens, {theirs[place : place + 4].tolist()} from place {place} on",
            f"{len(own)}, {own[place : place + 4].tolist()} there")


def _compare_pixels(processor: Processor, original: str, resized: str, bounds: dict[str, int]) -> None:
    size = {"shortest_edge": bounds["min_pixels"], "longest_edge": bounds["max_pixels"]}
    own = processor.pixel_values([processor.pictures.pixels(original)], size=size)
    theirs = processor.pixel_values([processor.pictures.pixels(resized)], do_resize=False)
    for name, values in own.items():
        other = theirs[name]
        if not isinstance(values, torch.Tensor):
            continue
        if values.shape != other.shape:
            raise _difference(
                processor, "image processor", f"'{name}' of the shape {list(other.shape)}", f"{list(values.shape)}")
        worst = float((values.double() - other.double()).abs().max())
        if worst > CLOSE:
            raise _difference(processor, "image processor", f"'{name}'", f"values that differ by up to {worst:.2g}")


def _difference(processor: Processor, what: str, theirs: str, own: str) -> WorkerFault:
    return WorkerFault(
        "model",
        f"the pipeline and the model's own {what} do not agree on a prompt: the pipeline makes {theirs}, transformers {own}",
        f"see that {processor.folder} holds one checkpoint's tokenizer, template and processor files; "
        'or set policy.with.prompts to "worker", and the worker alone makes tokens and pixels')
