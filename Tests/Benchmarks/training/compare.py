# SPDX-License-Identifier: Apache-2.0
"""Measures a step of training against TRL's GRPO trainer: same checkpoint, prompts, work and threads, in one run.

See README.md.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

# Nothing large is imported here: where a child's peak memory is asked for, it begins with what its parent has.
from work import LEARNING_RATE, MINIBATCHES, NUMBERS, PROMPTS, RESPONSES, TEMPERATURE, TOKENS

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from machine import facts, finish, progress, spread  # noqa: E402

PROGRAM = os.environ.get("SHUFFLE_R1", str(HERE.parents[2] / ".build/release/shuffle-r1"))
PARTS = {
    "sampling": "sampling, old log-probabilities and images included", "update": "update: 4 optimizer steps",
    "step": "whole step"}


def main() -> None:
    options = argparse.ArgumentParser(prog="run", description=__doc__)
    options.add_argument("--steps", type=int, default=5, help="steps that count; one more goes before (5)")
    options.add_argument("--repetitions", type=int, default=3, help="runs of each program, in turn (3)")
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--only", choices=["ours", "trl"])
    options.add_argument("--json", metavar="FILE", help="write the report there too")
    options.add_argument("peer", nargs="*", help="options of peer.py, after --")
    chosen = options.parse_args()
    folder = HERE.parent / "data/training"
    # In a process of its own, which takes its memory with it.
    subprocess.run(
        [sys.executable, "-c", f"import work, pathlib; work.make(pathlib.Path({str(folder)!r}), {chosen.steps + 1})"],
        cwd=HERE, check=True)
    ours, peer = [], []
    for repetition in range(chosen.repetitions):
        if chosen.only != "ours":
            progress(f"{repetition + 1} of {chosen.repetitions}: TRL")
            peer.append(measure_peer(folder, chosen))
            progress("a step took " + seconds(peer[-1]))
        if chosen.only != "trl":
            progress(f"{repetition + 1} of {chosen.repetitions}: ours")
            ours.append(measure_ours(folder, chosen))
            progress("a step took " + seconds(ours[-1]))
    if ours and peer:
        check_equal_work(ours[0]["facts"], peer[0], chosen.steps + 1)
    show(ours, peer, chosen)
    finish(report(ours, peer, chosen), chosen.json)


def seconds(run: dict) -> str:
    return f"{statistics.median(step['step'] for step in run['steps']):.2f} s"


def report(ours: list[dict], peer: list[dict], chosen) -> dict:
    """The machine, the versions, and every part's median and range."""
    packages = [] if chosen.only == "ours" else ["torch", "transformers", "trl"]
    sides = {name: runs for name, runs in (("trl", peer), ("ours", ours)) if runs}
    return {
        "benchmark": "training", "threads": chosen.threads, "machine": facts(packages),
        "parts": {
            part: {name: spread([step[part] for run in runs for step in run["steps"]]) for name, runs in sides.items()}
            for part in PARTS},
        "peak_bytes": {name: max(run["peak"] for run in runs) for name, runs in sides.items()}}


def measure_peer(folder: Path, chosen) -> dict:
    command = [sys.executable, str(HERE / "peer.py"), str(folder), str(chosen.threads), str(chosen.steps), *chosen.peer]
    output, peak = run(command)
    return json.loads(output.splitlines()[-1]) | {"peak": peak}


def measure_ours(folder: Path, chosen) -> dict:
    """Times and peak memory, and from its metrics and its last checkpoint what the run did."""
    with tempfile.TemporaryDirectory() as scratch:
        spec, target = Path(scratch) / "pipeline.json", Path(scratch) / "run"
        spec.write_text(json.dumps(pipeline(folder, chosen.steps + 1)))
        _, peak = run([PROGRAM, "run", str(spec), "--output", str(target), "--threads", str(chosen.threads)])
        times, metrics = (
            [json.loads(line) for line in (target / name).read_text().splitlines()]
            for name in ("timings.jsonl", "metrics.jsonl"))
        before = tensors(folder / "model/model.safetensors")
        after = tensors(next((target / "checkpoints").glob("*/model.safetensors")))
    names = {"sampling": "timing_s/rollout", "update": "timing_s/update", "step": "timing_s/step"}

    def lengths(of: str) -> list[int]:
        return sorted({int(line[f"{of}_length/{which}"]) for line in metrics for which in ("min", "max")})

    return {
        "steps": [{part: line[name] for part, name in names.items()} for line in times[1:]], "peak": peak,
        "facts": {
            "rollouts": int(metrics[0]["data/trained_distinct"]), "prompt_tokens": lengths("prompt"),
            "response_tokens": lengths("response"), "updates": int(metrics[-1]["actor/optimizer_steps"]),
            "parameters": sum(len(values) // 4 for values in before.values()),
            "trainable": sum(len(values) // 4 for name, values in before.items() if after[name] != values),
            "reward_varies": all(0 < line["reward/overall"] < 1 for line in metrics)}}


def tensors(path: Path) -> dict[str, bytes]:
    """The bytes of every tensor of a safetensors file of single-precision numbers."""
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header.pop("__metadata__", None)
    wrong = [name for name, tensor in header.items() if tensor["dtype"] != "F32"]
    if wrong:
        sys.exit(f"{path}: {wrong[0]} is not in single precision")
    return {
        name: content[start + tensor["data_offsets"][0]:start + tensor["data_offsets"][1]]
        for name, tensor in header.items()}


def pipeline(folder: Path, steps: int) -> dict:
    """Our side's spec: what the peer does, GRPO without selection."""
    return {
        "seed": 1,
        "policy": {"use": "bundled", "with": {"model": str(folder / "model")}},
        "source": {
            "prompts": str(folder / "prompts.jsonl"), "format": "shuffle-r1", "provides": ["answer"],
            "batch": {"groups": PROMPTS}},
        "stages": [
            {"use": "rollout", "with": {
                "n": RESPONSES,
                "sampling": {"temperature": TEMPERATURE, "min_tokens": TOKENS, "max_tokens": TOKENS}}},
            {"use": "reward", "with": {"functions": [
                {"use": "numeric", "with": {
                    "extract": "none", "absolute_tolerance": NUMBERS // 4, "relative_tolerance": 0}}]}},
            {"use": "advantage", "with": {"estimator": "grpo"}},
            {"use": "update", "with": {
                "loss": "clip", "minibatches": MINIBATCHES, "learning_rate": {"rate": LEARNING_RATE}}},
        ],
        "training": {"steps": steps},
    }


def run(command: list[str]) -> tuple[str, int]:
    """What a program prints, and its peak memory in bytes."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        child = subprocess.Popen(command, stdout=output, stderr=errors, text=True)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if child.returncode != 0:
            sys.exit(f"{' '.join(command)} ended with {child.returncode}:\n{errors.read()[-3000:]}")
        return output.read(), usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def check_equal_work(ours: dict, peer: dict, steps: int) -> None:
    """Stops where the two did not do the same work; says what they did."""
    differences = [f"{name}: {ours[name]} here, {peer[name]} in TRL" for name in ours if ours[name] != peer[name]]
    if differences or not ours["reward_varies"]:
        sys.exit("the two did not do the same work: " + ("; ".join(differences) or "the reward never varies"))
    print(
        f"Both: {ours['rollouts']} rollouts a step to {PROMPTS} prompts of {ours['prompt_tokens'][0]} tokens, "
        f"{ours['response_tokens'][0]} tokens each; {ours['updates'] // steps} optimizer steps; "
        f"{ours['trainable']:,} of {ours['parameters']:,} parameters trained; rewards vary.")


def show(ours: list[dict], peer: list[dict], chosen) -> None:
    """The table: medians over all counted steps of all runs, and their range."""
    def cell(runs: list[dict], part: str) -> str:
        if not runs:
            return "–"
        values = [step[part] for run in runs for step in run["steps"]]
        return f"{statistics.median(values):.3f} ({min(values):.3f}–{max(values):.3f})"

    def ratio(theirs: float, mine: float) -> str:
        return f"{theirs / mine:.1f}"

    count = chosen.steps * chosen.repetitions
    print(f"\n{chosen.threads} threads; seconds, medians of {count} steps and their range; TRL "
          f"{peer[0]['trl'] if peer else '–'}\n")
    print("| part | TRL | ours | ratio |")
    print("|---|---|---|---|")
    for part, words in PARTS.items():
        both = [statistics.median(step[part] for run in runs for step in run["steps"]) for runs in (peer, ours) if runs]
        print(f"| {words} | {cell(peer, part)} | {cell(ours, part)} | {ratio(*both) if len(both) == 2 else '–'} |")
    peaks = [max(run["peak"] for run in runs) / 1e6 for runs in (peer, ours) if runs]
    columns = [f"{value:,.0f}" for value in peaks] if len(peaks) == 2 else (
        [f"{peaks[0]:,.0f}", "–"] if peer else ["–", f"{peaks[0]:,.0f}"])
    print(f"| peak memory, MB | {columns[0]} | {columns[1]} | {ratio(*peaks) if len(peaks) == 2 else '–'} |")
    if peer:
        inside = {name: statistics.median(step[name] for run in peer for step in run["steps"])
                  for name in ("generate", "old_log_probs", "forward")}
        print(
            f"\nTRL's sampling: {inside['generate']:.3f} s generation, {inside['old_log_probs']:.3f} s old "
            f"log-probabilities, the rest images and texts. Its update: {inside['forward']:.3f} s forward.")


if __name__ == "__main__":
    main()
