# SPDX-License-Identifier: Apache-2.0
"""Compares layouts of the same responses: the worker's three, TRL's and EasyR1's. README.md says what is measured."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from machine import REPOSITORY, facts, finish, progress, spread  # noqa: E402
from work import ROWS, Work  # noqa: E402

MODEL = REPOSITORY / "Examples/smollm2/work/model"
NAMES = {
    "padded": "worker, padded", "shared": "worker, shared prompts", "packed": "worker, packed", "trl": "TRL, GRPOTrainer",
    "easyr1": "EasyR1, padding_free"}
BOUNDS = {"log_probs": 2e-3, "gradient": 1e-3}
"""More than rounding: the comparison stops."""


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    for field in fields(Work):
        if field.name != "vocabulary":
            parser.add_argument(f"--{field.name.replace('_', '-')}", type=int, default=field.default)
    parser.add_argument("--model", default=str(MODEL), help="the folder of a causal language model (SmolLM2-135M-Instruct)")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="*", choices=NAMES, help="contenders; padded is always among them")
    parser.add_argument("--easyr1", default="", help="a clone of github.com/hiyouga/EasyR1")
    parser.add_argument("--json", help="a file for the report")
    return parser.parse_args()


def turn(name: str, given: argparse.Namespace, work: Work, folder: str) -> dict:
    """One process."""
    target = Path(folder) / f"{name}.npy"
    more = json.dumps({"work": asdict(work), "easyr1": given.easyr1})
    # Threads that wait use no processor: other work on the machine would pay for it, and processor time would count it.
    environment = dict(
        os.environ, HF_HUB_OFFLINE="1", OMP_NUM_THREADS=str(given.threads), OMP_WAIT_POLICY="PASSIVE",
        TRANSFORMERS_VERBOSITY="error")
    command = [sys.executable, str(HERE / "contender.py"), name, given.model, str(given.threads), more, str(target)]
    found = subprocess.run(command, capture_output=True, text=True, env=environment)
    if found.returncode != 0:
        raise SystemExit(f"packing: {NAMES[name]} failed:\n{found.stderr[-3000:]}")
    return json.loads(found.stdout.splitlines()[-1]) | {"log_probs": np.load(target)}


def checked(name: str, found: dict, first: dict) -> dict:
    """How far a contender's numbers are from those of the padded worker."""
    log_probs = float(np.abs(found["log_probs"] - first["log_probs"]).max())
    gradient = abs(found["gradient_norm"] / first["gradient_norm"] - 1)
    for what, value in (("log_probs", log_probs), ("gradient", gradient)):
        if not value <= BOUNDS[what]:
            raise SystemExit(f"packing: {NAMES[name]} computes something else: its {what} are {value:.2g} apart")
    return {"log_probs_apart": log_probs, "gradient_norm_apart": gradient}


def main() -> None:
    given = options()
    if not (Path(given.model) / "config.json").exists():
        raise SystemExit(f"packing: there is no model in {given.model}; make it with Examples/smollm2/prepare")
    vocabulary = json.loads((Path(given.model) / "config.json").read_text())["vocab_size"]
    work = Work(**{it.name: getattr(given, it.name) for it in fields(Work) if it.name != "vocabulary"}, vocabulary=vocabulary)
    wanted = ["padded", *(it for it in given.only or NAMES if it != "padded")]
    names = [it for it in wanted if it != "easyr1" or given.easyr1]
    size = work.facts()
    packages = ["torch", "transformers", *(["trl"] if "trl" in names else [])]
    report = {"benchmark": "packing", "machine": facts(packages), "threads": given.threads, "rows": ROWS, "work": size}
    if "easyr1" in names:
        revision = subprocess.run(["git", "-C", given.easyr1, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
        report["machine"]["versions"]["easyr1"] = revision.stdout.strip()
    turns: dict[str, list[dict]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        for repetition in range(given.repetitions):
            # They take turns, so that what else the machine does falls on all of them.
            for name in names:
                turns[name].append(turn(name, given, work, folder))
                progress(
                    f"{repetition + 1} of {given.repetitions}, {NAMES[name]}: {turns[name][-1]['seconds']:.1f} s, "
                    f"{turns[name][-1]['processor_seconds']:.1f} s of processor time")
            report["contenders"] = {name: figures(name, found, turns["padded"], size) for name, found in turns.items()}
            table(report["contenders"])
            if given.json:
                # What there is so far stays if the rest is interrupted.
                Path(given.json).write_text(json.dumps(report) + "\n")
    finish(report, given.json)


def figures(name: str, found: list[dict], padded: list[dict], size: dict) -> dict:
    """What the turns of a contender come to."""
    seconds, processor = (spread([it[kind] for it in found]) for kind in ("seconds", "processor_seconds"))
    base = spread([it["processor_seconds"] for it in padded])["median"]
    return {
        "seconds": seconds, "processor_seconds": processor,
        "response_tokens_per_second": size["response_tokens"] / seconds["median"],
        "tokens_computed": found[0]["tokens_computed"], "padding": found[0]["of_them_padding"] / found[0]["tokens_computed"],
        "peak_bytes": spread([it["peak_bytes"] for it in found]), "times_padded": base / processor["median"],
    } | checked(name, found[0], padded[0])


def table(contenders: dict[str, dict]) -> None:
    """Prints medians; ratios are those of processor time."""
    titles = f"{'seconds':>9}{'processor':>11}{'tokens/s':>10}{'padding':>9}{'peak GB':>9}{'times padded':>14}{'log-probs':>11}{'gradient':>10}"
    print(f"{'':26}{titles}")
    for name, it in contenders.items():
        print(
            f"{NAMES[name]:26}{it['seconds']['median']:9.1f}{it['processor_seconds']['median']:11.1f}"
            f"{it['response_tokens_per_second']:10.0f}{it['padding']:9.0%}{it['peak_bytes']['median'] / 1e9:9.2f}"
            f"{it['times_padded']:14.2f}{it['log_probs_apart']:11.0e}{it['gradient_norm_apart']:10.0e}", flush=True)


if __name__ == "__main__":
    main()
