# SPDX-License-Identifier: Apache-2.0
"""A worker that answers at once, with zeros: what is left is the protocol. Standard library only."""

import array
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "Plugins/Policies/Worker"))
from shuffle_r1_worker.wire import PROTOCOL, Connection, Frame, Payload  # noqa: E402


def lengths(frame: Frame, name: str) -> list[int]:
    return array.array("i", bytes(frame.payloads[name].data)).tolist()


def zeros(count: int, dtype: str = "float32") -> Payload:
    return Payload(dtype, (count,), bytes(4 * count))


def answer(frame: Frame, connection: Connection) -> Frame:
    done = {"kind": "done", "id": frame.id, "seconds": 0.0}
    if frame.kind == "hello":
        return Frame({"kind": "hello", "id": frame.id, "protocol": PROTOCOL, "worker": "zeros"})
    if frame.kind == "load":
        size = {
            "architecture": "zeros", "parameter_count": 1, "vocabulary_size": 499, "context_length": 256, "end_tokens": [0],
            "mark_tokens": [], "tokenizer": True, "takes_images": True,
        }
        return Frame(done | {"facts": size})
    if frame.kind == "generate":
        tokens = frame.header["sampling"]["max_tokens"]
        places = [[row, place] for row, count in enumerate(lengths(frame, "seed_counts")) for place in range(count)]
        ends = Payload("int32", (len(places),), array.array("i", [tokens] * len(places)).tobytes())
        payloads = {"tokens": zeros(tokens * len(places), "int32"), "log_probs": zeros(tokens * len(places)), "lengths": ends}
        part = {"kind": "part", "id": frame.id, "responses": len(places), "tokens": tokens * len(places), "places": places}
        connection.write(Frame(part | {"finish": ["length"] * len(places)}, payloads))
        return Frame(done)
    if frame.kind == "accumulate":
        places = [[row, place] for row, count in enumerate(lengths(frame, "response_counts")) for place in range(count)]
        count = frame.payloads["response_tokens"].shape[0]
        connection.write(Frame({"kind": "forward", "id": frame.id, "places": places}, {"log_probs": zeros(count)}))
        connection.read()
        return Frame(done)
    if frame.kind == "log-probs":
        return Frame(done, {"log_probs": zeros(frame.payloads["response_tokens"].shape[0])})
    return Frame(done | {"gradient_norm": 0.0, "steps": 1})


def main() -> None:
    connection = Connection(os.fdopen(0, "rb", buffering=1 << 20), os.fdopen(os.dup(1), "wb", buffering=1 << 20))
    while True:
        try:
            frame = connection.read()
        except EOFError:
            return
        connection.write(answer(frame, connection))


main()
