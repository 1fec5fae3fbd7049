# SPDX-License-Identifier: Apache-2.0
"""The tasks, the settings, and the cells of the conditions study."""

from dataclasses import dataclass, replace
from pathlib import Path

from .arms import Shape

EASY_VQA = Path(__file__).resolve().parents[2] / "easy-vqa"


@dataclass(frozen=True)
class Task:
    """Questions: files of prompts below the folder of easy-VQA, how long an answer may be, and what to look at."""

    name: str
    folder: str
    train: str
    validation: str
    test: str
    full_test: str
    field: str
    # The category of questions that says most, or "" for all: learning rates are chosen by it, curves show it.
    main: str
    categories: tuple
    max_tokens: int

    def prompts(self, split: str) -> Path:
        return EASY_VQA / self.folder / f"{getattr(self, split)}.jsonl"

    def model(self, seed: int) -> Path:
        """The folder that make-model writes for a warm start of this seed."""
        bundled = self.name == "easy-vqa" and seed == 1
        return EASY_VQA / ("model" if bundled else f"work/{self.name}-seed-{seed}")

    @property
    def metric(self) -> str:
        return f"val/{self.main}/accuracy" if self.main else "val/accuracy"


TASKS = {
    "easy-vqa": Task(
        "easy-vqa", "data", "train", "validation", "test", "test-full", "kind", "open", ("open", "yes-no"), 24
    ),
    "scenes": Task("scenes", "scenes", "train", "validation", "test", "test", "level", "", ("1", "2", "3"), 48),
}


@dataclass(frozen=True)
class Setting:
    """How much is run. Without rates to try, those that results/ records are taken."""

    seeds: int
    warm_starts: int
    steps: int
    shape: Shape = Shape()
    rates: tuple = ()
    tuning_steps: int = 0
    tuning_seeds: int = 1
    every: int = 5
    samples: int = 1
    final_samples: int = 4
    full_test: bool = False
    limit: int = 0
    condition_steps: int = 40
    condition_seeds: int = 2


SETTINGS = {
    # Seconds, from prompts without pictures that the program writes itself: only to see that everything works.
    "smoke": Setting(
        seeds=2, warm_starts=1, steps=3, shape=Shape(4, 4, 2, 2, 2), rates=(1e-4, 4e-4), tuning_steps=2, every=1,
        final_samples=1, limit=8, condition_steps=2, condition_seeds=1,
    ),
    "small": Setting(seeds=2, warm_starts=1, steps=40),
    "medium": Setting(seeds=3, warm_starts=3, steps=48, rates=(1e-4, 2e-4, 4e-4), tuning_steps=24, every=8),
    "full": Setting(
        seeds=6, warm_starts=6, steps=100, rates=(1e-4, 2e-4, 4e-4, 8e-4), tuning_steps=60, tuning_seeds=2,
        samples=2, final_samples=8, full_test=True, condition_steps=60, condition_seeds=6,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """One condition under which pairs are trained on with and without the shuffle."""

    title: str
    task: str = "easy-vqa"
    groups: float = 1
    rounds: float = 1
    minibatches: float = 1
    train: str = ""

    def shape(self, shape: Shape) -> Shape:
        return replace(
            shape,
            groups=max(1, round(shape.groups * self.groups)),
            rounds=max(1, round(shape.rounds * self.rounds)),
            minibatches=max(1, round(shape.minibatches * self.minibatches)),
            warm_up_steps=max(1, round(shape.warm_up_steps * self.minibatches / self.groups)),
        )

    def steps(self, steps: int) -> int:
        """As many prompts in all, however many a step takes."""
        return max(1, round(steps / self.groups))

    def rate(self, rate: float) -> float:
        """The learning rate goes with the root of the trajectories in a minibatch."""
        return rate * (self.groups / self.minibatches) ** 0.5


CONDITION_ARMS = ("pts", "shuffle-r1", "reweight")
CELLS = {
    "base": Cell("as in the comparison"),
    "few-groups": Cell("a quarter of the groups", groups=0.25),
    "many-groups": Cell("four times the groups", groups=4),
    "two-rounds": Cell("S = 2", rounds=0.25),
    "many-rounds": Cell("S = 32", rounds=4),
    "one-minibatch": Cell("K = 1", minibatches=0.25),
    "many-minibatches": Cell("K = 16", minibatches=4),
    "scenes-level-1": Cell("scenes of 2 shapes", task="scenes", train="train-level-1"),
    "scenes-level-3": Cell("scenes of 5 or 6 shapes", task="scenes", train="train-level-3"),
}
