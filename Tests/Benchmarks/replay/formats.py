#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures how fast files of peers are read: `convert`, `inspect` and a replay, beside the same conversion in Python.

The rows have the keys that the peers' own writers give them, and the texts of the replay benchmark's rollouts.
"""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path
from statistics import median
from typing import Callable

import orjson

from compare import DATA, PROGRAM, SPEC, Measured, machine, measure, rollouts

COPIES = 2  # how often each file is measured


def verl(row: dict) -> dict:
    """A line of verl's `trainer.rollout_data_dir`."""
    system, user = row["prompt"]
    text = "".join(part.get("text", "<|vision_start|><|image_pad|><|vision_end|>") for part in user["content"])
    rendered = "".join(f"<|im_start|>{who}\n{what}<|im_end|>\n" for who, what in (("system", system["content"]), ("user", text)))
    return {
        "input": rendered + "<|im_start|>assistant\n", "output": row["response"], "gts": row["answer"],
        "score": row["reward"], "step": row["step"], "uid": row["group"],
        "acc": row["rewards"]["accuracy"], "format": row["rewards"]["format"],
    }


def long_verl(row: dict) -> dict:
    """The same with a response of some thousand tokens, as reasoning models give."""
    line = verl(row)
    return {**line, "output": " ".join([line["output"]] * 6)}


def chat(row: dict) -> dict:
    """A line of OpenAI's chat format."""
    return {"messages": [*plain(row), {"role": "assistant", "content": row["response"]}], "data_source": row["data_source"]}


def sharegpt(row: dict) -> dict:
    """A line of a ShareGPT data set."""
    system, user = plain(row)
    turns = (("system", system["content"]), ("human", user["content"]), ("gpt", row["response"]))
    return {"id": row["id"], "conversations": [{"from": who, "value": text} for who, text in turns]}


def dataset(row: dict) -> dict:
    """A row of a data set as verl's preprocessing scripts write it."""
    return {
        "data_source": row["data_source"], "prompt": plain(row), "ability": "math",
        "reward_model": {"style": "rule", "ground_truth": row["answer"]},
        "extra_info": {"split": "train", "index": int(row["group"].split("-")[1])},
    }


def plain(row: dict) -> list[dict]:
    """The messages of a prompt without its image."""
    system, user = row["prompt"]
    return [system, {"role": "user", "content": "".join(part.get("text", "") for part in user["content"])}]


FILES: dict[str, tuple[Callable[[dict], dict], bool]] = {
    "verl": (verl, False),
    "verl-long": (long_verl, False),
    "openai-chat": (chat, False),
    "sharegpt": (sharegpt, False),
    "verl-dataset": (dataset, True),
}

# The least that a converter in Python does: read, rename, number the rollouts of a group, write.
PYTHON = """
import orjson, sys
from collections import Counter
names = {"input": "prompt", "messages": "prompt", "conversations": "prompt", "output": "response", "gts": "answer",
         "score": "reward", "reward_model": "answer"}
count = Counter()
with open(sys.argv[1], "rb") as lines, open(sys.argv[2], "wb") as out:
    for line in lines:
        row = {names.get(key, key): value for key, value in orjson.loads(line).items()}
        group = row.pop("uid", None) or str(hash(orjson.dumps(row.get("prompt"))))
        out.write(orjson.dumps({"id": f"{group}/{count[group]}", "group": group, **row}) + b"\\n")
        count[group] += 1
"""


def written(name: str, groups: int) -> Path:
    """A peer's file, made on first use."""
    path = DATA / f"{name}-{groups}.jsonl"
    if path.exists():
        return path
    shape, once_a_group = FILES[name]
    seen = set()
    unfinished = path.with_suffix(".unfinished")
    with open(rollouts(f"rollouts-{groups}.jsonl", groups), "rb") as lines, open(unfinished, "w") as out:
        for line in lines:
            row = orjson.loads(line)
            if once_a_group and row["group"] in seen:
                continue
            seen.add(row["group"])
            out.write(json.dumps(shape(row), ensure_ascii=False) + "\n")
    unfinished.rename(path)
    return path


def commands(path: Path, name: str, out: Path) -> dict[str, list[str]]:
    """What is measured on a file."""
    program = str(PROGRAM)
    found = {
        "Python": [sys.executable, "-c", PYTHON, str(path), str(out / "python.jsonl")],
        "convert": [program, "convert", str(path), str(out / "converted.jsonl")],
        "inspect": [program, "inspect", str(path)],
    }
    if name.startswith("verl") and not FILES[name][1]:
        found["replay"] = [
            program, "run", str(SPEC), "--set", f"source.rollouts={path}", "--set", "source.batch.groups=64",
            "--output", str(out / "run"), "--quiet",
        ]
    return found


def processor_seconds(command: list[str]) -> tuple[Measured, float]:
    """Runs a command; also the seconds of processor time, over all threads."""
    before = os.times()
    result = measure(command)
    after = os.times()
    return result, after.children_user + after.children_system - before.children_user - before.children_system


def main() -> int:
    options = argparse.ArgumentParser(prog="run --formats", description=__doc__)
    options.add_argument("--groups", type=int, default=6_000, help="groups of 16 rollouts (default: %(default)s)")
    options.add_argument("--repetitions", type=int, default=COPIES)
    options = options.parse_args()
    if not PROGRAM.exists():
        sys.exit("no .build/release/shuffle-r1; run `make build` first")
    print(f"peers' files; medians of {options.repetitions}; {machine()}\n")
    print("| format | MB, bytes a row | what | MB/s | MB/s of processor time | peak RSS, MB | speed / Python's |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for name in FILES:
        path = written(name, options.groups)
        size = path.stat().st_size
        with open(path, "rb") as lines:
            rows = sum(1 for _ in lines)
        runs: dict[str, list[tuple[Measured, float]]] = {}
        for _ in range(options.repetitions):
            out = DATA / "out-formats"
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir(parents=True)
            for what, command in commands(path, name, out).items():
                runs.setdefault(what, []).append(processor_seconds(command))
        python = median(run.seconds for run, _ in runs["Python"])
        for what, measured in runs.items():
            seconds = median(run.seconds for run, _ in measured)
            processor = median(time for _, time in measured)
            memory = median(run.peak_bytes for run, _ in measured) / 1e6
            print(
                f"| {name} | {size / 1e6:.0f}, {size // rows} | {what} | {size / 1e6 / seconds:.0f} | "
                f"{size / 1e6 / processor:.0f} | {memory:.0f} | {python / seconds:.2f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
