# SPDX-License-Identifier: Apache-2.0
"""A whole job: plan it, run its tasks on an engine, and say what came out."""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable

from . import global_shuffle, plan, program, shards, tasks

PART_BYTES = 256 << 20
LEFTOVER = re.compile(r"\.[\w-]+\.[0-9a-f]{32}")
NO_POLICY = "works with a policy, which learns from one batch to the next"

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
    parser.add_argument(
        "--partitions", type=int, default=0, metavar="N", help="how many parts; default: of 256 MiB each"
    )
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", help="change one value of the spec")
    parser.add_argument("--program", default=default_program(), metavar="PATH", help="shuffle-r1, on every machine")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="cores of a task (default: 1)")
    return parser


def default_program() -> str:
    """The program of this checkout, or else that of PATH."""
    built = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../../.build/release/shuffle-r1"))
    return os.environ.get("SHUFFLE_R1") or (built if os.path.exists(built) else "shuffle-r1")


def main(options: argparse.Namespace, engine: Engine) -> int:
    """Runs the job and returns the exit status."""
    try:
        manifest = run(options, engine)
    except (plan.PlanError, program.ProgramFailed, OSError) as error:
        print(f"{os.path.basename(sys.argv[0])}: error: {error}", file=sys.stderr)
        return 1
    total, parts = manifest["totals"], len(manifest["parts"])
    print(
        f"{total['trajectories']} trajectories in {total['batches']} batch{'es' if total['batches'] != 1 else ''}, "
        f"{total['kept']} kept; {manifest['mode']}, {parts} part{'s' if parts != 1 else ''}: "
        f"{options.output}/manifest.json"
    )
    return 0


def run(options: argparse.Namespace, engine: Engine) -> dict:
    """Plans the job, runs it and writes the manifest; what an earlier attempt has finished stays."""
    output = os.path.abspath(options.output)
    inputs = [os.path.abspath(path) for path in shards.find(options.input)]
    job = tasks.Job(options.program, os.path.abspath(options.spec), output, inputs, options.set, options.threads)
    resolved = json.loads(subprocess_of(job.command("check", "--resolved")))
    refuse(resolved)
    resolved["program"] = subprocess_of([job.command("check")[0], "--version"]).decode().strip()
    claim(output, fingerprint(job, resolved, options.partitions))
    sweep(output)

    segments = [segment for shard in finished(engine, [
        tasks.Attempt(tasks.index, (job, number)) for number in range(len(job.shards))
    ]) for segment in shard]  # fmt: skip
    if not any(segment.records for segment in segments):
        raise plan.PlanError(f"{', '.join(job.shards[:3])}: no line can be used")
    cut = plan.batches(segments, resolved["source"]["batch"], job.shards)
    size = sum(segment.place.end - segment.place.begin for segment in segments)
    wanted = options.partitions or max(1, -(-size // PART_BYTES))
    split = global_shuffle.split(resolved["stages"])
    if len(cut) > 1 or wanted == 1 or not split:
        mode, parts = "whole batches", plan.by_batch(cut, wanted)
        about = finished(engine, [tasks.Attempt(tasks.run_batches, (job, part)) for part in parts])
    else:
        mode, parts = "groups of one batch", plan.by_group(cut[0], wanted)
        about = run_one_batch(job, engine, parts, *split)
    refuse_bad_records(job, about, resolved["source"]["max_bad_records"])
    manifest = manifest_of(job, resolved, mode, parts, about)
    tasks.write_json(os.path.join(output, "manifest.json"), manifest)
    shutil.rmtree(os.path.join(output, ".work"), ignore_errors=True)
    sweep(output)
    return manifest


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

    Raises `ProgramFailed` with what every refused task said.
    """
    results = engine(attempts)
    failures = [result.message for result in results if isinstance(result, tasks.Failure)]
    if failures:
        more = f"\n… and {len(failures) - 5} more tasks" if len(failures) > 5 else ""
        raise program.ProgramFailed("\n".join(failures[:5]) + more)
    return results


def subprocess_of(command: list[str]) -> bytes:
    """What a command prints; its errors are the user's to read."""
    done = subprocess.run([word for word in command if word != "--quiet"], capture_output=True, check=False)
    if done.returncode:
        raise program.ProgramFailed(done.stderr.decode("utf-8", "replace").strip())
    return done.stdout


def refuse(resolved: dict) -> None:
    """Refuses what cannot be divided: where a batch depends on another one."""
    source = resolved["source"]
    if "policy" in resolved or "rollouts" not in source:
        raise plan.PlanError(f"the spec {NO_POLICY}; only pipelines over saved rollouts can be divided")
    if source["order"] == "shuffled" or source["epochs"] > 1 or source["first_batch"]:
        raise plan.PlanError("'source' must go through the rollouts once, in the order of the shards, from batch 0 on")
    if source["format"] not in ("auto", "shuffle-r1"):
        raise plan.PlanError("shards must hold records of shuffle-r1; convert each with `shuffle-r1 convert` first")


def fingerprint(job: tasks.Job, resolved: dict, partitions: int) -> dict:
    """By what a job that was interrupted is known."""
    resolved = {**resolved, "source": {key: value for key, value in resolved["source"].items() if key != "rollouts"}}
    files = [[path, os.path.getsize(path), os.stat(path).st_mtime_ns] for path in job.shards]
    digest = hashlib.sha256(json.dumps(files).encode()).hexdigest()
    return {"pipeline": resolved, "partitions": partitions, "shards": len(files), "shards_sha256": digest}


def claim(output: str, wanted: dict) -> None:
    """Makes the output folder, or goes on in that of the same job."""
    path = os.path.join(output, "job.json")
    if os.path.exists(path):
        if tasks.read_json(path) != wanted:
            raise plan.PlanError(
                f"{output} holds another job: its spec, shards or partitions differ; name another folder"
            )
        return
    os.makedirs(output, exist_ok=True)
    if any(name[0] != "." for name in os.listdir(output)):
        raise plan.PlanError(f"{output} is not empty and holds no job; name another folder")
    tasks.write_json(path, wanted)


def sweep(output: str) -> None:
    """Removes what tasks that were killed had begun."""
    for folder in ("", ".work", ".work/groups"):
        for name in os.listdir(os.path.join(output, folder)) if os.path.isdir(os.path.join(output, folder)) else []:
            if LEFTOVER.fullmatch(name):
                shutil.rmtree(os.path.join(output, folder, name), ignore_errors=True)


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
        "pipeline": fingerprint(job, resolved, 0)["pipeline"],
        "shards": job.shards, "parts": about, "totals": totals,
    }  # fmt: skip
