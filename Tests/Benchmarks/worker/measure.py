# SPDX-License-Identifier: Apache-2.0
"""What the policy wire protocol takes: its share of a step, and how fast log-probabilities pass.

The share: a step on the bundled model by the PyTorch worker, all time that the worker was not busy. The speed: a worker that
answers at once with zeros, the time of the whole request with everything that both sides do for it.
"""

import json
import os
import statistics
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PROBE = ROOT / ".build/release/policy-probe"
MODEL = ROOT / "Examples/easy-vqa/model"
ECHO = ["python3", str(Path(__file__).resolve().parent / "zero_worker.py")]
WORKER = [os.environ["SHUFFLE_R1_WORKER_PYTHON"], "-m", "shuffle_r1_worker"]
REPETITIONS = 3


def probe(prompts: int, responses: int, tokens: int, command: list[str]) -> dict:
    environment = dict(os.environ, PYTHONPATH=str(ROOT / "Plugins/Policies/Worker"), HF_HUB_OFFLINE="1")
    arguments = [str(PROBE), "worker", str(MODEL), str(prompts), str(responses), str(tokens), *command]
    found = subprocess.run(arguments, capture_output=True, text=True, env=environment)
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


def main() -> None:
    prompts, responses, tokens = 32, 16, 24
    print(f"A step of {prompts * responses} rollouts of {tokens} tokens, 1.4 M parameters, medians of {REPETITIONS}:")
    runs = [probe(prompts, responses, tokens, WORKER) for _ in range(REPETITIONS)]
    shares = []
    for name in runs[0]:
        seconds = statistics.median(run[name]["seconds"] for run in runs)
        rest = statistics.median(run[name]["seconds"] - run[name]["worker_seconds"] for run in runs)
        size = (runs[0][name]["bytes_out"] + runs[0][name]["bytes_in"]) / 1e3
        print(f"  {name:10} {seconds * 1e3:8.1f} ms, of it protocol {rest * 1e3:6.2f} ms ({100 * rest / seconds:.2f} %), {size:8.1f} kB")
    for run in runs:
        whole = sum(it["seconds"] for it in run.values())
        shares.append(100 * (whole - sum(it["worker_seconds"] for it in run.values())) / whole)
    print(f"  share of the step: {statistics.median(shares):.2f} % ({min(shares):.2f} to {max(shares):.2f})")
    prompts, responses, tokens = 512, 16, 200
    print(f"Log-probabilities of {prompts * responses} rollouts of {tokens} tokens, a worker that answers at once:")
    speeds = []
    for _ in range(REPETITIONS):
        found = probe(prompts, responses, tokens, ECHO)["log-probs"]
        speeds.append((found["bytes_out"] + found["bytes_in"]) / found["seconds"] / 1e6)
    print(f"  {statistics.median(speeds):.0f} MB/s ({min(speeds):.0f} to {max(speeds):.0f}), both directions together")


if __name__ == "__main__":
    main()
