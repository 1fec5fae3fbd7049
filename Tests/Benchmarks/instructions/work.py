# SPDX-License-Identifier: Apache-2.0
"""The fixed inputs whose instructions are counted: the same bytes each time, from the standard library alone."""

import json
import random
import struct
import zlib
from pathlib import Path

WORDS = "the angle of a triangle is equal to its base so that we have two sides and therefore an area of".split()


def picture(color: tuple[int, int, int]) -> bytes:
    """A PNG of 64 x 64 pixels in one color with a square in it."""
    rows = bytearray()
    for y in range(64):
        rows.append(0)
        for x in range(64):
            inside = 16 <= x < 48 and 16 <= y < 48
            rows += bytes(color if inside else (255, 255, 255))

    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", zlib.compress(bytes(rows))) + part(b"IEND", b"")


def text(draw: random.Random, words: int) -> str:
    return " ".join(draw.choice(WORDS) for _ in range(words))


def rollouts(groups: int):
    """Rows of 8 rollouts each, some 2 KB long, as this program writes them."""
    draw = random.Random(1)
    for group in range(groups):
        prompt = text(draw, 40)
        for number in range(8):
            count = draw.randint(40, 160)
            right = draw.random() < 0.4
            yield {
                "id": f"g{group}/{number}", "group": f"g{group}", "prompt": prompt, "answer": "12",
                "response": text(draw, count) + rf" \boxed{{{12 if right else 13}}}",
                "tokens": [draw.randrange(150_000) for _ in range(count)],
                "logprobs": [-round(draw.expovariate(3), 5) for _ in range(count)],
                "reward": float(right), "finish": "stop"}


def verl(groups: int):
    """Rows as verl dumps them."""
    for row in rollouts(groups):
        yield {
            "input": f"user\n{row['prompt']}\nassistant\n", "output": row["response"], "gts": row["answer"],
            "score": row["reward"], "step": 1, "acc": row["reward"]}


def prompts(count: int):
    """Questions about a picture."""
    for number in range(count):
        parts = [{"type": "image", "image": f"{number % 2}.png"}, {"type": "text", "text": "what color is the shape?"}]
        yield {"id": f"q{number}", "prompt": [{"role": "user", "content": parts}], "answer": ("red", "blue")[number % 2]}


def write(folder: Path, model: Path) -> None:
    """All inputs, and a spec that trains a step from a model."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in [("rollouts", rollouts(64)), ("verl", verl(64)), ("prompts", prompts(8))]:
        with (folder / f"{name}.jsonl").open("w") as out:
            for row in rows:
                print(json.dumps(row), file=out)
    for number, color in enumerate([(255, 0, 0), (0, 0, 255)]):
        (folder / f"{number}.png").write_bytes(picture(color))
    selection = ["advantage", {"use": "pairwise-sample", "with": {"keep": 0.5}}, {"use": "shuffle", "with": {"rounds": 4}}]
    replay = {"seed": 1, "source": {"rollouts": "rollouts.jsonl", "provides": ["reward"]}, "stages": selection}
    train = {
        "seed": 1, "policy": {"use": "bundled", "with": {"model": str(model)}},
        "source": {"prompts": "prompts.jsonl", "provides": ["answer"], "batch": {"groups": 8}},
        "stages": [
            {"use": "rollout", "with": {"n": 8, "sampling": {"max_tokens": 16}}}, "reward", *selection,
            {"use": "update", "with": {"minibatches": 2}}],
        "training": {"steps": 1, "checkpoints": {"every": 0, "keep_best": False}}}
    (folder / "replay.json").write_text(json.dumps(replay))
    (folder / "train.json").write_text(json.dumps(train))
