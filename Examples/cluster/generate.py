#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes shards of rollouts of any size, the same bytes every time, with what real ones have.

Groups of very different sizes, lines that cannot be used, compressed shards, groups torn over shards.
"""

import argparse
import gzip
import json
import os
import random
import shutil
import subprocess

VOCABULARY = range(151_000)


def group(draw: random.Random, name: str, size: int, step: int, tokens: int) -> list[str]:
    """The rollouts of one question, some right, some wrong, some without the form."""
    answer, skill = draw.randint(0, 99), draw.random()
    prompt = [{"role": "user", "content": [{"type": "text", "text": f"What is {answer} + 0? Wie groß? 🙂"}]}]
    lines = []
    for number in range(size):
        given = answer if draw.random() < skill else answer + draw.randint(1, 9)
        thought = f"<think>hm, {given}</think> \\boxed{{{given}}}" if draw.random() < 0.8 else f"It is {given}."
        record = {
            "id": f"{name}/{number}", "group": name, "prompt": prompt, "answer": str(answer), "response": thought,
            "finish": "stop", "tokens": draw.choices(VOCABULARY, k=draw.randint(0, 2 * tokens)),
            "theirs": {"kept": 1e3},
        }  # fmt: skip
        if step >= 0:
            record["step"] = step
        lines.append(json.dumps(record, ensure_ascii=False) + "\n")
    return lines


def rollouts(options: argparse.Namespace) -> list[str]:
    """All lines, in order."""
    draw = random.Random(options.seed)
    lines = []
    for number in range(options.groups):
        # Most groups have 16 rollouts; with --skew one in ten has far more, and one in ten has but one.
        size = draw.choice([1, *[16] * 8, 200]) if options.skew else 16
        step = number // options.step_groups if options.step_groups else -1
        lines += group(draw, f"q{number}", size, step, options.tokens)
    if options.scatter:
        draw.shuffle(lines)
    for _ in range(options.bad):
        at = draw.randrange(len(lines) + 1)
        lines.insert(
            at, draw.choice(['{"id": "torn', "\n", '{"id": "x", "group": "y", "response": "no answer"}\n', "[]\n"])
        )
        if not lines[at].endswith("\n"):
            lines[at] += "\n"
    return lines


def write(path: str, lines: list[str], suffix: str) -> None:
    """A shard, compressed as its name says."""
    data = "".join(lines).encode()
    if suffix == ".gz":
        with gzip.GzipFile(path + suffix, "wb", compresslevel=1, mtime=0) as file:
            file.write(data)
    elif suffix == ".zst":
        subprocess.run(["zstd", "-q", "-f", "-o", path + suffix], input=data, check=True)
    else:
        with open(path, "wb") as file:
            file.write(data)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", help="the folder to make")
    parser.add_argument("--groups", type=int, default=1000)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--tokens", type=int, default=20, help="of a response, on average")
    parser.add_argument(
        "--step-groups", type=int, default=0, help="the number of groups with the same 'step'; 0 for no 'step'"
    )
    parser.add_argument("--bad", type=int, default=0, help="lines that cannot be used")
    parser.add_argument("--skew", action="store_true", help="groups of 1 and of 200 rollouts among those of 16")
    parser.add_argument("--scatter", action="store_true", help="all lines in a random order")
    parser.add_argument("--compress", action="store_true", help="every other shard with gzip or zstd")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    lines = rollouts(options)
    os.makedirs(options.output)
    suffixes = ["", ".gz", "", ".zst" if shutil.which("zstd") else ".gz"] if options.compress else [""]
    for number in range(options.shards):
        first, last = (len(lines) * at // options.shards for at in (number, number + 1))
        write(
            os.path.join(options.output, f"shard-{number:04}.jsonl"),
            lines[first:last],
            suffixes[number % len(suffixes)],
        )


if __name__ == "__main__":
    main()
