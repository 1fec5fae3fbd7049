# SPDX-License-Identifier: Apache-2.0
"""The pipeline's side of the protocol, as far as tests of the worker need it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import numpy as np
from PIL import Image, ImageOps
from transformers.image_transforms import convert_to_rgb

from shuffle_r1_worker import work
from shuffle_r1_worker.wire import PROTOCOL, Connection, Frame

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "Tests/BundledPluginTests/Fixtures/models"
ORACLES = Path(os.environ["SHUFFLE_R1_ORACLES"]) if os.environ.get("SHUFFLE_R1_ORACLES") else None
ADAMW = dict(
    learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.01, decaying="all", vision_rate_factor=1.0,
    max_gradient_norm=1.0)


class Refused(Exception):
    """The worker answered with an error."""

    def __init__(self, header: dict[str, Any]):
        super().__init__(f"{header['error']}: {header['message']}; {header.get('advice', '')}")
        self.header = header


class Client:
    """A worker in a child process."""

    def __init__(self, ranks: int = 1, packages: Path | None = None):
        command = [sys.executable, "-m", "shuffle_r1_worker"]
        if ranks > 1:
            torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(ranks)]
            command = [sys.executable, *torchrun, "-m", "shuffle_r1_worker"]
        environment = dict(os.environ)
        if packages is not None:
            environment["PYTHONPATH"] = f"{packages}:{environment['PYTHONPATH']}"
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
        self.connection = Connection(self.process.stdout, self.process.stdin)
        self.last = 0
        self.ask({"kind": "hello", "protocol": PROTOCOL, "heartbeat_seconds": 1, "device": "cpu"})

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.write(Frame({"kind": "close", "id": 0}))
        self.process.wait(60)
        self.process.stdin.close()
        self.process.stdout.close()

    def ask(
        self, header: dict[str, Any], payloads: dict | None = None, heard: Callable[[Frame], None] = lambda frame: None
    ) -> Frame:
        self.last += 1
        self.connection.write(Frame(dict(header, id=self.last), payloads or {}))
        while True:
            frame = self.connection.read()
            if frame.kind == "error":
                raise Refused(frame.header)
            if frame.kind in ("done", "hello"):
                return frame
            if frame.kind != "heartbeat":
                heard(frame)

    def load(self, model: Path, checkpoint: Path | None = None, purpose: str = "training", **options: Any) -> dict:
        header = {"kind": "load", "model": str(model), "checkpoint": str(checkpoint) if checkpoint else None}
        return self.ask(header | {"purpose": purpose, "options": options}).header["facts"]

    def images(self, images: dict[str, np.ndarray]) -> None:
        self.ask({"kind": "images", "drop": []}, {name: work.payload(it, "uint8") for name, it in images.items()})

    def encode(self, messages: list[dict[str, Any]], images: list[str] = []) -> list[int]:
        """The tokens of a prompt."""
        frame = self.ask({"kind": "encode", "messages": messages, "images": images})
        return work.array(frame, "tokens", "int32").tolist()

    def decode(self, tokens: list[int]) -> str:
        return self.ask({"kind": "decode"}, {"tokens": work.payload(tokens, "int32")}).header["text"]

    def log_probs(self, groups: list, temperature: float = 1.0, of: str = "policy") -> list[np.ndarray]:
        header, payloads = message(groups)
        frame = self.ask(header | {"kind": "log-probs", "temperature": temperature, "of": of}, payloads)
        values = work.array(frame, "log_probs", "float32")
        lengths = [len(response) for _, _, responses in groups for response in responses]
        return np.split(values, np.cumsum(lengths)[:-1])

    def entropies(self, groups: list, temperature: float = 1.0) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Log-probabilities and entropies of every response."""
        header, payloads = message(groups)
        header |= {"kind": "log-probs", "temperature": temperature, "of": "policy", "entropy": True}
        frame = self.ask(header, payloads)
        lengths = [len(response) for _, _, responses in groups for response in responses]
        ends = np.cumsum(lengths)[:-1]
        return tuple(np.split(work.array(frame, name, "float32"), ends) for name in ("log_probs", "entropies"))

    def accumulate(self, groups: list, gradient: Callable[[tuple, np.ndarray], np.ndarray], temperature: float = 1.0):
        header, payloads = message(groups)

        def heard(frame: Frame) -> None:
            values, start, parts = work.array(frame, "log_probs", "float32"), 0, []
            for group, response in frame.header["places"]:
                end = start + len(groups[group][2][response])
                parts.append(gradient((group, response), values[start:end]))
                start = end
            answer = {"gradients": work.payload(np.concatenate(parts), "float32")}
            self.connection.write(Frame({"kind": "gradient", "id": frame.id}, answer))

        self.ask(header | {"kind": "accumulate", "temperature": temperature}, payloads, heard)

    def accumulate_with_entropy(
        self, groups: list, gradient: Callable[[tuple, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]],
        temperature: float = 1.0,
    ) -> None:
        header, payloads = message(groups)

        def heard(frame: Frame) -> None:
            values, entropies = (work.array(frame, name, "float32") for name in ("log_probs", "entropies"))
            start, parts = 0, []
            for group, response in frame.header["places"]:
                end = start + len(groups[group][2][response])
                parts.append(gradient((group, response), values[start:end], entropies[start:end]))
                start = end
            answer = {
                name: work.payload(np.concatenate([part[column] for part in parts]), "float32")
                for column, name in enumerate(("gradients", "entropy_gradients"))
            }
            self.connection.write(Frame({"kind": "gradient", "id": frame.id}, answer))

        header |= {"kind": "accumulate", "temperature": temperature, "entropy": True}
        self.ask(header, payloads, heard)

    def step(self, **changes: Any) -> dict[str, Any]:
        return self.ask({"kind": "step", "options": ADAMW | changes}).header

    def save(self, folder: Path) -> None:
        self.ask({"kind": "save", "folder": str(folder)})

    def generate(self, prompts: list, seeds: list[list[int]], **sampling: Any) -> dict[tuple[int, int], list[int]]:
        header, payloads = message([(tokens, images, []) for tokens, images in prompts])
        payloads = {name: it for name, it in payloads.items() if name.startswith("prompt")}
        payloads["seeds"] = work.payload([seed for row in seeds for seed in row], "uint64")
        payloads["seed_counts"] = work.payload([len(row) for row in seeds], "int32")
        given = dict(temperature=1.0, top_p=1.0, top_k=0, min_tokens=0, max_tokens=8, stop=[], end_tokens=[])
        found: dict[tuple[int, int], list[int]] = {}

        def heard(frame: Frame) -> None:
            rows = work.cut(work.array(frame, "tokens", "int32"), work.array(frame, "lengths", "int32"))
            found.update({tuple(place): row.tolist() for place, row in zip(frame.header["places"], rows)})

        self.ask(header | {"kind": "generate", "sampling": given | sampling}, payloads, heard)
        return found


def message(groups: list) -> tuple[dict[str, Any], dict]:
    """Groups of (prompt tokens, names of images, responses) as a header and payloads."""
    responses = [response for _, _, own in groups for response in own]
    flat = [token for response in responses for token in response]
    return {"images": [list(images) for _, images, _ in groups]}, {
        "prompt_tokens": work.payload([token for tokens, _, _ in groups for token in tokens], "int32"),
        "prompt_lengths": work.payload([len(tokens) for tokens, _, _ in groups], "int32"),
        "response_tokens": work.payload(flat, "int32"),
        "response_lengths": work.payload([len(response) for response in responses], "int32"),
        "response_counts": work.payload([len(own) for _, _, own in groups], "int32"),
    }


def resized(path: Path, grid: list[int], patch: int) -> np.ndarray:
    """An image in the size of its grid."""
    image = Image.fromarray(convert_to_rgb(ImageOps.exif_transpose(Image.open(path)), return_numpy=True))
    return np.array(image.resize((grid[2] * patch, grid[1] * patch), Image.Resampling.BICUBIC))
