# SPDX-License-Identifier: Apache-2.0
"""A whole job: plan it, run its tasks on an engine, and say what came out."""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable

from . import folder, global_shuffle, plan, program, shards, tasks

PART_BYTES = 256 << 20
NO_POLICY = "works with a policy, which learns from one batch to the next"
INTERRUPTED = 130  # the status of a program that was ended with Ctrl-C


class EngineFailed(Exception):
    """The engine gave up on a task that might succeed elsewhere, or on itself."""


# Runs tasks, anywhere and in any order, again where a machine is lost, and returns their results in order.
Engine = Callable[[list[tasks.Attempt]], list]


def arguments(description: str) -> argparse.ArgumentParser:
    """The options that every engine has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("spec", help="the pipeline spec; its source's paths are not looked at")
    parser.add_argument(
        "--input", nargs="+", required=True, metavar="PATH", help="folders of shards, or shards, in order"
    )
    parser.add_argument("--output", required=True, metavar="FOLDER", help="where the parts and the manifest go")
    parser.add_argument("--partitions", type=positive, metavar="N", help="how many parts; default: of 256 MiB each")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", help="change one value of the spec")
    parser.add_argument("--program", default=default_program(), metavar="PATH", help="shuffle-r1, on every machine")
    parser.add_argument("--threads", type=positive, default=1, metavar="N", help="cores of a task (default: 1)")
    return parser


def positive(text: str) -> int:
    """A number of things of which there must be at least one."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1 on")
    return int(text)


def default_program() -> str:
    """The program of this checkout, or else that of PATH."""
    built = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../../.build/release/shuffle-r1"))
    return os.environ.get("SHUFFLE_R1") or (built if os.path.exists(built) else "shuffle-r1")


def main(options: argparse.Namespace, engine: Engine) -> int:
    """Runs the job and returns the exit status."""
    name = os.path.basename(sys.argv[0])
    try:
        manifest = run(options, engine)
    except (plan.PlanError, program.ProgramFailed, EngineFailed) as error:
        print(f"{name}: error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else error
        print(f"{name}: error: {what}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{name}: stopped; parts that are complete stay, and the same command goes on from there", file=sys.stderr)
        return INTERRUPTED
    total, parts, bad = manifest["totals"], len(manifest["parts"]), manifest["totals"]["bad_records"]
    print(
        f"{total['trajectories']} trajectories in {total['batches']} batch{'es' if total['batches'] != 1 else ''}, "
        f"{total['kept']} kept; "
        + (f"{bad} record{'s' if bad != 1 else ''} could not be used, see bad-records.jsonl; " if bad else "")
        + f"{manifest['mode']}, {parts} part{'s' if parts != 1 else ''}: {options.output}/manifest.json"
    )
    return 0


def run(options: argparse.Namespace, engine: Engine) -> dict:
    """Plans the job, runs it and writes the manifest; what an earlier attempt has finished stays."""
    refuse_names([options.spec, options.output, options.program, *options.input])
    output = os.path.abspath(options.output)
    inputs = [os.path.abspath(path) for path in shards.find(options.input)]
    refuse_names(inputs)
    job = tasks.Job(options.program, os.path.abspath(options.spec), output, inputs, options.set, options.threads)
    resolved = resolved_spec(job)
    refuse(resolved)
    before = folder.fingerprint(job, resolved, options.partitions)
    with folder.claimed(output, before):
        folder.sweep(output)
        manifest = folder.complete(output)
        if not manifest:
            mode, parts, about = run_parts(job, resolved, options.partitions, engine)
            refuse_bad_records(job, about, resolved["source"]["max_bad_records"])
            if folder.fingerprint(job, resolved, options.partitions) != before:
                raise plan.PlanError("the shards were changed while the job ran; start again into another folder")
            manifest = manifest_of(job, resolved, mode, parts, about)
            tasks.write_json(os.path.join(output, "manifest.json"), manifest)
        shutil.rmtree(os.path.join(output, ".work"), ignore_errors=True)
        folder.sweep(output)
        return manifest


def run_parts(job: tasks.Job, resolved: dict, partitions: int | None, engine: Engine) -> tuple[str, list, list]:
    """Divides the input and runs every part: in which way, the parts, and what is in each."""
    segments = [segment for shard in finished(engine, [
        tasks.Attempt(tasks.index, (job, number)) for number in range(len(job.shards))
    ]) for segment in shard]  # fmt: skip
    if not any(segment.records for segment in segments):
        raise plan.PlanError(f"{', '.join(job.shards[:3])}: no line can be used")
    cut = plan.batches(segments, resolved["source"]["batch"], job.shards)
    size = sum(segment.place.end - segment.place.begin for segment in segments)
    wanted = partitions or max(1, -(-size // PART_BYTES))
    split = global_shuffle.split(resolved["stages"])
    if len(cut) > 1 or wanted == 1 or not split:
        parts = plan.by_batch(cut, wanted)
        return "whole batches", parts, finished(
            engine, [tasks.Attempt(tasks.run_batches, (job, part)) for part in parts])  # fmt: skip
    parts = plan.by_group(cut[0], wanted)
    return "groups of one batch", parts, run_one_batch(job, engine, parts, *split)


def run_one_batch(job: tasks.Job, engine: Engine, parts: list[plan.Part], before: list, shuffle: dict | None) -> list:
    """Stages by group first; then, where there is one, the shuffle of all."""
    about = finished(engine, [tasks.Attempt(global_shuffle.run_groups, (job, part, before, shuffle)) for part in parts])
    global_shuffle.refuse_if_nothing_was_kept(before, about)
    if not shuffle:
        finished(engine, [tasks.Attempt(global_shuffle.refuse_equal_ids, (job, "", parts))])
        return about
    finished(engine, [tasks.Attempt(global_shuffle.draw, (job, parts, shuffle))])
    return finished(engine, [tasks.Attempt(global_shuffle.add_draws, (job, part)) for part in parts])


def finished(engine: Engine, attempts: list[tasks.Attempt]) -> list:
    """The results of tasks.

    Raises `ProgramFailed` with what every refused task said, `EngineFailed` where the engine gave up on one.
    """
    try:
        results = engine(attempts)
    except Exception as error:  # every engine has kinds of its own
        raise EngineFailed(
            f"{cause(error)}\nParts that are complete stay; the same command goes on from there"
        ) from error
    failures = [result.message for result in results if isinstance(result, tasks.Failure)]
    if failures:
        more = f"\n… and {len(failures) - 5} more tasks" if len(failures) > 5 else ""
        raise program.ProgramFailed("\n".join(failures[:5]) + more)
    return results


def cause(error: Exception) -> str:
    """What happened in a task, from what an engine makes of it: a traceback from another machine, more or less."""
    lines = [re.sub(r"\x1b\[\d*m", "", line) for line in str(error).splitlines()] or [type(error).__name__]
    found = [line for line in lines if re.match(r"(: )?[\w.]*(Error|Exception|Died): .", line)]
    return re.sub(r"^(: )?(sharding\.program\.\w+: )?", "", found[-1] if found else lines[0])


def resolved_spec(job: tasks.Job) -> dict:
    """The spec with every default, and the version of the program."""
    try:
        resolved = json.loads(said_by(job.command("check", "--resolved")))
        if resolved["stages"]:
            resolved["program"] = said_by([job.command("check")[0], "--version"]).decode().strip()
            return resolved
    except (ValueError, TypeError, KeyError):
        pass
    raise plan.PlanError(f"{job.program} is not shuffle-r1: it does not print the resolved spec; name it with --program")


def said_by(command: list[str]) -> bytes:
    """What a command prints; its errors are the user's to read."""
    done = subprocess.run([word for word in command if word != "--quiet"], capture_output=True, check=False)
    if done.returncode:
        raise program.ProgramFailed(done.stderr.decode("utf-8", "replace").strip() or f"{command[0]} said nothing")
    return done.stdout


def refuse_names(paths: list[str]) -> None:
    """Refuses paths that cannot be written into a spec or a manifest, which are UTF-8."""
    for path in paths:
        try:
            path.encode()
        except UnicodeEncodeError as error:
            raise plan.PlanError(f"the name {os.fsencode(path)!r} is not UTF-8; rename it") from error


def refuse(resolved: dict) -> None:
    """Refuses what cannot be divided: where a batch depends on another one."""
    source = resolved["source"]
    if "policy" in resolved or "rollouts" not in source:
        raise plan.PlanError(f"the spec {NO_POLICY}; only pipelines over saved rollouts can be divided")
    if source["order"] == "shuffled" or source["epochs"] > 1 or source["first_batch"]:
        raise plan.PlanError("'source' must go through the rollouts once, in the order of the shards, from batch 0 on")
    if source["format"] not in ("auto", "shuffle-r1"):
        raise plan.PlanError("shards must hold records of shuffle-r1; convert each with `shuffle-r1 convert` first")


def refuse_bad_records(job: tasks.Job, about: list[dict], limit: int | str) -> None:
    """Holds the bad records of all parts against the spec's limit."""
    count = sum(part["bad_records"] for part in about)
    if limit == "unlimited" or count <= limit:
        return
    first = min(bad_records(job.output, about), key=lambda record: (job.shards.index(record["file"]), record["line"]))
    raise program.ProgramFailed(
        f"{first['file']}:{first['line']}:{first['column']}: {first['reason']} (the first of {count} bad records); "
        f"mend the shards, or allow more with source.max_bad_records (now {limit})"
    )


def bad_records(output: str, about: list[dict]):
    """The bad records of all parts."""
    for part in about:
        if part["bad_records"]:
            with open(os.path.join(output, part["name"], "bad-records.jsonl"), encoding="utf-8") as file:
                yield from map(json.loads, file)


def manifest_of(job: tasks.Job, resolved: dict, mode: str, parts: list[plan.Part], about: list[dict]) -> dict:
    """What the output folder holds, for programs."""
    totals: dict = {"batches": sum(part.batches for part in parts) if mode == "whole batches" else 1}
    totals |= {
        key: sum(part[key] for part in about) for key in ("groups", "trajectories", "bad_records", "kept", "bytes")
    }
    rules = sorted({rule for part in about for rule in part["dropped"]})
    totals["dropped"] = {rule: sum(part["dropped"].get(rule, 0) for part in about) for rule in rules}
    return {
        "version": 1, "mode": mode,
        "order": "parts" if mode == "whole batches" or plan.follow_one_another(parts) else "places",
        "pipeline": folder.fingerprint(job, resolved, None)["pipeline"],
        "shards": job.shards, "parts": about, "totals": totals,
    }  # fmt: skip
