#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares log-probabilities and greedy generation of random models with transformers.

usage: model_parity.py [MODELS] [SEED]

Draws the shapes of MODELS models (8): heads, widths, depths, patch and window sizes, tied or not, F32, BF16 or F16, in
one file or shards; and for each model prompts with no, one or several images. Needs torch, transformers, Pillow and
policy-probe. Prints the largest difference of each model; fails where one is above 1e-4, or a greedy token differs
whose choice was clear.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

import reference
from reference import Prompt, draw_image, greedy, load, log_probs, random_model, rope

ROOT = Path(__file__).resolve().parents[2]
PROBE = os.environ.get("POLICY_PROBE", str(ROOT / ".build/release/policy-probe"))
TYPES = {"F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16}
TOLERANCE = 1e-4


def probe(action: str, folder: Path, records: list) -> list:
    lines = "".join(json.dumps(record) + "\n" for record in records)
    found = subprocess.run([PROBE, action, str(folder)], input=lines, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    return [json.loads(line) for line in found.stdout.splitlines()]


def random_shape(draw: random.Random) -> tuple[dict, dict, bool]:
    """A decoder, a vision tower, and whether output and input embedding are one."""
    sections = [draw.randint(1, 4) for _ in range(3)]
    key_value_heads = draw.choice([1, 2, 3])
    heads = key_value_heads * draw.choice([1, 2, 3])
    text = dict(
        vocab_size=draw.randint(60, 400), hidden_size=heads * 2 * sum(sections), intermediate_size=draw.randint(9, 90),
        num_hidden_layers=draw.randint(1, 4), num_attention_heads=heads, num_key_value_heads=key_value_heads,
        rms_norm_eps=draw.choice([1e-5, 1e-6]), rope_parameters=rope(sections, draw.choice([1e4, 1e6])),
    )
    patch, merge = draw.choice([(2, 2), (4, 2), (4, 3), (6, 2), (14, 2), (4, 1)])
    depth, vision_heads = draw.randint(1, 5), draw.choice([1, 2, 3])
    vision = dict(
        depth=depth, hidden_size=vision_heads * 4 * draw.randint(1, 4), intermediate_size=draw.randint(7, 50),
        num_heads=vision_heads, patch_size=patch, spatial_merge_size=merge,
        window_size=patch * merge * draw.randint(1, 4),
        fullatt_block_indexes=sorted(draw.sample(range(depth), draw.randint(0, depth))),
    )
    return text, vision, draw.random() < 0.5


def random_prompt(draw: random.Random, model, folder: Path) -> Prompt:
    ids = lambda: [draw.randrange(3, model.config.text_config.vocab_size - 5) for _ in range(draw.randint(1, 12))]
    parts = [ids()]
    for _ in range(draw.choice([0, 1, 1, 2, 3])):
        name = f"{draw.randrange(1 << 30)}.png"
        draw_image(folder / name, model.config.vision_config, draw.randint(1, 7), draw.randint(1, 7), draw.randrange(99))
        parts += [name] + ([ids()] if draw.random() < 0.7 else [])
    return Prompt(model, parts + [ids()], folder)


def check(draw: random.Random, folder: Path) -> float:
    text, vision, tied = random_shape(draw)
    type_name = draw.choice(list(TYPES))
    shard = draw.choice([None, "100KB"])
    model = random_model(draw.randrange(1 << 30), text, vision, tied, scale=0.1)
    reference.save(model, folder, TYPES[type_name], **({"max_shard_size": shard} if shard else {}))
    model = load(folder)
    prompts = [random_prompt(draw, model, folder) for _ in range(4)]
    records, expected = [], []
    for prompt in prompts:
        temperature = draw.choice([0.6, 1, 1.4])
        responses = [
            [draw.randrange(3, text["vocab_size"] - 5) for _ in range(draw.randint(1, 20))] for _ in range(3)
        ]
        record = dict(prompt_tokens=prompt.ids, images=prompt.images, folder=str(folder), max_tokens=10)
        records.append(record | dict(responses=responses, temperature=temperature))
        with torch.no_grad():
            expected.append([log_probs(model, prompt, response, temperature) for response in responses])
    worst = 0.0
    for ours, theirs in zip(probe("log-probs", folder, records), expected):
        for one, two in zip(ours, theirs):
            worst = max(worst, (torch.tensor(one) - two).abs().max().item())
    clear = 0
    for ours, prompt in zip(probe("greedy", folder, records), prompts):
        theirs, margin = greedy(model, prompt, 10)
        if margin > 1e-3:
            assert ours == theirs, (folder, ours, theirs)
            clear += 1
    heads = f"{text['num_attention_heads']}/{text['num_key_value_heads']}"
    files = len(list(folder.glob("*.safetensors")))
    print(
        f"  {type_name:>4}, {files:2} files, heads {heads:>3}, width {text['hidden_size']:3}, patch"
        f" {vision['patch_size']:2} x {vision['spatial_merge_size']}, window {vision['window_size']:3}:"
        f" log-probabilities {worst:.1e}, greedy the same for {clear} of {clear} prompts with a clear choice"
    )
    assert worst < TOLERANCE, worst
    return worst


def main(count: int, seed: int) -> None:
    draw = random.Random(seed)
    worst = 0.0
    for _ in range(count):
        with tempfile.TemporaryDirectory() as folder:
            worst = max(worst, check(draw, Path(folder)))
    print(f"{count} models: largest difference of a log-probability {worst:.1e} (allowed: {TOLERANCE:.0e})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8, int(sys.argv[2]) if len(sys.argv) > 2 else 1)
