# SPDX-License-Identifier: Apache-2.0
"""The streams of a worker: the protocol has its own pipes, and what libraries print goes to standard error."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from .wire import Connection


@dataclass
class StandardStreams:
    """The original standard input and output."""

    reader: int
    writer: int

    @property
    def connection(self) -> Connection:
        return Connection(os.fdopen(self.reader, "rb", buffering=1 << 20), os.fdopen(self.writer, "wb", buffering=1 << 20))

    def release(self) -> None:
        """For a rank without a connection."""
        os.close(self.reader)
        os.close(self.writer)


def take_standard() -> StandardStreams:
    """Moves standard input and output away: what is printed from now on goes to standard error."""
    taken = StandardStreams(os.dup(0), os.dup(1))
    os.set_inheritable(taken.reader, False)
    os.set_inheritable(taken.writer, False)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return taken


def listen(address: str) -> Connection:
    """Waits for a pipeline at `host:port` or `unix:PATH`."""
    if address.startswith("unix:"):
        path = Path(address.removeprefix("unix:"))
        path.unlink(missing_ok=True)
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # A client can have files written: only the user may connect.
        previous = os.umask(0o177)
        server.bind(str(path))
        os.umask(previous)
    else:
        host, _, port = address.rpartition(":")
        server = socket.create_server((host, int(port)))
    server.listen(1)
    print(f"waiting for a pipeline at {address}", file=sys.stderr, flush=True)
    connected, _ = server.accept()
    server.close()
    if connected.family != socket.AF_UNIX:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Connection(connected.makefile("rb", buffering=1 << 20), connected.makefile("wb", buffering=1 << 20))


def end_with_parent() -> None:
    """Ends this process when its parent dies, and leaves Ctrl-C to the pipeline."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
