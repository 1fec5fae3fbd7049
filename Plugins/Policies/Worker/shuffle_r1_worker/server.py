# SPDX-License-Identifier: Apache-2.0
"""Answers the pipeline's messages one by one; sends heartbeats while it works, and receives cancellations."""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from . import prompting, work
from .faults import WorkerFault, understood
from .generator import Response
from .pictures import Pictures
from .policy import WorkerPolicy
from .ranks import Ranks
from .settings import Settings
from .wire import Connection, Frame, WireError


class Server:
    """One rank's side of a session; rank 0 has the connection."""

    def __init__(self, connection: Connection | None, ranks: Ranks, heartbeat_seconds: float):
        self.connection, self.ranks = connection, ranks
        self.pictures = Pictures()
        self.policy: WorkerPolicy | None = None
        self._came: queue.Queue[Frame | None] = queue.Queue()
        self._now = {"kind": "heartbeat", "id": 0, "activity": "idle", "responses": 0, "tokens": 0}
        self._cancelled = 0
        self._waited = 0.0
        if connection is not None:
            threading.Thread(target=self._listen, daemon=True, name="listener").start()
            threading.Thread(target=self._beat, args=(heartbeat_seconds,), daemon=True, name="heartbeat").start()

    # Runs in parallel with the work.

    def _listen(self) -> None:
        """Receives messages; a cancellation overtakes the work."""
        assert self.connection is not None
        while True:
            try:
                frame = self.connection.read()
            except (EOFError, OSError, WireError) as error:
                if isinstance(error, WireError):
                    print(f"the pipeline sent what is no message: {error}", file=sys.stderr, flush=True)
                self._cancelled = sys.maxsize
                self._came.put(None)
                return
            if frame.kind == "cancel":
                self._cancelled = max(self._cancelled, frame.id)
            else:
                self._came.put(frame)

    def _beat(self, seconds: float) -> None:
        assert self.connection is not None
        while not threading.Event().wait(seconds):
            try:
                self.connection.write(Frame(dict(self._now)))
            except OSError:
                # The pipeline is gone, so there is nothing left to work for.
                os._exit(1)

    def _stopped(self, id: int) -> None:
        """Raises an exception if the pipeline no longer wants an answer."""
        if self.ranks.any(self._cancelled >= id):
            raise WorkerFault("cancelled", "the pipeline asked to stop", "")

    # The work.

    def run(self) -> None:
        """Until the pipeline closes the connection."""
        while True:
            try:
                frame = self.ranks.frame(self._came.get() if self.connection is not None else None)
            except RuntimeError as error:
                if self.ranks.is_first:
                    raise
                # Between two messages: the pipeline has ended rank 0, or rank 0 has reported why it ended.
                reason = str(error).strip().splitlines()[0]
                print(f"rank {self.ranks.index} ends, as rank 0 is gone: {reason}", file=sys.stderr, flush=True)
                os._exit(0)
            if frame is None or frame.kind == "close":
                return
            self._now |= {"id": frame.id, "activity": frame.kind, "responses": 0, "tokens": 0}
            fault = self._answer(frame)
            self._now |= {"activity": "idle"}
            if fault is not None and self.ranks.count > 1 and not fault.is_shared:
                # The others may be waiting for this one within a pass: the group is lost.
                os._exit(1)

    def _answer(self, frame: Frame) -> WorkerFault | None:
        self._waited, start = 0.0, time.monotonic()
        try:
            header, payloads = self._handle(frame)
            busy = time.monotonic() - start - self._waited
            self._reply(frame, header | {"seconds": round(busy, 6)}, payloads)
        except Exception as error:  # noqa: BLE001  every failure is reported to the pipeline
            fault = understood(error, frame.kind)
            if fault.kind in ("internal", "packages", "memory", "model"):
                traceback.print_exc(file=sys.stderr)
            if self.connection is not None:
                self.connection.write(Frame(fault.header(frame.id)))
            elif not fault.is_shared:
                # The launcher of ranks prints a lot when one ends; the pipeline looks for this line.
                print(f"worker fault: rank {self.ranks.index}: {fault.message}; {fault.advice}", file=sys.stderr, flush=True)
            return fault
        return None

    def _reply(self, frame: Frame, header: dict[str, Any], payloads: dict[str, Any] | None = None) -> None:
        if self.connection is not None:
            self.connection.write(Frame({"kind": "done", "id": frame.id} | header, payloads or {}))

    def _handle(self, frame: Frame) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Does what a message requests; returns the contents of the answer."""
        if frame.kind == "load":
            # What was loaded before is released first.
            self.policy = None
            self.policy = WorkerPolicy(Settings.read(frame.header), self.ranks, self.pictures)
            return {"facts": self.policy.facts}, None
        if frame.kind == "images":
            self.pictures.take(frame)
            if self.policy is not None:
                self.policy.processor.forget(frame.header.get("drop", []))
            return {}, None
        if self.policy is None:
            raise WorkerFault("protocol", f"'{frame.kind}' came before 'load'")
        if frame.kind in ("encode", "tokenize", "decode", "compare"):
            return prompting.answer(frame, self.policy.processor) if self.ranks.is_first else ({}, None)
        if frame.kind == "generate":
            return self._generate(frame, self.policy)
        if frame.kind == "log-probs":
            entropy = bool(frame.header.get("entropy", False))
            values = self.policy.log_probs(
                work.groups(frame), frame.header["temperature"], frame.header.get("of", "policy"),
                lambda: self._stopped(frame.id), entropy)
            return {}, _columns(values)
        if frame.kind == "accumulate":
            self.policy.accumulate(
                work.groups(frame), frame.header["temperature"],
                lambda places, values: self._exchange(frame.id, places, values), lambda: self._stopped(frame.id),
                bool(frame.header.get("entropy", False)))
            return {}, None
        if frame.kind == "step":
            return self.policy.step(frame.header["options"]), None
        if frame.kind == "save":
            self.policy.save(Path(frame.header["folder"]))
            return {}, None
        raise WorkerFault("protocol", f"the message '{frame.kind}' is unknown")

    def _generate(self, frame: Frame, policy: WorkerPolicy) -> tuple[dict[str, Any], None]:
        sampling = work.sampling(frame)

        def finished(responses: list[Response], tokens: int) -> None:
            self._now["responses"] += len(responses)
            self._now["tokens"] += tokens
            if responses and self.connection is not None:
                self.connection.write(_part(frame.id, responses, self._now))

        policy.generate(
            work.requests(frame), sampling, finished, lambda: self._stopped(frame.id))
        return {}, None

    def _exchange(self, id: int, places: list[tuple[int, int]], values: np.ndarray) -> np.ndarray:
        """Sends the first phase's log-probabilities and entropies, receives the loss's gradient."""
        assert self.connection is not None
        self.connection.write(
            Frame({"kind": "forward", "id": id, "places": [list(it) for it in places]}, _columns(values)))
        self._now |= {"activity": "waiting"}
        start = time.monotonic()
        while (answer := self._next(id)) is None:
            continue
        self._waited += time.monotonic() - start
        self._now |= {"activity": "accumulate"}
        wanted = ["gradients", "entropy_gradients"] if values.ndim == 2 else ["gradients"]
        gradients = [work.array(answer, name, "float32") for name in wanted]
        for found in gradients:
            if len(found) != len(values):
                raise WorkerFault("protocol", f"{len(found)} gradients came for {len(values)} log-probabilities")
        return np.stack(gradients, -1) if values.ndim == 2 else gradients[0]

    def _next(self, id: int) -> Frame | None:
        """The answer to a first phase, once it has arrived."""
        if self._cancelled >= id:
            raise WorkerFault("cancelled", "the pipeline asked to stop", "")
        try:
            answer = self._came.get(timeout=0.05)
        except queue.Empty:
            return None
        if answer is None or answer.kind != "gradient" or answer.id != id:
            raise WorkerFault("protocol", "a message came in the place of a gradient")
        return answer


def _columns(values: np.ndarray) -> dict[str, Any]:
    """Log-probabilities, and entropies where there is a second column."""
    names = ["log_probs", "entropies"] if values.ndim == 2 else ["log_probs"]
    columns = values.reshape(len(values), -1).T if len(values) else [values.reshape(-1)] * len(names)
    return {name: work.payload(np.ascontiguousarray(column), "float32") for name, column in zip(names, columns)}


def _part(id: int, responses: list[Response], so_far: dict[str, Any]) -> Frame:
    """Finished responses to be sent."""
    tokens = np.concatenate([np.array(it.tokens, np.int32) for it in responses])
    log_probs = np.concatenate([np.array(it.log_probs, np.float32) for it in responses])
    lengths = [len(it.tokens) for it in responses]
    return Frame(
        {
            "kind": "part", "id": id, "responses": so_far["responses"], "tokens": so_far["tokens"],
            "places": [[it.request, it.index] for it in responses], "finish": [it.finish for it in responses],
        },
        {
            "tokens": work.payload(tokens, "int32"), "log_probs": work.payload(log_probs, "float32"),
            "lengths": work.payload(lengths, "int32"),
        })
