# SPDX-License-Identifier: Apache-2.0
"""Errors of a worker, as reported to the pipeline."""

from __future__ import annotations

from typing import Any


class WorkerFault(Exception):
    """An error of a kind that the pipeline knows, with what to do about it.

    Kinds: `data` (one prompt or response), `options`, `model` (a checkpoint), `save`, `memory`, `packages`, `protocol`,
    `cancelled`, `internal`.
    """

    def __init__(self, kind: str, message: str, advice: str = ""):
        super().__init__(kind, message, advice)
        self.kind = kind
        self.message = message
        self.advice = advice

    @property
    def is_shared(self) -> bool:
        """Whether all ranks find the same error, so that they can continue together."""
        return self.kind in ("data", "options", "protocol", "cancelled")

    def header(self, id: int) -> dict[str, Any]:
        return {"kind": "error", "id": id, "error": self.kind, "message": self.message, "advice": self.advice}


def first_line(error: BaseException) -> str:
    """The line of an exception's text that says most; its name if it has none."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


MEMORY_ADVICE = {
    "generate": "lower policy.with.generation.rows_at_once, or max_tokens of the sampling",
    "accumulate": "lower policy.with.rows_per_micro_batch, turn on policy.with.gradient_checkpointing, use "
    "policy.with.lora, or raise policy.with.ranks",
    "log-probs": "lower policy.with.rows_per_micro_batch",
    "load": "set policy.with.dtype to bfloat16, use policy.with.lora, or raise policy.with.ranks",
    "step": "use policy.with.lora, or raise policy.with.ranks: the optimizer keeps 12 bytes for each weight that learns",
}


def understood(error: BaseException, kind: str) -> WorkerFault:
    """An exception as a fault; `kind` is that of the request."""
    if isinstance(error, WorkerFault):
        return error
    name, text = type(error).__name__, str(error)
    if name in ("OutOfMemoryError", "MemoryError") or "out of memory" in text or "can't allocate memory" in text:
        first = text.strip().splitlines()[0] if text.strip() else name
        return WorkerFault("memory", f"out of memory in '{kind}': {first}", MEMORY_ADVICE.get(kind, "use a smaller model"))
    if isinstance(error, (ImportError, ModuleNotFoundError)):
        return WorkerFault("packages", f"a Python package is missing or broken: {text}", "run `make worker`")
    if isinstance(error, OSError) and kind == "save":
        return WorkerFault("save", f"cannot write the checkpoint: {text}", "see that the disk has room")
    last = text.strip().splitlines()[-1] if text.strip() else ""
    return WorkerFault("internal", f"{name} in '{kind}': {last}", "the traceback is in the worker's standard error")
