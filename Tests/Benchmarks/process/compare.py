# SPDX-License-Identifier: Apache-2.0
"""Measures the process door against a plain loop; see README.md. Usage: compare.py PROGRAM COUNT"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
LOOP = """
import json, sys
sys.path.insert(0, sys.argv[1])
from judge import score
with open(sys.argv[2]) as lines, open(sys.argv[3], "w") as out:
    for line in lines:
        trajectory = json.loads(line)
        trajectory["reward"] = score(trajectory)
        out.write(json.dumps(trajectory) + "\\n")
"""


def records(path, count):
    with open(path, "w") as file:
        for number in range(count):
            record = {
                "id": f"q{number // 16}/{number % 16}",
                "group": f"q{number // 16}",
                "prompt": "How many of the shapes in the picture are red, and how many of those are squares?",
                "answer": str(number % 9),
                "response": "<think>" + "Let me count again. " * (number % 5 + 3) + "</think> \\boxed{" + str(number % 7) + "}",
                "finish": "stop",
            }
            file.write(json.dumps(record) + "\n")


def timed(command, repeats=3, **arguments):
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        subprocess.run(command, check=True, **arguments)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds), min(seconds), max(seconds)


def rewards(path):
    with open(path) as lines:
        return [json.loads(line)["reward"] for line in lines]


def main():
    program, count = os.path.abspath(sys.argv[1]), int(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        source, out = f"{folder}/in.jsonl", f"{folder}/out.jsonl"
        records(source, count)
        print(f"{count} trajectories, {os.path.getsize(source) // count} bytes each, {os.cpu_count()} cores")
        print(f"{'':24}{'items/s':>10}{'(spread)':>20}{'x loop':>8}")
        base, low, high = timed([sys.executable, "-c", LOOP, str(HERE), source, out])
        expected = rewards(out)

        def show(name, median, low, high):
            spread = f"({count / high:,.0f}-{count / low:,.0f})"
            print(f"{name:24}{count / median:>10,.0f}{spread:>20}{base / median:>8.2f}", flush=True)

        show("loop", base, low, high)
        for kind, bridge in (("bridge", "plain"), ("program", "none")):
            for workers in (1, 2):
                options = {"command": [sys.executable, str(HERE / "judge.py")], "bridge": bridge, "workers": workers}
                stage = json.dumps({"functions": [{"use": "process", "with": options}]})
                command = [program, "stage", "reward", "-q", "--with", stage]

                def run():
                    with open(source) as given, open(out, "w") as taken:
                        return timed_once(command, stdin=given, stdout=taken)

                seconds = [run() for _ in range(3)]
                show(f"{kind}, {workers} workers", statistics.median(seconds), min(seconds), max(seconds))
                if rewards(out) != expected:
                    sys.exit(f"{kind}: the scores differ from those of the loop")


def timed_once(command, **arguments):
    return timed(command, repeats=1, **arguments)[0]


if __name__ == "__main__":
    main()
