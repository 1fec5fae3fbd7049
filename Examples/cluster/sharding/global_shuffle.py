# SPDX-License-Identifier: Apache-2.0
"""One batch over many tasks: stages that look at groups alone run by group, the shuffle over pair weights in one task.

Three rounds of tasks: `run_groups` runs the stages before the shuffle; `draw` shuffles records that hold nothing but
weights; `add_draws` adds to the full records what was drawn, or drops them.
"""

import json
import os
import shutil
from collections import defaultdict
from collections.abc import Iterator

from . import program
from .plan import Part
from .tasks import Job, fingerprint, publishing, read_json, run_part, write_json

# Stages of which a group's outcome depends on that group alone.
BY_GROUP = {"reward", "advantage", "filter", "pairwise-sample", "tap"}
WHITENS_THE_BATCH = {"reinforce-plus-plus"}
GROUPS, DRAWN = ".work/groups", ".work/drawn"
TAP = "before-the-shuffle"
# What the shuffle and the lineage look at.
WEIGHED = ("id", "group", "reward", "rewards", "reward_status", "advantage", "pair", "loss_weight", "draws", "step")
BUFFERED = 1 << 26


def split(stages: list[dict]) -> tuple[list[dict], dict | None] | None:
    """The stages before the shuffle and the shuffle; None where that is not what the pipeline is."""
    last = stages[-1] if stages[-1]["use"] == "shuffle" else None
    before = stages[:-1] if last else stages
    for stage in before:
        estimator = stage["with"].get("estimator", {}).get("use") if stage["use"] == "advantage" else None
        if stage["use"] not in BY_GROUP or estimator in WHITENS_THE_BATCH:
            return None
    return before, last


def run_groups(job: Job, part: Part, before: list[dict], shuffle: dict | None) -> dict:
    """Runs the stages that look at groups alone; without a shuffle after them that is all."""
    # Another task's groups may be large enough; `refuse_if_nothing_was_kept` looks at all of them.
    stages = [
        {**stage, "with": {**stage["with"], "nothing_kept": "warn"}} if stage["use"] == "pairwise-sample" else stage
        for stage in before
    ]
    overrides = {"source.batch": "all", "stages": stages}
    if not shuffle:
        return run_part(job, part, overrides, keep_places=True)
    # The tap holds the records as they go into the shuffle: a run adds 'step' behind the last stage.
    overrides["stages"] = [*stages, {"use": "tap", "name": TAP}]
    return run_part(job, part, overrides, GROUPS, keep_places=True, then=write_weights)


def write_weights(run: str) -> None:
    """Writes `weights.jsonl`, of each record what the shuffle needs, group by group, and `order`, where each stands.

    The shuffle numbers groups as they first appear in the input, where records stood that have left by now; the parts
    and the groups in them have that order.
    """
    groups: dict[str, int] = {}
    with open(os.path.join(run, "lineage.jsonl"), encoding="utf-8") as lineage:
        for fate in map(json.loads, lineage):
            groups.setdefault(fate["group"], len(groups))
    weights = []
    with open(os.path.join(run, "taps", TAP + ".jsonl"), encoding="utf-8") as records:
        for position, record in enumerate(map(json.loads, records)):
            slim = {key: record[key] for key in WEIGHED if key in record}
            slim.setdefault("advantage", None)
            text = json.dumps(slim, ensure_ascii=False, separators=(",", ":")) + "\n"
            weights.append((groups[record["group"]], position, text))
    weights.sort()
    with open(os.path.join(run, "weights.jsonl"), "w", encoding="utf-8") as file:
        file.writelines(text for _, _, text in weights)
    with open(os.path.join(run, "order"), "w", encoding="utf-8") as file:
        file.writelines(f"{position}\n" for _, position, _ in weights)
    os.remove(os.path.join(run, "selected.jsonl"))


def refuse_equal_ids(job: Job, folder: str, parts: list[Part]) -> None:
    """Ids are unique in a batch; no task sees all of it but this."""
    seen: set[int] = set()
    for part in parts:
        with open(os.path.join(job.output, folder, part.name, "lineage.jsonl"), encoding="utf-8") as lineage:
            for line in lineage:
                name = json.loads(line)["id"]
                if hash(name) in seen:
                    raise program.ProgramFailed(
                        f"the id '{name}' stands in two groups of the batch; one machine would set the second record "
                        "aside. Give each an id of its own, or run with --partitions 1"
                    )
                seen.add(hash(name))


def draw(job: Job, parts: list[Part], shuffle: dict) -> str:
    """Shuffles the weights of the whole batch as one machine does."""
    refuse_equal_ids(job, GROUPS, parts)
    target = os.path.join(job.output, DRAWN)
    with publishing(target) as scratch:
        if scratch:
            os.makedirs(scratch)
            run = os.path.join(scratch, "run")
            command = job.command(
                "run", "--output", run, "--threads", str(job.threads),
                overrides={"source.rollouts": "-", "source.provides": ["advantage"], "source.group_by": [],
                           "source.batch": "all", "source.max_bad_records": 0, "stages": [shuffle]})  # fmt: skip
            weights = (weight.encode() for _, weight in weights_of(job, parts))
            program.run(command, "the shuffle over all parts", weights, os.path.dirname(job.spec))
            hand_back(job, parts, run, scratch)
            shutil.copy(os.path.join(run, "metrics.jsonl"), scratch)
            shutil.rmtree(run)
    return target


def weights_of(job: Job, parts: list[Part]) -> Iterator[tuple[str, str]]:
    """The weights of all parts, each with the name of its part."""
    for part in parts:
        with open(os.path.join(job.output, GROUPS, part.name, "weights.jsonl"), encoding="utf-8") as file:
            for weight in file:
                yield part.name, weight


def hand_back(job: Job, parts: list[Part], run: str, folder: str) -> None:
    """Writes, for each part, what the shuffle adds to each of its records (`added`), and its lineage."""
    buffers: dict[str, list[str]] = defaultdict(list)
    size = 0

    def write() -> None:
        for name, lines in buffers.items():
            with open(os.path.join(folder, name), "a", encoding="utf-8") as file:
                file.writelines(lines)
        buffers.clear()

    for part in parts:
        open(os.path.join(folder, part.name + ".added"), "w").close()
        open(os.path.join(folder, part.name + ".lineage"), "w").close()
    with open(os.path.join(run, "lineage.jsonl"), encoding="utf-8") as lineage, \
            open(os.path.join(run, "selected.jsonl"), encoding="utf-8") as selected:  # fmt: skip
        for (name, weight), fate in zip(weights_of(job, parts), lineage, strict=True):
            added = "\n"
            if json.loads(fate)["outcome"] == "kept":
                record, start = next(selected), weight.rstrip("\n").removesuffix("}")
                if not record.startswith(start):
                    raise program.ProgramFailed(
                        f"the record '{json.loads(weight)['id']}' carries 'draws' or 'loss_weight' of an earlier "
                        "shuffle; take them out, or run with --partitions 1"
                    )
                added = record[len(start) :]
            buffers[name + ".added"].append(added)
            buffers[name + ".lineage"].append(fate)
            size += len(added) + len(fate)
            if size > BUFFERED:
                write()
                size = 0
    write()


def add_draws(job: Job, part: Part) -> dict:
    """Adds what was drawn to the records of a part, drops the others, and publishes the part."""
    before = os.path.join(job.output, GROUPS, part.name)
    drawn = os.path.join(job.output, DRAWN, part.name)
    target = os.path.join(job.output, part.name)
    with publishing(target) as scratch:
        if scratch:
            os.makedirs(scratch)
            not_drawn = join(before, drawn, scratch)
            for name in ("bad-records.jsonl", "metrics.jsonl"):
                if os.path.exists(os.path.join(before, name)):
                    shutil.copy(os.path.join(before, name), scratch)
            if any(name != TAP + ".jsonl" for name in os.listdir(os.path.join(before, "taps"))):
                ours = shutil.ignore_patterns(TAP + ".jsonl")
                shutil.copytree(os.path.join(before, "taps"), os.path.join(scratch, "taps"), ignore=ours)
            kept, digest = fingerprint(os.path.join(scratch, "selected.jsonl"))
            about = read_json(os.path.join(before, "part.json"))
            about["dropped"].update(not_drawn)
            about.update(kept=kept, bytes=os.path.getsize(os.path.join(scratch, "selected.jsonl")), sha256=digest)
            write_json(os.path.join(scratch, "part.json"), about)
    return read_json(os.path.join(target, "part.json"))


def join(before: str, drawn: str, scratch: str) -> dict[str, int]:
    """Writes the selected records of a part, their places, and the lineage of all; returns what the shuffle dropped."""
    dropped: dict[str, int] = {}
    added, fates = (in_order(before, drawn + suffix) for suffix in (".added", ".lineage"))
    with open(os.path.join(before, "taps", TAP + ".jsonl"), "rb") as records, \
            open(os.path.join(before, "places"), "rb") as places, \
            open(os.path.join(scratch, "selected.jsonl"), "wb") as selected, \
            open(os.path.join(scratch, "places"), "wb") as kept_places:  # fmt: skip
        for record, end, place in zip(records, added, places, strict=True):
            if end != b"\n":
                selected.write(record.rstrip(b"\n").removesuffix(b"}") + end)
                kept_places.write(place)
    later = iter(fates)
    with open(os.path.join(before, "lineage.jsonl"), "rb") as earlier, \
            open(os.path.join(scratch, "lineage.jsonl"), "wb") as lineage:  # fmt: skip
        for line in earlier:
            if json.loads(line)["outcome"] == "kept":
                line = next(later)
                fate = json.loads(line)
                if fate["outcome"] == "dropped":
                    name = f"{fate['stage']}/dropped/{fate['rule']}"
                    dropped[name] = dropped.get(name, 0) + 1
            lineage.write(line)
    return dropped


def in_order(before: str, path: str) -> list[bytes]:
    """The lines of a file that goes group by group, in the order of the part's records."""
    with open(os.path.join(before, "order"), encoding="utf-8") as order, open(path, "rb") as file:
        return [line for _, line in sorted(zip(map(int, order), file, strict=True))]


def refuse_if_nothing_was_kept(stages: list[dict], about: list[dict]) -> None:
    """Says what `pairwise-sample` says on one machine when no group is large enough."""
    rules: dict[str, int] = {}
    for part in about:
        for name, count in part["dropped"].items():
            rules[name] = rules.get(name, 0) + count
    for stage in stages:
        if stage["use"] != "pairwise-sample" or stage["with"].get("nothing_kept") == "warn":
            continue
        name = stage["name"]
        own = {rule for rule in rules if rule.startswith(name + "/dropped/")}
        if f"{name}/dropped/group-too-small" in own and not any(part["kept"] for part in about) \
                and own <= {f"{name}/dropped/group-too-small", f"{name}/dropped/no-advantage"}:  # fmt: skip
            raise program.ProgramFailed(
                f"stage '{name}': keep = {stage['with']['keep']} keeps no pair of any group; raise keep, or sample "
                "more rollouts for each query"
            )
