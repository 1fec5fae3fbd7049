# SPDX-License-Identifier: Apache-2.0
"""Measures rollouts, log-probabilities and an update of the bundled policy against transformers on PyTorch.

Same checkpoint, same prompts and responses, same threads, in one run; see README.md.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

from models import RESPONSES, SIZES, make

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from machine import facts, finish, progress, spread  # noqa: E402

PROBE = os.environ.get("POLICY_PROBE", str(HERE.parents[2] / ".build/release/policy-probe"))
PARTS = {"generate": "{responses} responses to each of {prompts} prompts",
         "log_probs": "log-probs of {all} trajectories", "update": "one update with {all} trajectories"}
SHARES = {"prefill": "prompts of rollouts", "decode": "tokens of rollouts", "log_probs": "log-probs",
          "update": "update"}


def run(command: list[str], words: str) -> dict:
    progress(words)
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    options = argparse.ArgumentParser(prog="run", description=__doc__)
    options.add_argument("--repetitions", type=int, default=3)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument(
        "--size", choices=[*SIZES, "smollm2"], action="append",
        help="only this model; may be repeated. smollm2 is what Examples/smollm2/prepare makes")
    options.add_argument("--only", choices=["ours"], help="without transformers: the shares of the limit alone")
    options.add_argument("--json", metavar="FILE", help="write the report there too")
    chosen = options.parse_args()
    report = {"benchmark": "policy", "threads": chosen.threads, "machine": facts(["torch", "transformers"]), "models": {}}
    for size in chosen.size or SIZES:
        folder = HERE.parent / "data" / f"policy-{size}"
        prompts = len(make(size, folder)["prompts"])
        ours, peer = [], []
        for repetition in range(chosen.repetitions):
            place = f"{size}, {repetition + 1} of {chosen.repetitions}"
            if not chosen.only:
                peer.append(
                    run([sys.executable, str(HERE / "peer.py"), str(folder), str(chosen.threads)],
                        f"{place}: transformers"))
            ours.append(run([PROBE, "benchmark", str(folder), str(chosen.threads)], f"{place}: ours"))
        report["models"][size] = summary(ours, peer) | {"prompts": prompts}
        show(size, report["models"][size], chosen)
    finish(report, chosen.json)


def summary(ours: list[dict], peer: list[dict]) -> dict:
    """Seconds of both with their spread, and the shares of the limit in our second round."""
    for other in peer:
        if abs(ours[0]["check"] - other["check"]) > 1e-3:
            sys.exit(f"the first log-probability differs by {abs(ours[0]['check'] - other['check'])}: "
                     "the two do not compute the same")
    found = {
        "instruction_set": ours[0]["instruction_set"],
        "limits": {name: spread([run["limits"][name] for run in ours]) for name in ours[0]["limits"]}, "parts": {},
        "shares": {}}
    if peer:
        found["parameters"] = peer[0]["parameters"]
        found["peer_products"] = spread([run["gflops"] for run in peer])
    for part in PARTS:
        entry = {"tokens": ours[0]["first"][part]["tokens"],
                 "ours": seconds([run["first"][part] for run in ours])}
        if peer:
            entry["peer"] = seconds([run[part] for run in peer])
            entry["ratio"] = entry["peer"]["median"] / entry["ours"]["median"]
            entry["processor_ratio"] = (
                entry["peer"]["processor_seconds"]["median"] / entry["ours"]["processor_seconds"]["median"])
        found["parts"][part] = entry
    for part in SHARES:
        works = [work(run, part) for run in ours]
        threads = ours[0]["threads"]
        found["shares"][part] = {
            "limit": works[0]["limit"],
            "wall_clock": spread([one["limit_seconds"] / one["seconds"] for one in works]),
            "processor_time": spread(
                [one["limit_seconds"] * threads / one["processor_seconds"] for one in works])}
    return found


def seconds(parts: list[dict]) -> dict:
    return spread([part["seconds"] for part in parts]) | {
        "processor_seconds": spread([part["processor_seconds"] for part in parts]),
        "peak_bytes": max(part["rss"] for part in parts)}


def work(run: dict, part: str) -> dict:
    """A part of our second round; decoding is what is left of the rollouts without their prompts."""
    again = run["again"]
    if part != "decode":
        return again[part]
    whole, prompts = again["generate"], again["prefill"]
    rest = {name: whole[name] - prompts[name]
            for name in ("seconds", "processor_seconds", "multiply_adds", "bytes")}
    computing = rest["multiply_adds"] / run["limits"]["multiply_adds_per_second"]
    reading = rest["bytes"] / run["limits"]["bytes_per_second"]
    return rest | {"limit_seconds": max(computing, reading), "limit": "multiply-adds" if computing >= reading else "memory"}


def show(size: str, found: dict, chosen) -> None:
    limits = found["limits"]
    count = limits["bytes_per_second"]["count"]
    print(f"\n{size}: {chosen.threads} threads, {found['instruction_set']}, medians of {count} and their range; at most "
          f"{2 * limits['multiply_adds_per_second']['median'] / 1e9:.0f} GFLOP/s, "
          f"{limits['bytes_per_second']['median'] / 1e9:.0f} GB/s\n")
    if "parameters" in found:
        print(f"{found['parameters'] / 1e6:.2f} M parameters; products in PyTorch: "
              f"{found['peer_products']['median']:.0f} GFLOP/s\n")
        print("| part | transformers, tokens/s | ours, tokens/s | ratio | by processor time | memory, MB: transformers "
              "| ours |")
        print("|---|---|---|---|---|---|---|")
        for part, pattern in PARTS.items():
            words = pattern.format(
                responses=RESPONSES, prompts=found["prompts"], all=RESPONSES * found["prompts"])
            entry = found["parts"][part]
            print(f"| {words} | {rate(entry, 'peer')} | {rate(entry, 'ours')} | {entry['ratio']:.1f} "
                  f"| {entry['processor_ratio']:.1f} "
                  f"| {entry['peer']['peak_bytes'] / 1e6:,.0f} | {entry['ours']['peak_bytes'] / 1e6:,.0f} |")
        print()
    print("| part | what binds | share of the limit, by the clock | by processor time |")
    print("|---|---|---|---|")
    for part, words in SHARES.items():
        share = found["shares"][part]
        print(f"| {words} | {share['limit']} | {percent(share['wall_clock'])} | {percent(share['processor_time'])} |")


def rate(entry: dict, whose: str) -> str:
    values, tokens = entry[whose], entry["tokens"]
    return f"{tokens / values['median']:,.0f} ({tokens / values['most']:,.0f}–{tokens / values['least']:,.0f})"


def percent(values: dict) -> str:
    return f"{values['median']:.0%} ({values['least']:.0%}–{values['most']:.0%})"


if __name__ == "__main__":
    main()
