#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A worker without a model, for tests of the pipeline's side: it speaks the protocol, or breaks it in a chosen way.

usage: scripted_worker.py BEHAVIOUR [FILE]

`good` answers with made-up numbers: the log-probability of token t at place i of a response, after s steps, is
-((t + i + s) mod 8) / 8; a response to seed k has the tokens k mod 97 and the end token. Standard library only. FILE is
written when the pipeline closes the connection and leaves it time to end.
"""

import array
import os
import select
import signal
import sys
import time
from pathlib import Path

import header_check

sys.path.insert(0, str(header_check.ROOT / "Plugins/Policies/Worker"))
from shuffle_r1_worker.wire import Connection, Frame, Payload  # noqa: E402

BEHAVIOUR = sys.argv[1]


def ints(frame, name):
    payload = frame.payloads[name]
    return array.array({"int32": "i", "uint64": "Q"}[payload.dtype], bytes(payload.data)).tolist()


def payload(dtype, values):
    return Payload(dtype, (len(values),), array.array({"int32": "i", "float32": "f"}[dtype], values).tobytes())


class Worker:
    def __init__(self):
        self.input = os.fdopen(os.dup(0), "rb")
        self.connection = Connection(self.input, os.fdopen(os.dup(1), "wb"))
        self.steps, self.squares, self.held = 0, 0.0, set()

    def send(self, header, payloads=None):
        frame = Frame(header, payloads or {})
        described = [{"name": k, "dtype": v.dtype, "shape": list(v.shape)} for k, v in frame.payloads.items()]
        if BEHAVIOUR != "other-version":
            header_check.check(dict(header, payloads=described) if described else header, "worker")
        self.connection.write(frame)

    def read(self):
        frame = self.connection.read()
        described = [{"name": k, "dtype": v.dtype, "shape": list(v.shape)} for k, v in frame.payloads.items()]
        header_check.check(dict(frame.header, payloads=described) if described else frame.header, "pipeline")
        return frame

    def fail(self, frame, kind, message, advice=""):
        self.send({"kind": "error", "id": frame.id, "error": kind, "message": message, "advice": advice})

    def log_probs(self, frame):
        """For each response its made-up log-probabilities."""
        tokens, rows, start = ints(frame, "response_tokens"), [], 0
        for length in ints(frame, "response_lengths"):
            rows.append([-((t + i + self.steps) % 8) / 8 for i, t in enumerate(tokens[start : start + length])])
            start += length
        return rows

    def places(self, frame):
        return [[group, index] for group, n in enumerate(ints(frame, "response_counts")) for index in range(n)]

    def on_hello(self, frame):
        if BEHAVIOUR == "prints":
            print("Loading checkpoint shards: 100%", flush=True)
            time.sleep(60)
        if BEHAVIOUR == "silent":
            time.sleep(60)
        if BEHAVIOUR == "no-package":
            sys.exit("python3: No module named shuffle_r1_worker")
        if BEHAVIOUR == "other-version":
            self.send({"kind": "hello", "id": frame.id, "protocol": 99, "worker": "from the future"})
            return
        if BEHAVIOUR == "refuses-version":
            message = "the pipeline speaks version 2 of the protocol, this worker version 99"
            self.fail(frame, "protocol", message, "install the worker that came with the pipeline: `make worker`")
            return
        self.send({"kind": "hello", "id": frame.id, "protocol": 2, "worker": "scripted", "ranks": 1})

    def on_load(self, frame):
        if BEHAVIOUR == "cannot-load":
            self.fail(frame, "model", "the weights in /m do not fit its config.json: 'x' is missing", "take both from one")
            return
        size = 7 if BEHAVIOUR == "other-model" else int(os.environ.get("VOCABULARY", 499))
        self.prompts = frame.header["options"]["prompts"]
        facts = {
            "architecture": "scripted", "model_type": "scripted", "parameter_count": 42, "vocabulary_size": size,
            "context_length": 256, "end_tokens": [0], "mark_tokens": [0, 9], "picture_tokens": [9], "tokenizer": True,
            "takes_images": True, "note": "made up" if self.prompts == "worker" else "",
        }
        self.send({"kind": "done", "id": frame.id, "facts": facts})

    def on_images(self, frame):
        for name, image in frame.payloads.items():
            assert image.dtype == "uint8" and image.shape[2] == 3, image
            assert name not in self.held, f"{name} was sent twice"
        self.held = self.held - set(frame.header["drop"]) | set(frame.payloads)
        self.send({"kind": "done", "id": frame.id})

    def on_compare(self, frame):
        names = frame.header["images"]
        assert set(names) <= self.held, names
        if "tokens" in frame.payloads:
            assert len(ints(frame, "tokens")) > 10 and "naïve" in frame.header["text"], frame.header
        if BEHAVIOUR == "other-tokens":
            self.fail(frame, "model", "the pipeline and the model's own tokenizer do not agree on a prompt", "look")
            return
        self.send({"kind": "done", "id": frame.id})

    def on_encode(self, frame):
        """A token for each character of the text, and three for each image."""
        assert self.prompts == "worker"
        assert set(frame.header["images"]) <= self.held, frame.header
        if "messages" in frame.header:
            tokens = []
            for message in frame.header["messages"]:
                parts = message["content"] if isinstance(message["content"], list) else [{"text": message["content"]}]
                for part in parts:
                    tokens += [ord(letter) for letter in part["text"]] if "text" in part else [9, 9, 9]
        else:
            tokens = ints(frame, "tokens")
        placeholders = tokens.count(9)
        if placeholders != 3 * len(frame.header["images"]):
            self.fail(frame, "data", f"the prompt holds {placeholders} image placeholders", "expand each")
            return
        self.send({"kind": "done", "id": frame.id, "placeholders": placeholders}, {"tokens": payload("int32", tokens)})

    def on_tokenize(self, frame):
        letters = [ord(letter) for letter in frame.header["text"]]
        self.send({"kind": "done", "id": frame.id}, {"tokens": payload("int32", letters)})

    def on_decode(self, frame):
        self.send({"kind": "done", "id": frame.id, "text": "".join(map(chr, ints(frame, "tokens")))})

    def on_generate(self, frame):
        if BEHAVIOUR == "dies":
            print("an important word", file=sys.stderr, flush=True)
            os._exit(7)
        if BEHAVIOUR == "loses-a-rank":
            print("torchrun: starting", "worker fault: rank 3: out of memory; lower x", sep="\n", file=sys.stderr)
            print(*["torchrun: much more to say"] * 30, sep="\n", file=sys.stderr, flush=True)
            os._exit(1)
        if BEHAVIOUR == "out-of-memory":
            self.fail(frame, "memory", "out of memory in 'generate': tried 2 GiB", "lower rows_at_once")
            return
        if BEHAVIOUR == "waits":
            while True:
                self.send({"kind": "heartbeat", "id": frame.id, "activity": "generate", "responses": 0, "tokens": 0})
                if select.select([self.input], [], [], 0.05)[0] and self.read().kind == "cancel":
                    self.fail(frame, "cancelled", "the pipeline asked to stop")
                    return
        missing = {name for names in frame.header["images"] for name in names} - self.held
        assert not missing, f"{missing} were never sent"
        end = frame.header["sampling"]["end_tokens"][0]
        seeds, places, start = ints(frame, "seeds"), [], 0
        for request, count in enumerate(ints(frame, "seed_counts")):
            places += [[request, index] for index in range(count)]
        # In the reverse order, one message each: the pipeline goes by places.
        for done, (place, seed) in enumerate(reversed(list(zip(places, seeds)))):
            tokens = [seed % 97, end]
            log_probs = [-0.5, -0.25]
            if BEHAVIOUR == "nan":
                log_probs[0] = float("nan")
            if BEHAVIOUR == "too-long":
                tokens, log_probs = tokens * 100, log_probs * 100
            if BEHAVIOUR == "leaves-out" and done == 0:
                continue
            self.send(
                {
                    "kind": "part", "id": frame.id, "responses": done + 1, "tokens": 2 * (done + 1),
                    "places": [[9, 9] if BEHAVIOUR == "other-place" else place], "finish": ["stop"],
                },
                {
                    "tokens": payload("int32", tokens), "log_probs": payload("float32", log_probs),
                    "lengths": payload("int32", [len(tokens)]),
                })
        self.send({"kind": "done", "id": frame.id})

    def on_log_probs(self, frame):
        if BEHAVIOUR == "hangs":
            time.sleep(60)
        if BEHAVIOUR == "garbage":
            os.write(1, b"SR1W" + bytes([4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]) + b"{]})")
        if BEHAVIOUR == "bad-record":
            self.fail(frame, "data", "the model's log-probabilities are not finite", "go back")
            return
        for _ in range(3):
            self.send({"kind": "heartbeat", "id": frame.id, "activity": "log-probs", "responses": 0, "tokens": 0})
        values = [value for row in self.log_probs(frame) for value in row]
        if frame.header["of"] == "reference":
            values = [value - 1 for value in values]
        if BEHAVIOUR == "too-few":
            values = values[1:]
        payloads = {"log_probs": payload("float32", values)}
        if frame.header.get("entropy") and BEHAVIOUR != "no-entropies":
            payloads["entropies"] = payload("float32", [-value / 2 for value in values])
        self.send({"kind": "done", "id": frame.id}, payloads)

    def on_accumulate(self, frame):
        if BEHAVIOUR == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        # Responses without tokens have nothing to learn from: they are left out.
        rows = [(place, row) for place, row in zip(self.places(frame), self.log_probs(frame)) if row]
        half = (len(rows) + 1) // 2
        # The second half first: the pipeline goes by places.
        for part in (rows[half:], rows[:half]):
            if not part:
                continue
            values = [value for _, row in part for value in row]
            places = [place for place, _ in part]
            if BEHAVIOUR == "twice":
                places, values = [places[0], places[0]], part[0][1] * 2
            payloads = {"log_probs": payload("float32", values)}
            if frame.header.get("entropy") and BEHAVIOUR != "no-entropies":
                payloads["entropies"] = payload("float32", [-value / 2 for value in values])
            self.send({"kind": "forward", "id": frame.id, "places": places}, payloads)
            answer = self.read()
            if answer.kind == "cancel":
                self.fail(frame, "cancelled", "the pipeline asked to stop")
                return
            assert answer.kind == "gradient" and answer.id == frame.id, answer.header
            gradients = array.array("f", bytes(answer.payloads["gradients"].data)).tolist()
            assert len(gradients) == len(values)
            if frame.header.get("entropy"):
                gradients += array.array("f", bytes(answer.payloads["entropy_gradients"].data)).tolist()
            self.squares += sum(value * value for value in gradients)
            if BEHAVIOUR == "forgets-half":
                break
        self.send({"kind": "done", "id": frame.id})

    def on_step(self, frame):
        self.steps += 1
        norm, self.squares = self.squares**0.5, 0.0
        counts = {"tokens_computed": 8, "tokens_of_padding": 2}
        self.send({"kind": "done", "id": frame.id, "gradient_norm": norm, "steps": self.steps} | counts)

    def on_save(self, frame):
        folder = Path(frame.header["folder"])
        assert folder.is_absolute(), folder
        folder.mkdir()
        (folder / "steps").write_text(str(self.steps))
        self.send({"kind": "done", "id": frame.id})

    def run(self):
        while True:
            frame = self.read()
            if frame.kind == "close":
                return
            getattr(self, "on_" + frame.kind.replace("-", "_"))(frame)


try:
    Worker().run()
except EOFError:
    # The pipeline has gone; whoever is given time says goodbye.
    if BEHAVIOUR == "good" and len(sys.argv) > 2:
        Path(sys.argv[2]).write_text("ended by itself")
