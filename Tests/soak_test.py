#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains for many steps, and fails when memory, descriptors, threads or the run's directory grow with them.

  Tests/soak_test.py [--steps 2000] [--points 10] PROGRAM

The run is the small one of the tests' fixtures, with images, a filter that refills, pairs, shuffle, KL, evaluations and
checkpoints. At each point it is looked at from outside, in /proc, so this works on Linux alone. What should grow, the lines
of the logs, is told apart from what should not.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
FIXTURES = os.path.join(HERE, "PipelineCommandTests", "Fixtures")


def prepare(folder, steps):
    """Copies the fixtures, with as many steps."""
    shutil.copytree(os.path.join(FIXTURES, "training"), folder, dirs_exist_ok=True)
    shutil.copytree(os.path.join(FIXTURES, "model"), os.path.join(folder, "model"))
    shutil.copy(os.path.join(FIXTURES, "image.png"), folder)
    path = os.path.join(folder, "train.json")
    text = open(path).read()
    for old, new in [
        ('"steps": 9', f'"steps": {steps}'),
        ('"every": 2, "keep": 2', f'"every": {max(1, steps // 50)}, "keep": 2'),
        ('"every": 3, "samples"', f'"every": {max(1, steps // 50)}, "samples"'),
    ]:
        if old not in text:
            sys.exit(f"soak: {path} no longer has {old!r}")
        text = text.replace(old, new)
    open(path, "w").write(text)


def steps_done(run):
    """The steps whose figures are written."""
    try:
        with open(os.path.join(run, "metrics.jsonl"), "rb") as file:
            return file.read().count(b"\n")
    except FileNotFoundError:
        return 0


def look(process, run):
    """Resident memory, descriptors, threads, and the sizes of checkpoints and logs."""
    status = dict(line.split(":", 1) for line in open(f"/proc/{process}/status"))
    checkpoints = logs = 0
    for folder, _, names in os.walk(run):
        for name in names:
            try:
                size = os.path.getsize(os.path.join(folder, name))
            except FileNotFoundError:
                continue
            if os.sep + "checkpoints" in folder:
                checkpoints += size
            else:
                logs += size
    return {
        "step": steps_done(run),
        "resident_mb": int(status["VmRSS"].split()[0]) / 1024,
        "descriptors": len(os.listdir(f"/proc/{process}/fd")),
        "threads": int(status["Threads"]),
        "checkpoints_mb": checkpoints / 1e6,
        "logs_kb_a_step": 0.0 if steps_done(run) == 0 else logs / 1e3 / steps_done(run),
    }


def complaints(points):
    """What grows from the second point on, when everything has been met once."""
    first, last = points[1], points[-1]
    limits = {
        "resident_mb": 1.25 * first["resident_mb"] + 8,
        "descriptors": first["descriptors"] + 4,
        "threads": first["threads"] + 2,
        "checkpoints_mb": 2 * first["checkpoints_mb"] + 1,
        "logs_kb_a_step": 1.25 * first["logs_kb_a_step"] + 0.5,
    }
    return [
        f"{key} grew from {first[key]:.1f} to {last[key]:.1f}" for key, limit in limits.items() if last[key] > limit
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--points", type=int, default=10)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        prepare(folder, arguments.steps)
        run = os.path.join(folder, "run")
        program = os.path.abspath(arguments.program)
        command = [program, "run", "train.json", "--quiet", "--output", "run", "--threads", "2"]
        points = []
        print(f"{'step':>6} {'seconds':>8} {'resident':>9} {'files':>6} {'threads':>8} {'checkpoints':>12} {'logs a step':>12}")
        start = time.monotonic()
        process = subprocess.Popen(command, cwd=folder)
        while process.poll() is None:
            if steps_done(run) >= (len(points) + 1) * arguments.steps / (arguments.points + 0.5):
                try:
                    point = look(process.pid, run)
                except (FileNotFoundError, ProcessLookupError, KeyError):
                    break
                points.append(point)
                print(
                    f"{point['step']:>6} {time.monotonic() - start:>8.1f} {point['resident_mb']:>6.1f} MB"
                    f" {point['descriptors']:>6} {point['threads']:>8} {point['checkpoints_mb']:>9.2f} MB"
                    f" {point['logs_kb_a_step']:>9.2f} kB",
                    flush=True,
                )
            time.sleep(0.05)
        if process.wait() != 0:
            sys.exit(f"soak: the run ended with status {process.returncode}")
        if steps_done(run) != arguments.steps or len(points) < 3:
            sys.exit(f"soak: {steps_done(run)} of {arguments.steps} steps, looked at {len(points)} times; raise --steps")
        last = json.loads(open(os.path.join(run, "metrics.jsonl")).readlines()[-1])
        if last.get("step") != arguments.steps - 1:
            sys.exit(f"soak: the last step is {last.get('step')}")
        found = complaints(points)
    for complaint in found:
        print("soak: " + complaint)
    print(f"soak: {arguments.steps} steps, " + ("grows" if found else "nothing grows that should not"))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
