#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares random models of every family with transformers.

usage: family_parity.py [MODELS] [SEED] [FAMILY …]

Draws the shapes of MODELS models of each family (20): heads, their width, depth, biases, tied or not, rotary scaling,
patches, windows, learned positions, deepstack; F32, BF16 or F16, in one file or shards, the configuration in the form
of transformers 4 or 5. For each: log-probabilities, greedy tokens and the gradients of all weights; then a step of
AdamW, whose checkpoint transformers must load and find the same log-probabilities in; and a step of adapters, which
peft must load on top of the model, and merge, with the same. Needs torch, transformers, peft, Pillow and policy-probe.
Fails where a log-probability differs by more than 1e-4, a gradient by more than a thousandth, or a greedy token whose
choice was clear.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import peft
import torch

import families
from families import CLASSES, Prompt, greedy, log_probs, text_config
from reference import draw_image

ROOT = Path(__file__).resolve().parents[2]
PROBE = os.environ.get("POLICY_PROBE", str(ROOT / ".build/release/policy-probe"))
TYPES = {"F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16}


def probe(arguments: list, records: list) -> list:
    lines = "".join(json.dumps(record) + "\n" for record in records)
    found = subprocess.run([PROBE, *map(str, arguments)], input=lines, capture_output=True, text=True)
    assert found.returncode == 0, (arguments, found.stderr)
    return [json.loads(line) for line in found.stdout.splitlines()]


def prompt(draw: random.Random, model, images, folder: Path) -> Prompt:
    rows = text_config(model.config).vocab_size

    def ids() -> list:
        return [draw.randrange(3, rows - 5) for _ in range(draw.randint(1, 12))]

    parts = [ids()]
    for _ in range(draw.choice([0, 1, 1, 2, 3]) if images else 0):
        name = f"{draw.randrange(1 << 30)}.png"
        draw_image(folder / name, model.config.vision_config, draw.randint(1, 7), draw.randint(1, 7), draw.randrange(99))
        parts += [name] + ([ids()] if draw.random() < 0.7 else [])
    return Prompt(model, images, parts + [ids()], folder)


def worst(ours: list, theirs: list) -> float:
    return max((torch.tensor(one) - two).abs().max().item() for one, two in zip(ours, theirs, strict=True))


def gradient_difference(model, prompts: list, responses: list, found: dict) -> tuple[float, str]:
    """The largest difference of a tensor's gradient, as a share of its norm."""
    count = sum(len(response) for group in responses for response in group)
    model.zero_grad()
    for one, group in zip(prompts, responses):
        for response in group:
            (-log_probs(model, one, response).sum() / count).backward()
    whole = sum(float(weight.grad.double().pow(2).sum()) for weight in model.parameters() if weight.grad is not None) ** 0.5
    result = (0.0, "")
    for name, weight in model.named_parameters():
        plain = name.replace("model.language_model.", "model.").replace("model.visual.", "visual.")
        ours = torch.tensor(found.pop(plain)).reshape(weight.shape)
        theirs = torch.zeros_like(weight) if weight.grad is None else weight.grad
        # Gradients that are 0 but for rounding, such as those of key biases, are measured by those of all weights.
        floor = max(theirs.norm().item(), 1e-4 * whole)
        result = max(result, ((ours - theirs).norm().item() / floor, name))
    assert not found, list(found)
    return result


def log_probs_of(model, prompts: list, responses: list) -> list:
    with torch.no_grad():
        return [[log_probs(model, one, each) for each in group] for one, group in zip(prompts, responses)]


def adapter_difference(draw: random.Random, folder: Path, records: list, prompts: list, responses: list) -> float:
    """The largest difference after a step of adapters: in peft, merged by peft, and merged by us."""
    saved = folder / "adapted"
    after = probe(["train", folder, saved, draw.randint(1, 8)], records)
    model = peft.PeftModel.from_pretrained(families.load(folder), saved / "adapter").eval()
    found = [log_probs_of(model, prompts, responses)]
    found.append(log_probs_of(model.merge_and_unload(), prompts, responses))
    found.append(log_probs_of(families.load(saved), prompts, responses))
    return max(max(map(worst, after, each)) for each in found)


def check(draw: random.Random, family: str, folder: Path) -> dict:
    made = families.random_model(draw, family)
    images = families.processor(draw, made.config)
    type_name, shard = draw.choice(list(TYPES)), draw.choice([None, "60KB"])
    families.save(
        made, images, folder, nested=draw.random() < 0.5, dtype=TYPES[type_name],
        **({"max_shard_size": shard} if shard else {}),
    )
    form = draw.choice([4, 5])
    if form == 4:
        families.older(folder)
    model = families.load(folder)
    config, rows = text_config(model.config), text_config(model.config).vocab_size
    prompts = [prompt(draw, model, images, folder) for _ in range(3)]
    # transformers takes a placeholder in a response for an image.
    last = rows if images is None else rows - 5
    responses = [[[draw.randrange(3, last) for _ in range(draw.randint(1, 14))] for _ in range(2)] for _ in prompts]
    temperature = draw.choice([0.6, 1, 1.4])
    records = [
        dict(prompt_tokens=one.ids, images=one.images, folder=str(folder), max_tokens=8, responses=group, temperature=temperature)
        for one, group in zip(prompts, responses)
    ]
    with torch.no_grad():
        expected = [[log_probs(model, one, each, temperature) for each in group] for one, group in zip(prompts, responses)]
    found = dict(log_probs=max(map(worst, probe(["log-probs", folder], records), expected)))
    clear = 0
    for ours, one in zip(probe(["greedy", folder], records), prompts, strict=True):
        theirs, margin = greedy(model, one, 8)
        if margin > 1e-3:
            assert ours == theirs, (folder, ours, theirs)
            clear += 1
    gradients = probe(["gradients", folder], records)[0]
    found["gradient"], name = gradient_difference(model, prompts, responses, gradients)
    saved = folder / "saved"
    after = probe(["train", folder, saved], records)
    again = families.load(saved)
    found["saved"] = max(map(worst, after, log_probs_of(again, prompts, responses)))
    found["adapters"] = adapter_difference(draw, folder, records, prompts, responses)
    shape = f"heads {config.num_attention_heads}/{config.num_key_value_heads}, layers {config.num_hidden_layers}"
    rope = config.rope_parameters["rope_type"]
    print(
        f"  {type_name:>4}, form {form}, {shape}, {rope:7}: log-probabilities {found['log_probs']:.1e}, gradients"
        f" {found['gradient']:.1e}, greedy {clear}/{clear}, saved and loaded {found['saved']:.1e}, adapters in peft {found['adapters']:.1e}",
        flush=True,
    )
    assert max(found["log_probs"], found["saved"], found["adapters"]) < 1e-4, (found, model.config)
    assert found["gradient"] < 1e-3, (found, name, model.config)
    return found


def main(count: int, seed: int, names: list) -> None:
    for family in names or CLASSES:
        draw = random.Random(f"{seed} {family}")
        print(f"{family}:")
        every = []
        for _ in range(count):
            with tempfile.TemporaryDirectory() as folder:
                every.append(check(draw, family, Path(folder)))
        largest = {key: max(each[key] for each in every) for key in every[0]}
        print(f"{family}, {count} models: largest differences " + ", ".join(f"{k} {v:.1e}" for k, v in largest.items()))


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:3]]
    main(*(numbers + [20, 1][len(numbers) :]), sys.argv[3:])
