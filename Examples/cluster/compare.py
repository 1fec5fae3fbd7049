#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs Spark and Ray over generated shards, kills an executor on the way, and compares every byte with one machine.

`make test-cluster` runs this in an environment that has both; it prints figures (seconds of the whole command; the
peak memory of the largest process of each kind), and ends with status 1 at any difference.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

import generate
import one_machine
from memory import Peaks
from sharding import job

SPARK = "local-cluster[2,1,1024]"  # two executors of one core and 1,024 MiB, each a process of its own
ENGINES = {
    "spark": ["on_spark.py", "--master", SPARK],
    "ray": ["on_ray.py", "--cores", "2"],
}
# Ends the executor that it runs under, once, in the middle of its input.
KILLER = """#!{python}
import os, signal, subprocess, sys

def fed_half():
    child = subprocess.Popen([{program!r}, *sys.argv[1:]], stdin=subprocess.PIPE)
    child.stdin.write(sys.stdin.buffer.read(20_000))
    child.stdin.flush()

def executor():
    process = os.getpid()
    while process > 1:
        with open(f"/proc/{{process}}/cmdline", "rb") as file:
            line = file.read()
        if b"CoarseGrainedExecutorBackend" in line or line.startswith(b"ray::"):
            return process
        with open(f"/proc/{{process}}/stat") as file:
            process = int(file.read().rsplit(")", 1)[1].split()[1])
    sys.exit("no executor among my ancestors")

if sys.argv[1] == "run" and ({always} or "source.first_batch=0" not in sys.argv):
    try:
        os.mkdir({marker!r})
    except FileExistsError:
        pass
    else:
        fed_half()
        os.kill(executor(), signal.SIGKILL)
os.execv({program!r}, [{program!r}, *sys.argv[1:]])
"""


class Comparison:
    """Cases in a folder of their own, and how they went."""

    def __init__(self, folder: str, engines: list[str]):
        self.folder, self.engines, self.failed = folder, engines, 0
        self.spec = os.path.join(one_machine.HERE, "pipeline.json")

    def case(self, name: str, options: list[str], sets: list[str], partitions: list[int], kill: bool = False) -> None:
        """Makes shards, runs one machine and every engine, and compares."""
        inputs = os.path.join(self.folder, name, "shards")
        os.makedirs(os.path.join(self.folder, name))
        generate.main([inputs, *options])
        alone = os.path.join(self.folder, name, "alone")
        with Peaks(os.getpid()) as peaks:
            since = time.monotonic()
            one_machine.run(self.spec, [inputs], alone, sets)
            seconds = time.monotonic() - since
        rollouts = one_machine.content(os.path.join(alone, "lineage.jsonl")).count(b"\n")
        print(f"{name}: {rollouts} rollouts, {size(inputs) / 1e6:.1f} MB on disk")
        print(f"  {'one machine':22} {figures(rollouts, inputs, seconds)}{indented(peaks)}", flush=True)
        for engine in self.engines:
            for count in partitions:
                self.run(engine, name, inputs, alone, sets, count, rollouts, kill)
        shutil.rmtree(os.path.join(self.folder, name))

    def run(self, engine, name, inputs, alone, sets, count, rollouts, kill) -> None:
        """One job of one engine."""
        output = os.path.join(self.folder, name, f"{engine}-{count}")
        script, *options = ENGINES[engine]
        command = [
            sys.executable,
            os.path.join(one_machine.HERE, script),
            self.spec,
            "--input",
            inputs,
            "--output",
            output,
        ]
        command += ["--partitions", str(count), *options, *(word for value in sets for word in ("--set", value))]
        marker = output + "-was-killed"
        if kill:
            command += ["--program", killer(output + "-program", marker, "source.batch=all" in sets)]
        # Executors take this interpreter, which has what theirs may lack; a cluster's own setting says so elsewhere.
        environment = {**os.environ, "PYSPARK_PYTHON": sys.executable, "RAY_USAGE_STATS_ENABLED": "0"}
        with Peaks(os.getpid()) as peaks:
            since = time.monotonic()
            done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
            seconds = time.monotonic() - since
        wrong = [done.stderr[-3000:]] if done.returncode else one_machine.differences(alone, output)
        if kill and not os.path.isdir(marker):
            wrong.append("no executor was killed")
        self.failed += bool(wrong)
        verdict = (
            "same bytes" + (", an executor killed" if kill else "") if not wrong else f"DIFFERS: {'; '.join(wrong)}"
        )
        print(
            f"  {engine:6} partitions {count:3}  {figures(rollouts, inputs, seconds)}  {verdict}{indented(peaks)}",
            flush=True,
        )
        shutil.rmtree(output, ignore_errors=True)


def killer(path: str, marker: str, always: bool) -> str:
    """A program that stands in for ours, for a while."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(KILLER.format(python=sys.executable, program=job.default_program(), marker=marker, always=always))
    os.chmod(path, 0o755)
    return path


def figures(rollouts: int, inputs: str, seconds: float) -> str:
    """How fast something was, start and end included."""
    return f"{seconds:7.2f} s {rollouts / seconds:10,.0f} rollouts/s {size(inputs) / 1e6 / seconds:7.1f} MB/s"


def indented(peaks: Peaks) -> str:
    """A line for the memory, where there was time to look."""
    return f"\n{'':26}{peaks}" if peaks.bytes else ""


def size(folder: str) -> int:
    return sum(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder))


def main() -> int:
    every = ["--groups", "200", "--skew", "--bad", "30", "--compress"]
    by_step = ["--groups", "200", "--step-groups", "9"]
    one_batch = ["source.batch=all"]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument(
        "--groups", type=int, default=6400, help="of the larger input (default: 6400, 102,400 rollouts); 0: none"
    )
    parser.add_argument("--only", nargs="+", default=[], help="the names of cases to run")
    options = parser.parse_args()
    large = ["--groups", str(options.groups), "--tokens", "400", "--shards", "8"]
    cases = {
        "batches": (every, [], [1, 3, 8]),
        "by-step": (by_step, ['source.batch={"by":"step"}'], [4]),
        "one-batch": ([*every, "--scatter"], one_batch, [3, 8]),
        "killed": (every, [], [4]),
        "killed-one-batch": (every, one_batch, [4]),
        "larger": (large, ['source.batch={"groups":512}'], [2, 8]),
        "larger-one-batch": (large, one_batch, [2, 8]),
    }
    with tempfile.TemporaryDirectory(prefix="test-cluster-") as folder:
        comparison = Comparison(folder, options.engines)
        for name, case in cases.items():
            if name in (options.only or cases) and (options.groups or not name.startswith("larger")):
                comparison.case(name, *case, kill=name.startswith("killed"))
    print(f"failed: {comparison.failed}")
    return 1 if comparison.failed else 0


if __name__ == "__main__":
    sys.exit(main())
