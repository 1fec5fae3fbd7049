# SPDX-License-Identifier: Apache-2.0
"""Measures rollouts, log-probabilities and an update of the bundled policy against transformers on PyTorch.

Same checkpoint, same prompts and responses, same threads, in one run; see README.md.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

from models import RESPONSES, SIZES, make

HERE = Path(__file__).resolve().parent
PROBE = HERE.parents[2] / ".build/release/policy-probe"
PARTS = {"generate": "{responses} responses to each of {prompts} prompts", "log_probs": "log-probs of {all} trajectories",
         "update": "one update with {all} trajectories"}


def run(command: list[str]) -> dict:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    options = argparse.ArgumentParser(prog="run", description=__doc__)
    options.add_argument("--repetitions", type=int, default=3)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument(
        "--size", choices=[*SIZES, "smollm2"], action="append", help="only this model; may be repeated")
    chosen = options.parse_args()
    figures = {}
    for size in chosen.size or SIZES:
        folder = HERE.parent / "data" / f"policy-{size}"
        prompts = len(make(size, folder)["prompts"])
        ours, peer = [], []
        for repetition in range(1, chosen.repetitions + 1):
            progress(f"{size}, {repetition} of {chosen.repetitions}: transformers")
            peer.append(run([sys.executable, str(HERE / "peer.py"), str(folder), str(chosen.threads)]))
            progress(f"{size}, {repetition} of {chosen.repetitions}: the bundled policy")
            ours.append(run([str(PROBE), "benchmark", str(folder), str(chosen.threads)]))
        progress("")
        show(size, prompts, ours, peer, chosen.threads)
        figures[size] = {"bundled": ours, "transformers": peer}
    print()
    print(json.dumps({"machine": machine(), "threads": chosen.threads, "runs": figures}))


def progress(words: str) -> None:
    """One line that the next one replaces, on a terminal; a line each elsewhere."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{words}")
    elif words:
        sys.stderr.write(words + "\n")
    sys.stderr.flush()


def machine() -> dict:
    """The processor that the figures belong to, and how busy it was at the end."""
    facts = {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count(), "load": os.getloadavg()[0]}
    cpus = Path("/proc/cpuinfo")
    if cpus.exists():
        named = [line for line in cpus.read_text().splitlines() if line.startswith("model name")]
        facts["processor"] = named[0].split(":")[1].strip() if named else facts["processor"]
    return facts


def show(size: str, prompts: int, ours: list[dict], peer: list[dict], threads: int) -> None:
    difference = abs(ours[0]["check"] - peer[0]["check"])
    if difference > 1e-3:
        sys.exit(f"the first log-probability differs by {difference}: the two do not compute the same")
    print(f"\n{size}: {peer[0]['parameters'] / 1e6:.2f} M parameters, {threads} threads, medians of {len(ours)}; "
          f"matrix products alone: {statistics.median(o['gflops'] for o in ours):.0f} GFLOP/s here, "
          f"{statistics.median(p['gflops'] for p in peer):.0f} in PyTorch\n")
    print("| part | transformers, tokens/s | ours, tokens/s | ratio | share of the peak | memory, MB: transformers | ours |")
    print("|---|---|---|---|---|---|---|")
    for part, pattern in PARTS.items():
        words = pattern.format(responses=RESPONSES, prompts=prompts, all=RESPONSES * prompts)
        theirs = statistics.median(p[part]["seconds"] for p in peer)
        mine = statistics.median(o[part]["seconds"] for o in ours)
        tokens = ours[0][part]["tokens"]
        share = statistics.median(o[part]["flops"] / o[part]["seconds"] / 1e9 / o["gflops"] for o in ours)
        print(
            f"| {words} | {tokens / theirs:,.0f} | {tokens / mine:,.0f} | {theirs / mine:.1f} | {share:.0%} "
            f"| {max(p[part]['rss'] for p in peer) / 1e6:,.0f} | {max(o[part]['rss'] for o in ours) / 1e6:,.0f} |")


if __name__ == "__main__":
    main()
