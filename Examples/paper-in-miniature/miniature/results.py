# SPDX-License-Identifier: Apache-2.0
"""What a finished run left, as numbers and curves."""

import json
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@dataclass(frozen=True)
class Finished:
    """A finished run: its folder, its arm and seed, and the metric that its curve shows."""

    folder: Path
    arm: str
    seed: int
    metric: str

    @cached_property
    def metrics(self) -> list[dict]:
        return lines(self.folder / "run" / "metrics.jsonl")

    @cached_property
    def evaluations(self) -> list[dict]:
        return lines(self.folder / "run" / "evaluations.jsonl")

    @cached_property
    def result(self) -> dict:
        return json.loads((self.folder / "result.json").read_text())

    @cached_property
    def timings(self) -> list[dict]:
        """Seconds of each step and stage, as they would be on a core of its own.

        What was measured, multiplied by the share of a core that the process had: processor time of the whole process
        by its wall time.
        """
        share = self.result["cpu_seconds"] / self.result["wall_seconds"]
        return [
            {name: value * share for name, value in line.items() if isinstance(value, (int, float))}
            for line in lines(self.folder / "run" / "timings.jsonl")
        ]

    @property
    def steps(self) -> list[int]:
        """How many steps were done at each evaluation."""
        return [line["step"] for line in self.evaluations]

    @property
    def accuracy(self) -> list[float]:
        return [line[self.metric] for line in self.evaluations]

    @cached_property
    def tokens(self) -> list[float]:
        """Response tokens generated up to each evaluation, those of dropped rollouts too."""
        return self.sums([line["perf/response_tokens"] for line in self.metrics])

    @cached_property
    def seconds(self) -> list[float]:
        """Seconds of training up to each evaluation; evaluations are not counted."""
        return self.sums([line["timing_s/step"] - line.get("timing_s/testing", 0) for line in self.timings])

    def seconds_of(self, stages: tuple) -> float:
        """Seconds a step of some stages, on the same scale."""
        seconds = sum(line.get(f"timing_s/{stage}", 0) for line in self.timings for stage in stages)
        return seconds / len(self.timings)

    def sums(self, each_step: list[float]) -> list[float]:
        upto = [0, *accumulate(each_step)]
        return [upto[step] for step in self.steps]

    def final(self, how: str, category: str) -> float:
        """Accuracy of the last checkpoint on held-out pictures; category "" for all questions."""
        found = self.result["evaluations"][how]
        if not category:
            return found["overall"]["mean"]
        return next(part["mean"] for part in found["categories"] if str(part["value"]) == category)

    def knows(self, name: str) -> bool:
        """Whether the run can say a figure: what dynamic sampling drops is not told apart into right and wrong."""
        return name != "all-wrong" or not any("filter/attempts" in line for line in self.metrics)

    def series(self, name: str) -> list[float]:
        """A figure of every step: a metric, or one that is made of several; 0 where a step trained on nothing."""
        return [MADE[name](line) if name in MADE else line.get(name, 0) for line in self.metrics]


def zero_variance_share(line: dict) -> float:
    """Groups that teach nothing, of those generated; where dynamic sampling drops them, what it dropped as such."""
    if "filter/attempts" in line:
        return line.get("filter/dropped/reward-band", 0) / line["rollout/kept"]
    return line.get("advantage/zero_variance_groups", 0) / max(1, line.get("advantage/groups", 0))


def all_wrong_share(line: dict) -> float:
    return line.get("advantage/all_wrong_groups", 0) / max(1, line.get("advantage/groups", 0))


MADE = {"zero-variance": zero_variance_share, "all-wrong": all_wrong_share}


def finished(study, task) -> dict[str, list[Finished]]:
    """The finished runs of a comparison by arm; arms without any are left out."""
    found = {}
    for arm in study.arms:
        for seed in range(1, study.setting.seeds + 1):
            folder = study.comparison_folder(task, arm, seed)
            if (folder / "result.json").exists():
                found.setdefault(arm, []).append(Finished(folder, arm, seed, task.metric))
    return found
