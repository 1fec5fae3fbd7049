#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lets short runs fail at every call that writes, and looks whether they can be resumed to the same bytes.

usage: campaign.py [--minutes N] [--seed N] [--jobs N] [--only KIND,…] [--keep DIR] PROGRAM

A run is done once undisturbed, with all calls that write below its folder numbered (`faults.c`, preloaded): each write,
fsync, rename, unlink, mkdir, symlink, ftruncate and each open that makes a file. Then, for each of them:

  kill     SIGKILL before the call, and for a write in the middle of it
  EIO, ENOSPC, EINTR, short
           the call fails, the disk stays full, the call is interrupted, half of a write is done
  power    the power goes: from a record of all calls, what a disk would hold is made in three ways (`power.py`)

After a kill the run must go on with --resume to the bytes of the undisturbed one. After an error it must have ended with
status 1 and one sentence, or have come to its end; then the same holds. After a power cut it must go on to the same bytes,
or refuse with a sentence that says why; refusals are counted. Cases are taken in a random order until the time is up.
"""

import argparse
import collections
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE))
import kill_test  # noqa: E402
import power  # noqa: E402

ERRORS = ["EIO", "ENOSPC", "EINTR", "short"]
STATEFUL = """
import json, sys
count = 0
for line in sys.stdin:
    item = json.loads(line)
    if "state" in item:
        count = item["state"]["count"]
        continue
    count += 1
    if item["batch_left"] == 0:
        print(json.dumps({"state": {"count": count}}), flush=True)
    print(json.dumps({"id": item["id"], "set": {"number": count}}), flush=True)
"""


class Scenario:
    """A run that cases are made of."""

    def __init__(self, name: str, spec: str, existing: str = "--resume", before: str = ""):
        self.name, self.spec, self.existing, self.before = name, spec, existing, before

    def command(self, program: Path, existing: str) -> list:
        command = [str(program), "run", self.spec, "--quiet", "--trust", "--threads", "1", "--output", "run"]
        return command + ([existing] if existing else [])


def prepare(folder: Path) -> list:
    """Lays out the inputs, and returns the scenarios."""
    kill_test.prepare(folder)
    records = [
        {"id": f"g{group}/{index}", "group": f"g{group}", "prompt": "p", "response": "r" * (index + 1),
         "reward": [1, 0, 0, 0.5][index * (group + 1) % 4]}
        for group in range(6) for index in range(4)]
    lines = [json.dumps(record) for record in records]
    (folder / "scored.jsonl").write_text("\n".join(lines[:9] + ["no record"] + lines[9:]) + "\n")
    source = {"rollouts": "scored.jsonl", "provides": ["reward"], "batch": {"groups": 2}}
    stages = ["advantage", {"use": "tap", "name": "before"}, "pairwise-sample", "shuffle"]
    (folder / "replay.json").write_text(
        json.dumps({"source": source, "stages": stages, "output": {"tensorboard": "on"}}))
    (folder / "count.py").write_text(STATEFUL)
    process = {"use": "process", "with": {"command": ["python3", "count.py"], "writes": ["number"], "state": "saved"}}
    (folder / "state.json5").write_text(json.dumps({"source": source, "stages": [process, "advantage"]}))
    training = json.loads(
        "\n".join(line for line in (folder / "train.json").read_text().splitlines() if not line.strip().startswith("//")))
    training["training"]["steps"] = 4
    training["training"]["checkpoints"] = {"every": 1, "keep": 2}
    training["training"]["evaluation"]["every"] = 2
    (folder / "short.json").write_text(json.dumps(training))
    return [
        Scenario("replay", "replay.json"),
        Scenario("training", "short.json"),
        Scenario("state", "state.json5"),
        Scenario("replaced", "replay.json", "--overwrite", before="replay.json"),
        Scenario("trained anew", "short.json", "--overwrite", before="short.json"),
        Scenario("resumed", "short.json", "--resume", before="killed"),
    ]


class Campaign:
    def __init__(self, program: Path, folder: Path, seed: int):
        self.program, self.folder, self.seed = program, folder, seed
        self.library = folder / "faults.so"
        compiler = shutil.which("clang") or shutil.which("gcc") or "cc"
        subprocess.run(
            [compiler, "-std=gnu17", "-O1", "-shared", "-fPIC", "-o", self.library, HERE / "faults.c", "-ldl"], check=True)
        self.lock = threading.Lock()
        self.done, self.ended = collections.Counter(), collections.Counter()
        self.refusals, self.findings = collections.Counter(), []
        self.seconds = 0.0

    def start(self, place: Path, scenario: Scenario, existing: str, **faults) -> subprocess.CompletedProcess:
        environment = dict(os.environ)
        environment.pop("LD_PRELOAD", None)
        if faults:
            environment["LD_PRELOAD"] = str(self.library)
            environment["CAMPAIGN_ROOT"] = str(place / "run")
            environment |= {f"CAMPAIGN_{name.upper()}": str(value) for name, value in faults.items()}
        return subprocess.run(
            scenario.command(self.program, existing), cwd=place, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=300)

    def place(self, name: str) -> Path:
        """A folder with the inputs, which all cases share, and a run's folder that is empty."""
        place = self.folder / name
        place.mkdir()
        for entry in (self.folder / "inputs").iterdir():
            shutil.copytree(entry, place / entry.name) if entry.is_dir() else shutil.copy(entry, place)
        (place / "run").mkdir()
        return place

    def set_up(self, scenario: Scenario) -> None:
        """Does the run undisturbed: what it gives, and the calls that it makes."""
        place = self.place(f"whole-{scenario.name}")
        scenario.start = None
        if scenario.before:
            spec = Scenario("", scenario.spec)
            if scenario.before == "killed":
                # In the middle of it, by a count of its own.
                log = place / "log"
                log.touch()
                self.check(self.start(place, spec, "", log=log), scenario)
                calls = len(log.read_text().splitlines())
                shutil.rmtree(place / "run")
                (place / "run").mkdir()
                self.start(place, spec, "", at=calls // 2, do="before")
            else:
                self.check(self.start(place, spec, ""), scenario)
            scenario.start = place / "start"
            shutil.copytree(place / "run", scenario.start, symlinks=True)
        (place / "calls").touch()
        self.check(
            self.start(place, scenario, self.first(scenario), log=place / "calls", record=place / "record"), scenario)
        scenario.calls = (place / "calls").read_text().splitlines()
        scenario.record = power.read(place / "record")
        scenario.root = place / "run"
        scenario.expected = kill_test.contents(place / "run")

    @staticmethod
    def check(outcome: subprocess.CompletedProcess, scenario: Scenario) -> None:
        if outcome.returncode != 0:
            sys.exit(f"campaign: the undisturbed run '{scenario.name}' failed: {outcome.stderr}")

    @staticmethod
    def first(scenario: Scenario) -> str:
        return scenario.existing if scenario.before else ""

    def case(self, scenario: Scenario, kind: str, at: int, number: int) -> None:
        place = self.place(f"case-{number}")
        try:
            if scenario.start:
                shutil.rmtree(place / "run")
                shutil.copytree(scenario.start, place / "run", symlinks=True)
            trouble = self.cut(place, scenario, kind, at) if kind.startswith("power") else self.disturb(
                place, scenario, kind, at)
            trouble = trouble or self.resume(place, scenario, kind)
        except subprocess.TimeoutExpired:
            trouble = "it hung"
        with self.lock:
            self.done[scenario.name, kind.split(" ")[0]] += 1
            if trouble:
                call = scenario.calls[at - 1] if at <= len(scenario.calls) else "the end"
                self.findings.append(f"{scenario.name}, {kind} at call {at} ({call}): {trouble}")
                print(self.findings[-1], flush=True)
        if trouble:
            return
        shutil.rmtree(place)

    def disturb(self, place: Path, scenario: Scenario, kind: str, at: int) -> str:
        faults = {"at": at, "do": kind.removeprefix("kill ")}
        if kind == "ENOSPC":
            faults["rest"] = "yes"
        outcome = self.start(place, scenario, self.first(scenario), **faults)
        with self.lock:
            self.ended[kind.split(" ")[0], outcome.returncode] += 1
        if kind.startswith("kill"):
            return "" if outcome.returncode == -9 else f"it was not killed, status {outcome.returncode}: {outcome.stderr}"
        if outcome.returncode not in (0, 1):
            return f"it ended with status {outcome.returncode}: {outcome.stderr}"
        if kind in ("EINTR", "short") and outcome.returncode != 0:
            return f"it did not go on: {outcome.stderr}"
        said = [line for line in outcome.stderr.splitlines() if not re.match(r"\d+ complete steps? (is|are) in ", line)]
        if outcome.returncode == 1 and (len(said) != 1 or not said[0].startswith("shuffle-r1: error: ")):
            return f"it did not say what is wrong in one sentence: {outcome.stderr!r}"
        return ""

    def cut(self, place: Path, scenario: Scenario, kind: str, at: int) -> str:
        was = power.existing(scenario.start) if scenario.start else power.Folder()
        disk = power.Disk(scenario.root, was)
        for call in scenario.record[:at]:
            disk.do(*call)
        shutil.rmtree(place / "run")
        disk.cut(place / "run", kind.split(" ")[1], random.Random(f"{self.seed}/{scenario.name}/{kind}/{at}"))
        return ""

    def resume(self, place: Path, scenario: Scenario, kind: str) -> str:
        existing = scenario.existing
        if existing == "--overwrite" and not kind.startswith("power"):
            # Killed while it replaced a run, it is replaced again.
            existing = "--overwrite"
        outcome = self.start(place, scenario, existing)
        if outcome.returncode == 1 and kind.startswith("power") and outcome.stderr.startswith("shuffle-r1: error: "):
            with self.lock:
                reason = outcome.stderr.replace(str(place), "").split("run/", 1)[-1].strip()
                self.refusals[f"{scenario.name}: {reason[:150]}"] += 1
            return ""
        if outcome.returncode != 0:
            return f"it could not be continued (status {outcome.returncode}): {outcome.stderr}"
        differences = kill_test.compare(scenario.expected, place / "run")
        return "it ended otherwise: " + ", ".join(differences[:5]) if differences else ""


def cases(scenarios: list, only: set, seed: int) -> list:
    found = []
    for scenario in scenarios:
        for at in range(1, len(scenario.calls) + 1):
            kinds = ["kill before"] + ERRORS
            if scenario.calls[at - 1].startswith("write"):
                kinds.append("kill half")
            found += [(scenario, kind, at) for kind in kinds]
        for at in range(len(scenario.record) + 1):
            found += [(scenario, f"power {how}", at) for how in ("strict", "names", "mixed")]
    if only:
        found = [case for case in found if case[1] in only or case[1].split(" ")[0] in only or case[0].name in only]
    random.Random(seed).shuffle(found)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=Path)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="")
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    began = time.monotonic()
    folder = (options.keep or Path(tempfile.mkdtemp(prefix="campaign-"))).resolve()
    (folder / "inputs").mkdir(parents=True)
    campaign = Campaign(options.program.resolve(), folder, options.seed)
    scenarios = prepare(folder / "inputs")
    for scenario in scenarios:
        campaign.set_up(scenario)
        print(f"  {scenario.name}: {len(scenario.calls)} calls that write", flush=True)
    todo = cases(scenarios, set(filter(None, options.only.split(","))), options.seed)
    total = len(todo)
    counter = iter(range(total))

    def work() -> None:
        while time.monotonic() < began + options.minutes * 60 and len(campaign.findings) < 40:
            with campaign.lock:
                number = next(counter, None)
            if number is None:
                return
            campaign.case(*todo[number], number)

    with ThreadPoolExecutor(options.jobs) as pool:
        for future in [pool.submit(work) for _ in range(options.jobs)]:
            future.result()

    done = sum(campaign.done.values())
    print(f"{done} of {total} cases in {time.monotonic() - began:.0f} s")
    for kind in ["kill", *ERRORS, "power"]:
        each = {name: count for (name, this), count in campaign.done.items() if this == kind}
        ends = {status: count for (this, status), count in campaign.ended.items() if this == kind}
        if each:
            said = ", ".join(f"{name} {count}" for name, count in sorted(each.items()))
            print(f"  {kind:7} {sum(each.values()):5}: {said}" + (f"; by status {ends}" if ends else ""))
    print(f"  refused after a power cut: {sum(campaign.refusals.values())}")
    for reason, count in campaign.refusals.most_common(12):
        print(f"    {count:4} {reason}")
    print(f"  found: {len(campaign.findings)}")
    if not options.keep and not campaign.findings:
        shutil.rmtree(folder)
    else:
        print(f"  what was found is in {folder}")
    if campaign.findings or done == 0:
        sys.exit(1)


if __name__ == "__main__":
    main()
