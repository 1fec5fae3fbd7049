#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads a run's files into tables of pandas or polars, or as lists of dictionaries.

usage: read_run.py RUN [--with pandas|polars|plain]

As a module: metrics(run), lineage(run), rollouts(run); `frames` is pandas, polars or None for lists.
"""

import argparse
import io
import json
import subprocess
from collections import Counter
from pathlib import Path


def lines(run: Path, name: str) -> list[dict]:
    """The lines of a file that belong to complete steps."""
    path = Path(run) / name
    if not path.exists():
        return []
    state = json.loads((Path(run) / "state.json").read_text())
    data = path.read_bytes()[: state["offsets"].get(name, 0)]
    if name.endswith(".zst"):
        data = decompressed(data)
    return [json.loads(line) for line in io.BytesIO(data)]


def decompressed(data: bytes) -> bytes:
    """Zstandard frames, one for each step: by the package zstandard, or else by the program zstd."""
    try:
        import zstandard
    except ImportError:
        return subprocess.run(["zstd", "-dcq"], input=data, stdout=subprocess.PIPE, check=True).stdout
    return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data), read_across_frames=True).read()


def table(rows: list[dict], frames=None):
    """The rows as a frame, or as they are."""
    if frames is None:
        return rows
    if frames.__name__ == "polars":
        return frames.DataFrame(rows, infer_schema_length=None)
    return frames.DataFrame(rows)


def flat(row: dict) -> dict:
    """A row with its small objects as columns: rewards.accuracy, pair.partner."""
    found = {}
    for key, value in row.items():
        if key in ("rewards", "pair", "sampling") and isinstance(value, dict):
            found |= {f"{key}.{name}": inner for name, inner in value.items()}
        else:
            found[key] = value
    return found


def metrics(run, frames=None):
    """A row for each step: metrics, seconds, and what evaluations found."""
    steps: dict[int, dict] = {}
    for name in ("metrics.jsonl", "timings.jsonl", "evaluations.jsonl"):
        for row in lines(run, name):
            numbers = {key: value for key, value in row.items() if not isinstance(value, dict)}
            steps.setdefault(row["step"], {}).update(numbers)
    return table([steps[step] for step in sorted(steps)], frames)


def lineage(run, frames=None):
    """A row for each rollout of each step: what became of it."""
    rows = [flat(row) for row in lines(run, "lineage.jsonl")]
    for row in rows:
        row["times"] = len(row.pop("draws", [0])) if row["outcome"] == "kept" else 0
    return table(rows, frames)


def rollouts(run, frames=None):
    """A row for each rollout that the run keeps: question, response, answer, reward."""
    rows = lines(run, "rollouts.jsonl.zst") or lines(run, "selected.jsonl")
    wanted = ("step", "id", "group", "response", "answer", "finish", "reward")
    found = []
    for row in rows:
        prompt = row.get("prompt")
        last = prompt[-1]["content"] if isinstance(prompt, list) else prompt
        question = last if isinstance(last, str) else " ".join(part.get("text", "") for part in last or [])
        found.append({key: row.get(key) for key in wanted} | {"question": question.strip()})
    return table(found, frames)


def fates(run) -> Counter:
    """How many rollouts were trained on, and how many each rule dropped."""
    return Counter("trained on" if row["times"] else f"{row.get('stage', 'kept, never drawn')}: {row.get('rule', '')}" for row in lineage(run))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--with", dest="library", choices=["pandas", "polars", "plain"], default="plain")
    options = parser.parse_args()
    frames = None if options.library == "plain" else __import__(options.library)
    print(f"{len(metrics(options.run, frames))} steps, {len(lineage(options.run, frames))} rollouts")
    for fate, count in sorted(fates(options.run).items(), key=lambda item: (-item[1], item[0])):
        print(f"{count:6} {fate}")
    rewards = [row["reward"] for row in lineage(options.run) if row.get("reward") is not None]
    if frames is not None:
        table = lineage(options.run, frames)
        print(f"mean reward {float(table['reward'].mean()):.4f}, by {options.library}")
    elif rewards:
        print(f"mean reward {sum(rewards) / len(rewards):.4f}")


if __name__ == "__main__":
    main()
