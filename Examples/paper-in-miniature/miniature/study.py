# SPDX-License-Identifier: Apache-2.0
"""The runs of a study: which there are, where they lie, and the specs that they run."""

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

from .arms import ARMS, Shape
from .jobs import Job, write
from .plan import CELLS, CONDITION_ARMS, TASKS, Setting, Task
from .statistics import mean

RECORDED = Path(__file__).resolve().parents[1] / "results"


@dataclass(frozen=True)
class Study:
    """A setting, applied to the arms that were asked for, below one folder."""

    output: Path
    setting_name: str
    setting: Setting
    arms: tuple
    # A rates.json that was written before, instead of tuning.
    rates_from: Path | None = None

    def tuning(self, task: Task) -> list[Job]:
        """Short runs of each arm and rate; seeds and arms take turns, so that a slow hour meets all arms alike.

        An arm that was best at the lowest or the highest of its rates gets one beyond it, as long as that is so, up to
        two factors of 2: call this again when the runs are finished, until it has no more.
        """
        tried = {}
        for arm, means in self.tuned(task).items():
            rates = tried[arm] = sorted({*self.setting.rates, *means})
            best = max(means, key=means.get)
            if len(means) == len(rates) < len(self.setting.rates) + 2 and best in (rates[0], rates[-1]):
                rates.append(best / 2 if best == rates[0] else best * 2)
        return [
            self.tuning_job(task, arm, rate, seed)
            for seed in range(1, self.setting.tuning_seeds + 1)
            for place in range(max(len(rates) for rates in [self.setting.rates, *tried.values()]))
            for arm in self.arms
            for rate in tried.get(arm, self.setting.rates)[place : place + 1]
        ]

    def tuning_job(self, task: Task, arm: str, rate: float, seed: int) -> Job:
        steps, shape = self.setting.tuning_steps, self.setting.shape
        spec = self.spec(task, arm, rate, seed, steps, shape, {"prompts": "validation", "samples": 4})
        return Job(self.output / task.name / "tuning" / arm / f"rate-{rate:g}" / f"seed-{seed}", spec)

    @property
    def tunes(self) -> bool:
        return bool(self.setting.rates) and not self.rates_from

    def tuned(self, task: Task) -> dict:
        """The validation accuracy of each arm at each rate, where its runs are finished: arm → rate → mean."""
        found = {}
        for arm in self.arms:
            folders = (self.output / task.name / "tuning" / arm).glob("rate-*")
            for rate in sorted(float(folder.name.removeprefix("rate-")) for folder in folders):
                jobs = [self.tuning_job(task, arm, rate, seed + 1) for seed in range(self.setting.tuning_seeds)]
                if all(job.result for job in jobs):
                    found.setdefault(arm, {})[rate] = mean(job.last_evaluation[task.metric] for job in jobs)
        return found

    def rates(self, task: Task) -> dict:
        """The best rate of each arm by the tuning runs; without such, what an earlier study recorded.

        Where results/ has none for a task, the rates for easy-VQA are taken.
        """
        if self.tunes:
            tuned = self.tuned(task)
            best = {arm: max(means, key=means.get) for arm, means in tuned.items()}
        else:
            names = (task.name, "easy-vqa")
            recorded = [self.rates_from or RECORDED / name / "rates.json" for name in names]
            best = json.loads(next(path for path in recorded if path.exists()).read_text())["chosen"]
        missing = [arm for arm in self.arms if arm not in best]
        if missing:
            known = f"no learning rate for {', '.join(missing)} on {task.name}"
            raise SystemExit(f"paper-in-miniature: {known}; run --parts tune")
        return {arm: best[arm] for arm in self.arms}

    def comparison(self, task: Task) -> list[Job]:
        """The runs that the tables are made of."""
        setting, rates = self.setting, self.rates(task)
        evaluation = {"prompts": "test", "samples": setting.samples, "every": setting.every, "before": True}
        return [
            Job(
                self.comparison_folder(task, arm, seed),
                self.spec(task, arm, rates[arm], seed, setting.steps, setting.shape, evaluation),
                self.final(task),
            )
            for seed in range(1, setting.seeds + 1)
            for arm in self.arms
        ]

    def comparison_folder(self, task: Task, arm: str, seed: int) -> Path:
        return self.output / task.name / "comparison" / arm / f"seed-{seed}"

    def condition_arms(self) -> list[str]:
        return [arm for arm in CONDITION_ARMS if arm in self.arms]

    def conditions(self, cells: list[str]) -> list[Job]:
        """Pairs with and without the shuffle, each cell in turn, at one rate for all: that of the whole method."""
        jobs = []
        for seed in range(1, self.setting.condition_seeds + 1):
            for name in cells:
                cell, task = CELLS[name], TASKS[CELLS[name].task]
                rates = self.rates(task)
                rate = cell.rate(rates.get("shuffle-r1") or next(iter(rates.values())))
                for arm in self.condition_arms():
                    spec = self.spec(
                        task, arm, rate, seed, cell.steps(self.setting.condition_steps),
                        cell.shape(self.setting.shape), {"prompts": "test", "samples": 4}, cell.train,
                    )  # fmt: skip
                    jobs.append(Job(self.condition_folder(name, arm, seed), spec))
        return jobs

    def condition_folder(self, cell: str, arm: str, seed: int) -> Path:
        return self.output / "conditions" / cell / arm / f"seed-{seed}"

    def final(self, task: Task) -> dict:
        """The evaluations of a finished run's model on held-out pictures: name → arguments."""
        prompts = task.prompts("full_test" if self.setting.full_test else "test")
        if self.setting_name == "smoke":
            prompts = self.output / "smoke.jsonl"
        common = ["--prompts", str(prompts), "--by", task.field, "--max-tokens", str(task.max_tokens)]
        if self.setting.limit:
            common += ["--limit", str(self.setting.limit)]
        samples = ["--samples", str(self.setting.final_samples)]
        return {
            "T = 1": [*common, "--temperature", "1", *samples],
            "T = 0.5": [*common, "--temperature", "0.5", *samples],
            "greedy": [*common, "--greedy"],
        }

    def spec(
        self, task: Task, arm: str, rate: float, seed: int, steps: int, shape: Shape, evaluation: dict, train: str = ""
    ) -> dict:
        """A pipeline spec. Its paths are absolute: it can be run by hand from anywhere."""
        task = replace(task, train=train) if train else task
        smoke = self.setting_name == "smoke"
        prompts = (lambda _: self.output / "smoke.jsonl") if smoke else task.prompts
        evaluation = {
            "every": 0, "before": False, **evaluation, "prompts": os.path.abspath(prompts(evaluation["prompts"])),
            "by": task.field, "sampling": {"temperature": 1, "max_tokens": task.max_tokens},
        }  # fmt: skip
        if self.setting.limit:
            evaluation["limit"] = self.setting.limit
        model = task.model((seed - 1) % self.setting.warm_starts + 1)
        return {
            "name": f"{task.name}-{arm}",
            "description": f"{ARMS[arm].title}, seed {seed}",
            "seed": seed,
            "policy": {"use": "bundled", "with": {"model": os.path.abspath(model)}},
            "source": {
                "prompts": os.path.abspath(prompts("train")),
                "provides": ["answer"],
                "batch": {"groups": shape.groups},
            },
            "stages": ARMS[arm].stages(shape, rate, task.max_tokens),
            "training": {
                "steps": steps,
                "checkpoints": {"every": 20, "keep": 1, "keep_best": False},
                "evaluation": evaluation,
            },
        }

    def record_rates(self, task: Task, folder: Path) -> None:
        """Writes rates.json: what was tried, and what was chosen."""
        if not self.tunes:
            return
        tuned = self.tuned(task)
        text = {
            "metric": f"{task.metric} on the validation split after {self.setting.tuning_steps} steps",
            "seeds": self.setting.tuning_seeds,
            "tried": {
                arm: {f"{rate:g}": round(mean, 4) for rate, mean in means.items()} for arm, means in tuned.items()
            },
            "chosen": {arm: max(means, key=means.get) for arm, means in tuned.items()},
        }
        write(folder / "rates.json", json.dumps(text, indent=2) + "\n")


def write_smoke_prompts(path: Path) -> None:
    """Eight questions without pictures, which the bundled model can be asked without any data set."""
    lines = []
    for number, shape in enumerate(("circle", "triangle", "rectangle", "red shape")):
        for kind, text, answer in (
            ("open", f"what color is the {shape}?", "red"),
            ("yes-no", f"is there a {shape} in the image?", "no"),
        ):
            name = f"{kind}-{number}"
            prompt = [{"role": "user", "content": text}]
            lines.append(json.dumps({"id": name, "group": name, "prompt": prompt, "answer": answer, "kind": kind}))
    write(path, "\n".join(lines) + "\n")
