#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills a short training run at random moments, resumes it, and compares with the same run undisturbed.

usage: kill_test.py [--kills N] [--seed N] [--keep DIR] PROGRAM

The run is that of PipelineCommandTests/Fixtures/training: rollouts of prompts with images, a filter that asks for more
prompts, pairs, the shuffle, an adaptive KL coefficient against the reference, evaluations, taps, TensorBoard, and a
checkpoint every two steps. Most runs are killed with SIGKILL, some are asked to stop with SIGINT, SIGTERM, SIGHUP or
SIGUSR1, many of them more than once, and each part has another number of threads. A kill counts where the run died of it,
or ended as it was asked to; a test whose kills fell nowhere but before the run began fails. When a run has come to its end, every file must be as if
nothing had happened: byte for byte, the clock's figures aside. Prints how many kills fell into which phase.
"""

import argparse
import collections
import json
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
FIXTURES = HERE / "PipelineCommandTests/Fixtures"
CLOCKED = {"timings.jsonl", "tensorboard/events.out.tfevents.0.shuffle-r1"}
SAVING, STATE, ANYTIME = "saving", "state", "anytime"
ENDED = {
    signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 128 + signal.SIGHUP, signal.SIGUSR1: 128 + signal.SIGUSR1}


def prepare(folder: Path) -> None:
    """Lays the run's inputs out: a spec, prompts, images and a model."""
    shutil.copytree(FIXTURES / "training", folder, dirs_exist_ok=True)
    shutil.copytree(FIXTURES / "model", folder / "model")
    shutil.copy(FIXTURES / "image.png", folder)


def start(program: Path, folder: Path, name: str, threads: int, resume: bool) -> subprocess.Popen:
    command = [program, "run", "train.json", "--quiet", "--threads", str(threads), "--output", name]
    return subprocess.Popen(
        command + (["--resume"] if resume else []), cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True)


def saved_state(run: Path) -> dict:
    path = run / "state.json"
    return json.loads(path.read_text()) if path.exists() else {}


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def phase(run: Path) -> str:
    """What a run was about when it was killed, as far as its files tell."""
    state = saved_state(run)
    if not (run / "resolved.json").exists():
        return "before it began"
    if not state:
        return "opening the model"
    if state.get("finished"):
        return "after its end"
    folder = run / "checkpoints"
    names = {path.name for path in folder.iterdir()} if folder.exists() else set()
    if any(name.startswith(".step-") for name in names):
        return "writing a checkpoint"
    record = state.get("training", {}).get("checkpoints", {})
    known = {*record.get("kept", []), record.get("latest"), record.get("best")}
    if any(name.startswith("step-") and name not in known for name in names):
        return "a checkpoint written, or an older one being removed"
    if any(path.name.startswith(".state.json") for path in run.iterdir()):
        return "writing the state"
    steps = lines(run / "metrics.jsonl")
    if steps > state.get("complete_steps", 0):
        return "in a step after steps that no checkpoint holds"
    return "in the first step" if steps == 0 else "in the step after a checkpoint"


def wait_until(process: subprocess.Popen, deadline: float, holds) -> None:
    while time.monotonic() < deadline and process.poll() is None and not holds():
        time.sleep(0.0005)


def disturb(process: subprocess.Popen, run: Path, seconds: float, random_: random.Random) -> tuple:
    """Waits for a random moment and sends a signal; says which, or None where the run was faster."""
    aim = random_.choices([ANYTIME, SAVING, STATE], [7, 2, 1])[0]
    number = random_.choices([signal.SIGKILL, *ENDED], [12, 1, 1, 1, 1])[0]
    began = time.monotonic()
    wait_until(process, began + random_.uniform(0, 1.1 * seconds), lambda: False)
    if aim == SAVING:
        folder = run / "checkpoints"
        wait_until(
            process, began + 3 * seconds,
            lambda: folder.exists() and any(path.name.startswith(".step-") for path in folder.iterdir()))
        time.sleep(random_.uniform(0, 0.003))
    elif aim == STATE:
        path = run / "state.json"

        def stamp():
            try:
                return path.stat().st_ino
            except FileNotFoundError:
                return None

        before = stamp()
        wait_until(process, began + 3 * seconds, lambda: stamp() != before)
        time.sleep(random_.uniform(0, 0.003))
    if process.poll() is not None:
        return None, ""
    process.send_signal(number)
    errors = process.communicate()[1]
    # It may have come to its end between the look and the signal.
    struck = process.returncode in ((-number,) if number == signal.SIGKILL else (-number, ENDED[number]))
    if not struck and process.returncode != 0:
        sys.exit(f"kill test: {signal.Signals(number).name} ended a run with status {process.returncode}: {errors}")
    return (number if struck else None), errors


def check_stop(number: int, status: int, before: int, run: Path) -> None:
    """A run that is asked to stop finishes its step and saves it.

    `before` is how many lines of metrics there were when it started: as long as it has not begun, it leaves them alone.
    """
    if status == -number:
        return  # It had not yet begun to listen.
    state = saved_state(run)
    found = lines(run / "metrics.jsonl")
    if state and found not in (before, state.get("complete_steps")):
        sys.exit(f"kill test: a run that was asked to stop in {run} did not save its last complete step")


def events(data: bytes) -> list:
    """The records of an event file without time of day: for scalars, all but timings' values."""
    found, position = [], 0
    while position < len(data):
        (length,) = struct.unpack_from("<Q", data, position)
        record = data[position + 12 : position + 12 + length]
        position += 16 + length
        # Field 1 of an event is the time of day, a double.
        assert record[0] == 9
        record = record[9:]
        found.append(len(record) if b"timing_s/" in record else record)
    return found


def contents(run: Path) -> dict:
    """Every file of a run by its name: what must be the same whenever the same run is done."""
    found = {}
    for path in sorted(run.rglob("*")):
        name = str(path.relative_to(run))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif name == "state.json":
            state = json.loads(path.read_text())
            # Files with the clock's figures have other bytes, and one of them another length, in each run.
            state["offsets"].pop("timings.jsonl")
            state["sha256"] = {key: value for key, value in state["sha256"].items() if key not in CLOCKED}
            del state["checksum"]
            found[name] = state
        elif "tfevents" in name:
            found[name] = events(path.read_bytes())
        elif path.is_dir():
            found[name] = "folder"
        elif name != "timings.jsonl":
            found[name] = path.read_bytes()
    return found


def compare(expected: dict, run: Path) -> list:
    found = contents(run)
    return [f"{name} is missing" for name in expected.keys() - found.keys()] + [
        f"{name} is too many" if name not in expected else f"{name} differs"
        for name in found
        if name not in expected or found[name] != expected[name]
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=Path)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for the runs, which stay there")
    options = parser.parse_args()
    program = options.program.resolve()
    random_ = random.Random(options.seed)
    scratch = options.keep or Path(tempfile.mkdtemp(prefix="kill-test-"))
    prepare(scratch)

    began = time.monotonic()
    process = start(program, scratch, "whole", 1, resume=False)
    errors = process.communicate()[1]
    if process.returncode != 0:
        sys.exit(f"kill test: the undisturbed run failed: {errors}")
    seconds = time.monotonic() - began
    expected = contents(scratch / "whole")
    phases, signals = collections.Counter(), collections.Counter()
    runs = most = 0
    while sum(signals.values()) < options.kills:
        run = scratch / f"run-{runs}"
        runs += 1
        kills = 0
        wanted = random_.choice([1, 1, 2, 3, 5])
        for attempt in range(1000):
            before = lines(run / "metrics.jsonl")
            process = start(program, scratch, run.name, random_.choice([1, 2]), resume=attempt > 0)
            if kills < wanted:
                # Later parts of a run are shorter: what is done is not done again.
                number, errors = disturb(process, run, seconds / (1 + 0.5 * kills), random_)
                if number is not None:
                    kills += 1
                    signals[signal.Signals(number).name] += 1
                    phases[phase(run)] += 1
                    if number != signal.SIGKILL:
                        check_stop(number, process.returncode, before, run)
                    continue
            if not process.stderr.closed:  # It is where the run came to its end before the signal did.
                errors = process.communicate()[1]
            if process.returncode != 0:
                sys.exit(f"kill test: {run.name} could not be continued (status {process.returncode}): {errors}")
            break
        most = max(most, kills)
        differences = compare(expected, run)
        if differences:
            print("\n".join(differences), file=sys.stderr)
            sys.exit(f"kill test: {run.name} of seed {options.seed} ended otherwise than the undisturbed run, see above")
        if not options.keep:
            shutil.rmtree(run)
    early = phases["before it began"] + phases["opening the model"] + phases["after its end"]
    if sum(phases.values()) < options.kills or early > options.kills // 2:
        sys.exit(f"kill test: of {options.kills} kills, {early} did not strike a run at work: {dict(phases)}")
    steps = lines(scratch / "whole/metrics.jsonl")
    print(f"{sum(signals.values())} kills in {runs} runs of {steps} steps and {seconds:.1f} s each, up to {most} in one run:")
    for name, count in phases.most_common():
        print(f"  {count:4} {name}")
    print("  by " + ", ".join(f"{name} {count}" for name, count in signals.most_common()))
    print(f"every run ended with the bytes of the undisturbed one: {len(expected)} files, folders and links")
    if not options.keep:
        shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
