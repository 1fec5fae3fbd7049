#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the peer and our program on the same rollouts, checks that they agree, and prints what each took."""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from statistics import median

import orjson

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from machine import facts, finish, progress, spread  # noqa: E402

DATA = HERE.parent / "data"
PROGRAM = HERE.parents[2] / ".build/release/shuffle-r1"
SPEC = HERE / "replay.json"
SELECTION = ("pairwise-sample", "shuffle")


# --- How our program is called and where it leaves what. ---


def our_command(rollouts: Path, output: Path, threads: int, *settings: str) -> list[str]:
    """The command line of a replay of `rollouts` into the run directory `output`."""
    extra = [word for setting in (f"source.rollouts={rollouts}", *settings) for word in ("--set", setting)]
    return [str(PROGRAM), "run", str(SPEC), *extra, "--output", str(output), "--threads", str(threads), "--quiet"]


def survivors_file(output: Path) -> Path:
    """Where a run directory holds the records that came out of the last stage."""
    return output / "selected.jsonl"


def stage_seconds(output: Path) -> dict[str, float]:
    """Seconds by stage, summed over the steps of timings.jsonl: lines of {"timing_s/STAGE": seconds, …}."""
    seconds: dict[str, float] = {}
    with open(output / "timings.jsonl", "rb") as lines:
        for line in lines:
            for name, value in orjson.loads(line).items():
                if name.startswith("timing_s/"):
                    stage = name.removeprefix("timing_s/")
                    seconds[stage] = seconds.get(stage, 0.0) + value
    return seconds


# --- Measuring. ---


@dataclass
class Measured:
    seconds: float
    user: float
    system: float
    peak_bytes: int
    printed: str


def measure(command: list[str]) -> Measured:
    """Runs `command`; wall-clock time from start to exit, and peak memory as the system counted it."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    printed = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"exit status {child.returncode} from: {' '.join(command)}")
    return Measured(seconds, usage.ru_utime, usage.ru_stime, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024), printed)


def rollouts(name: str, groups: int) -> Path:
    """A generated file of `groups` groups of 16, made on first use and read once, into the page cache."""
    path = DATA / name
    if not path.exists():
        DATA.mkdir(exist_ok=True)
        unfinished = path.with_suffix(".unfinished")
        generate = [sys.executable, HERE / "generate.py", "--groups", str(groups), "--out", unfinished]
        subprocess.run(generate, check=True)
        unfinished.rename(path)
    with open(path, "rb", buffering=0) as file:
        while file.read(1 << 20):
            pass
    return path


def first_difference(peers: Path, ours: Path) -> str | None:
    """The first line at which the survivors, their pairs or their draws differ, in words."""
    with open(peers, "rb") as left, open(ours, "rb") as right:
        for number, lines in enumerate(zip_longest(left, right), 1):
            if None in lines:
                return f"line {number}: one file ends here"
            a, b = map(orjson.loads, lines)
            pair, other = a["pair"], b["pair"]
            for name, same in (
                ("id", a["id"] == b["id"]),
                ("pair", all(pair[key] == other[key] for key in ("rank", "side", "partner"))),
                ("weight", abs(pair["weight"] - other["weight"]) <= 1e-9 * max(1, pair["weight"])),
                ("draws", a["draws"] == b["draws"]),
            ):
                if not same:
                    return f"line {number}: {name} differs in {a['id']} (peer) and {b['id']} (ours)"
    return None


# --- The two modes. ---


def compare(groups: int, repetitions: int, peer_only: bool, report_file: str | None) -> int:
    """Peer against ours, interleaved; medians. 1 if the results differ."""
    path = rollouts("rollouts.jsonl" if groups == 12_500 else f"rollouts-{groups}.jsonl", groups)
    out = DATA / "out"
    commands = {"peer": [sys.executable, str(HERE / "peer.py"), str(path), str(out / "peer.jsonl")]}
    if not peer_only:
        commands |= {f"ours-{n}": our_command(path, out / f"ours-{n}", n) for n in (1, 2)}

    runs: dict[str, list[Measured]] = {name: [] for name in commands}
    shares: dict[str, list[float]] = {name: [] for name in commands}
    for repetition in range(repetitions):
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        for name, command in commands.items():
            progress(f"{repetition + 1} of {repetitions}: {name}")
            runs[name].append(measure(command))
            if name != "peer":
                seconds = stage_seconds(out / name)
                shares[name].append(sum(seconds.get(stage, 0) for stage in SELECTION) / runs[name][-1].seconds)

    megabytes = path.stat().st_size / 1e6
    peer = [run.seconds for run in runs["peer"]]
    print(f"{path.name}: {megabytes:.0f} MB; medians of {repetitions} (slowest–fastest); {machine()}\n")
    print("| program | MB/s | user + system, s | peak RSS, MB | speed / peer's (fastest runs) | pairwise-sample + shuffle |")
    print("|---|---|---|---|---|---|")
    for name, measured in runs.items():
        times = [run.seconds for run in measured]
        speed = f"{megabytes / median(times):.1f} ({megabytes / max(times):.1f}–{megabytes / min(times):.1f})"
        processor = f"{median(run.user for run in measured):.2f} + {median(run.system for run in measured):.2f}"
        memory = median(run.peak_bytes for run in measured) / 1e6
        ratio = f"{median(peer) / median(times):.2f} ({min(peer) / min(times):.2f})"
        share = f"{median(shares[name]):.1%} of the time" if shares[name] else "–"
        print(f"| {name} | {speed} | {processor} | {memory:.0f} | {ratio} | {share} |")
    print("\nthe peer, by its own count:")
    print("\n".join(run.printed.strip() for run in runs["peer"]))

    differences = {name: first_difference(out / "peer.jsonl", survivors_file(out / name)) for name in list(runs)[1:]}
    for name, difference in differences.items():
        print(f"{name}: {difference or 'survivors, pairs and draws equal the peer’s'}")
    programs = {
        name: {
            "megabytes_per_second": spread([megabytes / run.seconds for run in measured]),
            "user_seconds": spread([run.user for run in measured]),
            "system_seconds": spread([run.system for run in measured]),
            "peak_bytes": median(run.peak_bytes for run in measured)}
        for name, measured in runs.items()}
    report = {"benchmark": "replay", "megabytes": megabytes, "machine": facts(["orjson", "numpy"]), "programs": programs}
    finish(report | {"equal": not any(differences.values())}, report_file)
    return 1 if any(differences.values()) else 0


def compare_memory() -> int:
    """Our peak memory on a small and a large file, with the same batch size."""
    print(f"batches of 64 groups; {machine()}\n\n| file, MB | threads | peak RSS, MB |\n|---|---|---|")
    for groups in (1_260, 25_200):
        path = rollouts(f"rollouts-{groups}.jsonl", groups)
        for threads in (1, 2):
            output = DATA / "out-memory"
            shutil.rmtree(output, ignore_errors=True)
            peak = measure(our_command(path, output, threads, "source.batch.groups=64")).peak_bytes
            print(f"| {path.stat().st_size / 1e6:.0f} | {threads} | {peak / 1e6:.1f} |", flush=True)
    return 0


def machine() -> str:
    """The versions and the processor that the figures belong to."""
    processor = platform.processor()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next((line.split(": ")[1] for line in lines if line.startswith("model name")), processor)
    return f"{processor}, {os.cpu_count()} cores, Python {platform.python_version()}, orjson {orjson.__version__}"


def main() -> int:
    options = argparse.ArgumentParser(prog="run", description=__doc__)
    options.add_argument("--groups", type=int, default=12_500, help="groups of 16 rollouts (default: %(default)s, 1 GB)")
    options.add_argument("--repetitions", type=int, default=3)
    mode = options.add_mutually_exclusive_group()
    mode.add_argument("--peer-only", action="store_true", help="measure the Python program alone")
    mode.add_argument("--memory", action="store_true", help="our peak memory on a 100 MB and a 2 GB file")
    options.add_argument("--json", metavar="FILE", help="write the report there, too")
    options = options.parse_args()

    if not options.peer_only and not PROGRAM.exists():
        sys.exit("no .build/release/shuffle-r1; run `make build` first, or use --peer-only")
    return compare_memory() if options.memory else compare(
        options.groups, options.repetitions, options.peer_only, options.json)


if __name__ == "__main__":
    sys.exit(main())
