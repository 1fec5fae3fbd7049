# SPDX-License-Identifier: Apache-2.0
"""What one machine makes of the same shards, and whether a job has made the same: for tests and measurements."""

import json
import os
import subprocess
import sys

from sharding import job, shards

HERE = os.path.dirname(os.path.abspath(__file__))


def run(spec: str, inputs: list[str], output: str, sets: list[str]) -> None:
    """The pipeline in one process."""
    paths = [os.path.abspath(path) for path in shards.find(inputs)]
    words = [word for value in [*sets, f"source.rollouts={json.dumps(paths)}"] for word in ("--set", value)]
    subprocess.run([job.default_program(), "run", spec, *words, "--quiet", "--output", output], check=True)


def differences(alone: str, output: str) -> list[str]:
    """The files in which a job differs from the run of one machine; none are looked for that it does not promise."""
    with open(os.path.join(output, "manifest.json"), encoding="utf-8") as file:
        manifest = json.load(file)
    parts = [os.path.join(output, part["name"]) for part in manifest["parts"]]
    together = {
        name: b"".join(content(os.path.join(part, name)) for part in parts)
        for name in ("selected.jsonl", "lineage.jsonl", "metrics.jsonl", "bad-records.jsonl")
    }
    command = [sys.executable, os.path.join(HERE, "collect.py"), output]
    collected = subprocess.run(command, check=True, capture_output=True).stdout
    wrong = [] if collected == content(os.path.join(alone, "selected.jsonl")) else ["collect.py"]
    for name, found in together.items():
        wanted = content(os.path.join(alone, name))
        is_divided = manifest["mode"] != "whole batches"
        if is_divided and name in ("selected.jsonl", "metrics.jsonl"):
            continue  # `collect` has brought the first in order; the second is a part's own
        if is_divided or name == "bad-records.jsonl":
            # The program itself writes these block by block of what it reads, not line by line.
            found, wanted = (b"".join(sorted(text.splitlines(True))) for text in (found, wanted))
        if found != wanted:
            wrong.append(name)
    hidden = [name for name in os.listdir(output) if name.startswith(".")]
    return wrong + [f"{name} is left over" for name in hidden]


def content(path: str) -> bytes:
    """A file's bytes; none where there is no such file."""
    if not os.path.exists(path):
        return b""
    with open(path, "rb") as file:
        return file.read()
