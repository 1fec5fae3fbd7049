# SPDX-License-Identifier: Apache-2.0
"""Starts a worker: `python -m shuffle_r1_worker`, or through `torchrun -m shuffle_r1_worker` for several ranks.

It speaks the policy wire protocol over its standard input and output, or, with --listen, over a socket.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from . import __version__, streams
from .wire import PROTOCOL, Connection, Frame


def greet(connection: Connection) -> dict[str, Any] | None:
    """Reads which protocol the pipeline uses, before heavy imports; None if it is another one."""
    frame = connection.read()
    spoken = frame.header.get("protocol")
    if frame.kind == "hello" and spoken == PROTOCOL:
        return frame.header
    connection.write(
        Frame(
            {
                "kind": "error", "id": frame.id, "error": "protocol", "protocol": PROTOCOL,
                "message": f"the pipeline speaks version {spoken} of the protocol, this worker version {PROTOCOL}",
                "advice": "install the worker that came with the pipeline: `make worker`",
            }))
    return None


def answer(hello: dict[str, Any], connection: Connection | None, listening: bool) -> None:
    """Imports torch and the rest, reports what there is, and serves."""
    from .faults import understood

    try:
        import torch
        import transformers

        from .ranks import Ranks
        from .server import Server

        ranks = Ranks(hello.get("device", "auto"))
    except Exception as error:  # noqa: BLE001  anything that keeps a package or a GPU from being used
        if connection is not None:
            connection.write(Frame(understood(error, "hello").header(hello.get("id", 0))))
        raise SystemExit(1) from None
    transformers.logging.set_verbosity_error()
    server = Server(connection, ranks, float(hello.get("heartbeat_seconds", 5)))
    if connection is not None:
        connection.write(
            Frame(
                {
                    "kind": "hello", "id": hello.get("id", 0), "protocol": PROTOCOL,
                    "worker": f"shuffle-r1-worker {__version__}", "ranks": ranks.count, "device": str(ranks.device),
                    "capabilities": ["generation", "log-probs", "reference", "training"],
                    "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
                }))
    server.run()
    ranks.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="shuffle_r1_worker", description="A policy for shuffle-r1 on PyTorch.")
    parser.add_argument("--listen", metavar="ADDRESS", help="host:port or unix:PATH in the place of standard streams")
    options = parser.parse_args()
    is_first = os.environ.get("RANK", "0") == "0"
    streams.end_with_parent()
    if not is_first:
        streams.take_standard().release()
        answer({"device": os.environ.get("SHUFFLE_R1_DEVICE", "auto")}, None, False)
        return
    pipes = streams.take_standard()
    try:
        connection = streams.listen(options.listen) if options.listen else pipes.connection
        hello = greet(connection)
        if hello is None:
            sys.exit(3)
        answer(hello, connection, bool(options.listen))
    except EOFError:
        print("the pipeline closed the connection before it said hello", file=sys.stderr)


if __name__ == "__main__":
    main()
