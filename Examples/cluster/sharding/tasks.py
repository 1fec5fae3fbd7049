# SPDX-License-Identifier: Apache-2.0
"""What runs on the machines of a cluster: a task reads shards, runs the program, and publishes a folder.

Every task may be run again, there or elsewhere, and then gives the same bytes: what is not finished has a hidden name
of its own, and becomes visible whole, by one rename.
"""

import hashlib
import json
import os
import re
import shutil
import uuid
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby

from . import program
from .plan import Part, Segment
from .shards import Slice, blocks, offsets

BLANK = re.compile(rb"[\x00-\x20]*")


@dataclass(frozen=True)
class Job:
    """What all tasks of a job have in common.

    Every path is the same on every machine; that of the program may start from where a task works.
    """

    program: str
    spec: str
    output: str
    shards: list[str]
    overrides: list[str] = field(default_factory=list)
    threads: int = 1

    def command(self, *arguments: str, overrides: dict | None = None) -> list[str]:
        """The program with the spec, the user's overrides and then ours."""
        if overrides:
            overrides = {"source.format": "shuffle-r1", **overrides}
        ours = [f"{path}={value if isinstance(value, str) else json.dumps(value)}"
                for path, value in (overrides or {}).items()]  # fmt: skip
        sets = [word for override in self.overrides + ours for word in ("--set", override)]
        verb, *rest = arguments
        program_here = shutil.which(self.program)
        if not program_here:
            raise program.ProgramFailed(
                f"there is no program {self.program} on {os.uname().nodename}; name it with --program, by a path "
                "that every machine has"
            )
        return [os.path.abspath(program_here), verb, self.spec, *sets, "--quiet", *rest]


@dataclass(frozen=True)
class Failure:
    """The input that the program refused; it would be refused again, so it is not retried."""

    message: str


@dataclass(frozen=True)
class Attempt:
    """A task as engines see it: called with nothing, on any machine, once or more often."""

    work: Callable
    arguments: tuple

    def __call__(self):
        try:
            return self.work(*self.arguments)
        except program.ProgramFailed as failure:
            return Failure(str(failure))


def index(job: Job, shard: int) -> list[Segment]:
    """The groups of a shard, in order, and the bytes they lie in."""
    path = job.shards[shard]
    command = job.command("groups", "--threads", str(job.threads), overrides={"source.rollouts": [path]})
    runs = [json.loads(line) for line in program.run(command, f"listing the groups of {path}").splitlines()]
    if not runs:
        return [Segment(Slice(shard, 0, offsets(path, [])[1], 1), None, None, 0)]
    lines = [1] + [run["line"] for run in runs[1:]]
    begins, end = offsets(path, lines)
    return [
        Segment(Slice(shard, begin, until, line), run["group"], run.get("cut"), run["records"])
        for run, line, begin, until in zip(runs, lines, begins, begins[1:] + [end], strict=True)
    ]


def run_batches(job: Job, part: Part) -> dict:
    """Runs the pipeline on whole batches, numbered as in the whole input, and publishes the run's directory."""
    return run_part(job, part, {})


def run_part(job: Job, part: Part, overrides: dict, folder: str = "", keep_places: bool = False, then=None) -> dict:
    """Runs a pipeline on a part, publishes the run's directory, and says what is in it.

    With `keep_places`, `places` says of every trajectory that is left in which shard and line it stood. `then` is
    called with the directory before it becomes visible.
    """
    target = os.path.join(job.output, folder, part.name)
    with publishing(target) as scratch:
        if scratch:
            text = Feed(job.shards, part.slices, notes_blanks=keep_places)
            command = job.command(
                "run", "--output", scratch, "--threads", str(job.threads),
                overrides={"source.rollouts": "-", "source.first_batch": part.first_batch,
                           "source.max_bad_records": "unlimited",
                           # A part may keep nothing where the whole keeps something.
                           "output.allow_empty": True, **overrides})  # fmt: skip
            program.run(command, f"{part.name} ({text})", text, os.path.dirname(job.spec))
            bad = name_places(scratch, text)
            if keep_places:
                write_places(scratch, text, bad)
            write_json(os.path.join(scratch, "part.json"), describe(scratch, part, len(bad)))
            if then:
                then(scratch)
    return read_json(os.path.join(target, "part.json"))


class Feed:
    """The text of slices, for the program to read, and where each of its lines comes from."""

    def __init__(self, shards: list[str], slices: list[Slice], notes_blanks: bool = False):
        self.shards, self.slices, self.notes_blanks = shards, slices, notes_blanks
        self.starts: list[int] = []  # the line, as the program counts, at which each slice begins
        self.blanks: set[int] = set()
        self.lines = 0

    def __str__(self) -> str:
        first = self.slices[0]
        files = list(dict.fromkeys(self.shards[piece.shard] for piece in self.slices))
        others = "" if len(files) == 1 else " and " + ", ".join(files[1:4]) + (", …" if len(files) > 4 else "")
        return f"{files[0]} from line {first.line} on{others}"

    def __iter__(self) -> Iterator[bytes]:
        for shard, pieces in groupby(self.slices, key=lambda piece: piece.shard):
            last = None
            for piece, block in blocks(self.shards[shard], list(pieces)):
                if piece != last:
                    self.starts.append(self.lines + 1)
                    last = piece
                if self.notes_blanks:
                    self.blanks |= {
                        self.lines + number
                        for number, line in enumerate(block.split(b"\n")[:-1], 1)
                        if BLANK.fullmatch(line)
                    }
                self.lines += block.count(b"\n")
                yield block

    def place(self, line: int) -> tuple[int, int]:
        """The shard and the line in it of a line that the program read."""
        index = bisect_right(self.starts, line) - 1
        piece = self.slices[index]
        return piece.shard, piece.line + line - self.starts[index]


def name_places(run: str, text: Feed) -> set[int]:
    """Writes into bad-records.jsonl where records stand in the shards; returns their lines as the program counted."""
    path = os.path.join(run, "bad-records.jsonl")
    if not os.path.exists(path):
        return set()
    lines, mended = set(), []
    with open(path, encoding="utf-8") as file:
        for record in map(json.loads, file):
            lines.add(record["line"])
            shard, record["line"] = text.place(record["line"])
            record["file"] = text.shards[shard]
            # A duplicate names the line of the first one.
            record["reason"] = re.sub(
                r"(?<= is already in line )\d+(?= of the same batch$)",
                lambda match: str(text.place(int(match[0]))[1]), record["reason"])  # fmt: skip
            mended.append(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(mended)
    return lines


def write_places(run: str, text: Feed, bad: set[int]) -> None:
    """Writes `places`: the shard and the line of each trajectory that is left, in order."""
    read = (line for line in range(1, text.lines + 1) if line not in bad and line not in text.blanks)
    with open(os.path.join(run, "lineage.jsonl"), encoding="utf-8") as lineage, \
            open(os.path.join(run, "places"), "w", encoding="utf-8") as places:  # fmt: skip
        for line, fate in zip(read, lineage, strict=True):
            if json.loads(fate)["outcome"] == "kept":
                places.write("{} {}\n".format(*text.place(line)))


def describe(run: str, part: Part, bad: int) -> dict:
    """What is in a part that is complete."""
    totals: dict[str, int] = {}
    with open(os.path.join(run, "metrics.jsonl"), encoding="utf-8") as file:
        for step in map(json.loads, file):
            for name, value in step.items():
                if name == "data/trajectories" or "/dropped/" in name:
                    totals[name] = totals.get(name, 0) + int(value)
    selected = os.path.join(run, "selected.jsonl")
    kept, digest = fingerprint(selected)
    return {
        "name": part.name, "first_batch": part.first_batch, "batches": part.batches, "groups": part.groups,
        "trajectories": totals.pop("data/trajectories", 0), "bad_records": bad, "kept": kept,
        "dropped": dict(sorted(totals.items())), "bytes": os.path.getsize(selected), "sha256": digest,
    }  # fmt: skip


def fingerprint(path: str) -> tuple[int, str]:
    """The number of lines of a file, and its SHA-256."""
    lines, digest = 0, hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            lines += block.count(b"\n")
            digest.update(block)
    return lines, digest.hexdigest()


@contextmanager
def publishing(target: str) -> Iterator[str | None]:
    """A hidden folder to fill, which then gets its name at once; None where that has been done before."""
    if os.path.isdir(target):
        yield None
        return
    folder, name = os.path.split(target)
    os.makedirs(folder, exist_ok=True)
    scratch = os.path.join(folder, f".{name}.{uuid.uuid4().hex}")
    try:
        yield scratch
        flush(scratch)
        try:
            os.rename(scratch, target)
        except OSError:
            # Another attempt at the same task was first; it has the same bytes.
            if not os.path.isdir(target):
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def flush(folder: str) -> None:
    """Has the system write a folder's files to the disk, so that a name never outlives what it stands for."""
    for path, _, names in os.walk(folder, topdown=False):
        for name in [*names, "."]:
            file = os.open(os.path.join(path, name), os.O_RDONLY)
            try:
                os.fsync(file)
            finally:
                os.close(file)


def read_json(path: str) -> dict:
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def write_json(path: str, value: dict) -> None:
    """Writes a document that is there whole or not at all."""
    partial = f"{path}.{uuid.uuid4().hex}"
    with open(partial, "w", encoding="utf-8") as file:
        file.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)
