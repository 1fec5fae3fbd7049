# SPDX-License-Identifier: Apache-2.0
"""AdamW as in PyTorch and in the bundled policy: single precision, whatever the model computes in.

Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (arXiv 1711.05101); `torch.optim.AdamW`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Iterator

import torch
from torch import nn

from .faults import WorkerFault
from .ranks import Ranks
from .weights import canonical

MOMENTS = ("exp_avg", "exp_avg_sq")
"""The names of the averages of gradients and of their squares in torch.optim.AdamW's state."""


def local(tensor: torch.Tensor) -> torch.Tensor:
    """This rank's part of a tensor."""
    return tensor.to_local() if hasattr(tensor, "to_local") else tensor


@dataclass
class Learner:
    """A trainable parameter: its weights in single precision, the gradient so far, and two moments."""

    name: str
    parameter: nn.Parameter
    weights: torch.Tensor
    gradient: torch.Tensor | None = None
    first: torch.Tensor | None = None
    second: torch.Tensor | None = None
    is_vision: bool = False

    @property
    def is_sharded(self) -> bool:
        return hasattr(self.parameter, "to_local")

    def whole(self, part: torch.Tensor) -> torch.Tensor:
        """The parts of all ranks together; every rank must call it."""
        if not self.is_sharded:
            return part
        from torch.distributed.tensor import DTensor

        like = self.parameter
        return DTensor.from_local(
            part, like.device_mesh, like.placements, run_check=False, shape=like.shape, stride=like.stride()
        ).full_tensor()

    def own(self, whole: torch.Tensor) -> torch.Tensor:
        """This rank's part of a whole tensor, in single precision."""
        whole = whole.float()
        if not self.is_sharded:
            return whole.to(self.weights.device)
        from torch.distributed.tensor import distribute_tensor

        mesh, placements = self.parameter.device_mesh, self.parameter.placements
        return distribute_tensor(whole.to(self.weights.device), mesh, placements, src_data_rank=None).to_local().clone()


class AdamW:
    """Gradients add up over calls of `collect`; `step` applies and clears them."""

    def __init__(self, model: nn.Module, ranks: Ranks, vision: frozenset[str] = frozenset()):
        """`vision` names the parameters whose rate is multiplied by `vision_rate_factor`."""
        self.ranks = ranks
        self.steps = 0
        self._whole_names = {canonical(name): name for name, _ in model.named_parameters()}
        self.learners = [
            Learner(canonical(name), parameter, self._single(parameter), is_vision=canonical(name) in vision)
            for name, parameter in model.named_parameters()
            if parameter.requires_grad
        ]

    def adapter_name(self, name: str) -> str:
        """A learner's name in the files of peft."""
        return f"base_model.model.{self._whole_names[name].replace('.default', '')}"

    @staticmethod
    def _single(parameter: nn.Parameter) -> torch.Tensor:
        own = local(parameter.detach())
        return own if own.dtype == torch.float32 else own.float()

    def collect(self) -> None:
        """Adds the gradients of one backward pass, in single precision."""
        for learner in self.learners:
            given = learner.parameter.grad
            learner.parameter.grad = None
            if given is None:
                continue
            own = local(given.detach()).float()
            learner.gradient = own if learner.gradient is None else learner.gradient.add_(own)

    def forget(self) -> None:
        """Drops the accumulated gradients."""
        for learner in self.learners:
            learner.parameter.grad = learner.gradient = None

    def step(self, options: dict[str, Any]) -> float:
        """One step; returns the norm of all gradients before clipping. If it is not finite, weights do not change."""
        for learner in self.learners:
            if not learner.is_sharded and learner.gradient is None:
                learner.gradient = torch.zeros_like(learner.weights) if self.ranks.count > 1 else None
            if not learner.is_sharded and learner.gradient is not None:
                self.ranks.add_up(learner.gradient)
        norm = math.sqrt(self._squares())
        if not math.isfinite(norm):
            name = next((it.name for it in self.learners if it.gradient is not None and not it.gradient.isfinite().all()), "")
            self.forget()
            raise WorkerFault(
                "data", f"the gradient of '{name}' is not finite; the step is not applied",
                "lower the learning rate, or look for infinite advantages")
        self.steps += 1
        # As in torch.nn.utils.clip_grad_norm_.
        scale = min(1.0, (options["max_gradient_norm"] or math.inf) / (norm + 1e-6))
        for learner in self.learners:
            if learner.gradient is not None:
                self._apply(learner, learner.gradient.mul_(scale), options)
        self.forget()
        return norm

    def _squares(self) -> float:
        sharded = whole = 0.0
        for learner in self.learners:
            if learner.gradient is not None:
                squares = float(learner.gradient.double().square().sum().item())
                if learner.is_sharded:
                    sharded += squares
                else:
                    whole += squares
        return self.ranks.sum(sharded) + whole

    @torch.no_grad()
    def _apply(self, learner: Learner, gradient: torch.Tensor, options: dict[str, Any]) -> None:
        beta1, beta2 = options["beta1"], options["beta2"]
        rate = options["learning_rate"] * (options["vision_rate_factor"] if learner.is_vision else 1.0)
        decays = options["decaying"] == "all" or learner.parameter.dim() > 1
        first, second = self._moments(learner)
        first.mul_(beta1).add_(gradient, alpha=1 - beta1)
        second.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        root = second.sqrt().mul_(1 / math.sqrt(1 - beta2**self.steps)).add_(options["epsilon"])
        learner.weights.mul_(1 - rate * (options["weight_decay"] if decays else 0.0))
        learner.weights.addcdiv_(first, root, value=-rate / (1 - beta1**self.steps))
        own = local(learner.parameter.detach())
        if own.data_ptr() != learner.weights.data_ptr():
            own.copy_(learner.weights)

    @staticmethod
    def _moments(learner: Learner) -> tuple[torch.Tensor, torch.Tensor]:
        if learner.first is None or learner.second is None:
            learner.first, learner.second = torch.zeros_like(learner.weights), torch.zeros_like(learner.weights)
        return learner.first, learner.second

    def state(self) -> Iterator[tuple[str, torch.Tensor]]:
        """Names and whole moments; every rank must iterate over it."""
        for learner in self.learners:
            for name, part in zip(MOMENTS, self._moments(learner)):
                yield f"{learner.name}.{name}", learner.whole(part)

    @property
    def state_shapes(self) -> list[tuple[str, torch.Size]]:
        """The contents of `state`, in order."""
        return [(f"{it.name}.{name}", it.parameter.shape) for it in self.learners for name in MOMENTS]

    def restore(self, steps: int, moment: Any) -> None:
        """Restores a state; `moment` returns whole tensors by the names of `state`."""
        self.steps = steps
        for learner in self.learners:
            learner.first, learner.second = (
                learner.own(moment(f"{learner.name}.{name}", learner.parameter.shape)).clone() for name in MOMENTS)
