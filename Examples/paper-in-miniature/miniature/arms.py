# SPDX-License-Identifier: Apache-2.0
"""The methods that are compared, each as the stages of a pipeline."""

from dataclasses import dataclass

REWARD = {
    "use": "reward",
    "with": {
        "functions": [
            {"use": "boxed-answer", "weight": 0.9, "name": "accuracy"},
            {"use": "format", "weight": 0.1},
        ]
    },
}
# DAPO's dynamic sampling: groups that are all right or all wrong are replaced by further prompts.
DYNAMIC_SAMPLING = {
    "use": "filter",
    "with": {"rule": "reward-band", "score": "accuracy", "low": 0.01, "high": 0.99, "max_attempts": 10},
}
CLIP_HIGHER = {
    "loss": {"use": "clip", "with": {"epsilon_low": 0.2, "epsilon_high": 0.28}},
    "aggregation": "token-mean",
}
GSPO = {"loss": {"use": "gspo", "with": {"epsilon_low": 3e-4, "epsilon_high": 4e-4}}}


@dataclass(frozen=True)
class Shape:
    """The sizes of a step: prompts, rollouts of each in the larger group, rounds S, and minibatches K."""

    groups: int = 32
    rollouts: int = 16
    rounds: int = 8
    minibatches: int = 4
    warm_up_steps: int = 12


@dataclass(frozen=True)
class Arm:
    """A method: what it is called in tables, how many of the rollouts it samples, and what it does with them."""

    title: str
    share: float = 1
    before: tuple = ()
    select: str = ""
    shuffle: str = ""
    loss: tuple = ()

    def stages(self, shape: Shape, rate: float, max_tokens: int) -> list:
        """The stages of a pipeline spec."""
        rollouts = int(shape.rollouts * self.share)
        sampling = {"temperature": 1, "max_tokens": max_tokens}
        stages = [{"use": "rollout", "with": {"n": rollouts, "sampling": sampling}}, REWARD, *self.before, "advantage"]
        if self.select:
            stages.append({"use": "pairwise-sample", "with": {"keep": 0.5, "strategy": self.select}})
        if self.shuffle:
            stages.append({"use": "shuffle", "with": {"rounds": shape.rounds, "mode": self.shuffle}})
        learning_rate = {"rate": rate, "warm_up_steps": shape.warm_up_steps}
        update = {"minibatches": shape.minibatches, "learning_rate": learning_rate, **dict(self.loss)}
        return [*stages, {"use": "update", "with": update}]


ARMS = {
    "grpo-8": Arm("GRPO, 8 rollouts", share=0.5),
    "grpo-16": Arm("GRPO, 16 rollouts"),
    "dapo": Arm("DAPO, 8 rollouts", share=0.5, before=(DYNAMIC_SAMPLING,), loss=tuple(CLIP_HIGHER.items())),
    "gspo": Arm("GSPO, 8 rollouts", share=0.5, loss=tuple(GSPO.items())),
    "pts": Arm("pairwise 16 → 8", select="max-min"),
    "random-half": Arm("random 16 → 8", select="random"),
    "largest": Arm("largest magnitude 16 → 8", select="largest-magnitude"),
    "shuffle": Arm("shuffle alone, 16", shuffle="resample"),
    "shuffle-r1": Arm("pairwise + shuffle", select="max-min", shuffle="resample"),
    "reweight": Arm("pairwise + reweight", select="max-min", shuffle="reweight"),
}
