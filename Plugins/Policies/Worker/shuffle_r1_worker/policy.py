# SPDX-License-Identifier: Apache-2.0
"""The policy of one worker: generate, log-probabilities, gradients, steps, checkpoints."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, Callable, Iterator

import numpy as np
import torch

from . import model as models
from .batches import Layout, Piece, micro_batches
from .faults import WorkerFault
from .generator import Generator, Response
from .network import Computed, Network
from .optimizer import AdamW
from .pictures import Pictures
from .probe import reason_to_pad, shares_prompts
from .processor import Processor
from .ranks import Ranks
from .saving import Saver, restore
from .settings import Settings
from .stop import StopTexts
from .tested import note
from .work import Group, Prompt, Request, Sampling

MOST_TOKENS = 1 << 20

Exchange = Callable[[list[tuple[int, int]], np.ndarray], np.ndarray]
"""Sends the concatenated log-probabilities of responses to the pipeline; returns their gradients.

With entropies, both have two columns."""


class WorkerPolicy:
    """All ranks call each method together, with the same arguments."""

    def __init__(self, settings: Settings, ranks: Ranks, pictures: Pictures):
        self.settings, self.ranks, self.pictures = settings, ranks, pictures
        torch.set_num_threads(max(1, settings.threads))
        if ranks.device.type == "cpu":
            # The gradient of a shared prompt is a sum over its responses, which threads would take in any order.
            torch.use_deterministic_algorithms(True, warn_only=True)
            torch.utils.deterministic.fill_uninitialized_memory = False
        self.model, files = models.open_model(settings.source, settings, ranks)
        self.processor = Processor(settings, self.model, pictures, models.takes_images(self.model))
        targets = ""
        if settings.lora.rank > 0:
            targets = models.adapter_targets(self.model)
            models.adapt(self.model, settings, targets)
        models.choose_learning(self.model, settings)
        vision = models.vision_names(self.model)
        if settings.trains and settings.gradient_checkpointing:
            self.model.train()
            models.keep_few_activations(self.model)
        self.network = Network(self.model)
        models.place(self.network, self.model, settings, ranks)
        self.layout = Layout(self.processor, self.model.base_model, ranks.device, models.dtype(settings, ranks.device))
        self.optimizer = AdamW(self.model, ranks, vision)
        restore(self.optimizer, settings)
        self._saver = Saver(self.model, self.optimizer, settings, ranks, files, targets)
        self._reference: Network | None = None
        self._vllm: Any = None
        self._computed = Computed()
        # Last: after a pass, some sharded weights are whole for a while.
        self._choose_sharing()
        self._padding_note = self._choose_packing()

    def _choose_sharing(self) -> None:
        """Whether prompts are computed once for their responses, in all that is scored alike.

        With gradient checkpointing they are not: layers that are recomputed cannot go on from kept keys and values.
        """
        with self._without_checkpointing():
            self._can_share = shares_prompts(self.network, self.layout, self.processor, self._vocabulary_size)
        checkpoints = self.settings.trains and self.settings.gradient_checkpointing
        self.layout.shares_prompts = self._can_share and not checkpoints

    def _choose_packing(self) -> str:
        """Whether prompts and responses are one row without padding; returns a sentence for the user if they are not.

        On a GPU only where it is asked for: segments are computed one by one, which has not been measured there.
        """
        wanted = self.settings.packing
        if wanted == "off" or wanted == "auto" and self.ranks.device.type != "cpu":
            return ""
        with self._without_checkpointing():
            reason = reason_to_pad(self.network, self.layout, self.processor, self._vocabulary_size)
        self.layout.packs = not reason
        if not reason:
            return ""
        if wanted == "on":
            raise WorkerFault(
                "options", f"policy.with.packing is 'on', but a '{self.model.config.model_type}' cannot be packed: {reason}",
                "set policy.with.packing to auto or off")
        return f"responses are padded when they are scored: a '{self.model.config.model_type}' cannot be packed: {reason}"

    @property
    def _vocabulary_size(self) -> int:
        return self.model.get_input_embeddings().weight.shape[0]

    @property
    def _context_length(self) -> int:
        """The most tokens of a sequence; where config.json does not say, what the tokenizer says, or a million."""
        text = self.model.config.get_text_config()
        found = getattr(text, "max_position_embeddings", None) or getattr(self.processor.tokenizer, "model_max_length", None)
        return int(min(found or MOST_TOKENS, MOST_TOKENS))

    @property
    def facts(self) -> dict[str, Any]:
        """The description of the model for the pipeline."""
        config = self.model.config
        processor = self.processor
        ends = processor.end_tokens(self.model)
        marks = {*processor.special_tokens, *processor.picture_tokens, *ends}
        return {
            "architecture": config.architectures[0] if config.architectures else type(self.model).__name__,
            "model_type": config.model_type,
            "parameter_count": sum(
                it.numel() for name, it in self.model.named_parameters() if "lora_" not in name),
            "learning_count": sum(it.parameter.numel() for it in self.optimizer.learners),
            "vocabulary_size": self._vocabulary_size,
            "context_length": self._context_length,
            "end_tokens": ends,
            "mark_tokens": sorted(it for it in marks if it < self._vocabulary_size),
            "picture_tokens": processor.picture_tokens,
            "tokenizer": processor.tokenizer is not None,
            "takes_images": processor.sees,
            "shares_prompts": self.layout.packs or self.layout.shares_prompts,
            "packs": self.layout.packs,
            "note": "; ".join(filter(None, (note(config.model_type, self._can_share), self._padding_note))),
            "steps": self.optimizer.steps,
            "device": str(self.ranks.device),
            "dtype": str(models.dtype(self.settings, self.ranks.device)).removeprefix("torch."),
        }

    @property
    def _in_step(self) -> bool:
        """Whether ranks must pass through the model together."""
        return models.shards(self.settings, self.ranks)

    # Responses.

    def generate(
        self, requests: list[Request], sampling: Sampling, finished: Callable[[list[Response], int], None],
        stopped: Callable[[], None],
    ) -> None:
        """Samples; on rank 0 `finished` is called with every response and its request's number."""
        self._check([request.prompt for request in requests])
        stop = self._stop_texts(sampling)
        numbers = range(len(requests))
        mine = list(numbers[self.ranks.index :: self.ranks.count])

        def heard(responses: list[Response], tokens: int) -> None:
            if self.ranks.is_first:
                finished(responses, tokens)

        if self.settings.generation.engine == "vllm":
            found = self._by_vllm([(number, requests[number]) for number in numbers], set(mine), sampling)
            heard(found, sum(len(it.tokens) for it in found))
        else:
            context_length = self._context_length
            generator = Generator(self.network, self.layout, self.ranks, self.settings.generation, self._in_step)
            with self._without_checkpointing():
                own = [(number, requests[number]) for number in mine]
                found = generator.run(own, sampling, stop, context_length, heard, stopped)
        for responses in self.ranks.gather(found)[1:]:
            finished(responses, sum(len(it.tokens) for it in responses))

    def _check(self, prompts: list[Prompt]) -> None:
        """Refuses prompts that do not fit their images, on all ranks together; a pipeline that makes prompts has checked them."""
        if self.processor.resized:
            return
        fault: WorkerFault | None = None
        if self.ranks.is_first:
            try:
                for prompt in prompts:
                    self.processor.check(prompt)
            except WorkerFault as error:
                fault = error
        fault = self.ranks.broadcast(fault)
        if fault is not None:
            raise fault

    def _stop_texts(self, sampling: Sampling) -> StopTexts | None:
        if not sampling.stop:
            return None
        if self.processor.tokenizer is None:
            raise WorkerFault("options", "the model has no tokenizer to find stop texts with", "name stop tokens instead")
        return StopTexts(sampling.stop, self.processor.decode, self.processor.special_tokens)

    def _by_vllm(
        self, numbered: list[tuple[int, Request]], mine: set[int], sampling: Sampling
    ) -> list[Response]:
        """This rank's responses: an engine samples for all ranks that share it, and each of them keeps and scores its own."""
        if self._vllm is None:
            from .vllm_engine import VLLMEngine

            self._vllm = VLLMEngine(self.settings, self.processor, self.ranks)
        number_format = models.dtype(self.settings, self.ranks.device)
        self._vllm.synchronize(self.optimizer.steps, lambda: self._saver.weights(number_format))
        parallel = self.settings.generation.tensor_parallel
        first = self.ranks.index // parallel * parallel
        share = [it for it in numbered if first <= it[0] % self.ranks.count < first + parallel]
        found = [it for it in self._vllm.run(share, sampling) if it.request in mine]
        prompts = dict(numbered)
        groups = [Group(prompts[it.request].prompt, [np.array(it.tokens, np.int32)]) for it in found]
        values = self._own_log_probs(groups, sampling.temperature)
        ends = np.cumsum([len(it.tokens) for it in found])
        for response, row in zip(found, np.split(values, ends[:-1]) if found else []):
            response.log_probs = row.tolist()
        return found

    # Log-probabilities.

    def log_probs(
        self, groups: list[Group], temperature: float, of: str, stopped: Callable[[], None], entropy: bool = False
    ) -> np.ndarray:
        """One number for each response token, in order; on rank 0. With entropies a second column has them."""
        self._check([group.prompt for group in groups])
        with self._weights(of) as network, torch.no_grad(), self._without_checkpointing():
            found: dict[tuple[int, int], np.ndarray] = {}
            for pieces in self._rounds(groups):
                stopped()
                values = self._score(network, pieces, temperature, entropy).float().cpu().numpy()
                for part in self.ranks.gather(_by_place(pieces, values)):
                    found.update(part)
        _check(found.values())
        order = [(number, index) for number, group in enumerate(groups) for index in range(len(group.responses))]
        nothing = np.zeros((0, 2) if entropy else 0, np.float32)
        return np.concatenate([found.get(place, nothing) for place in order] or [nothing])

    def _own_log_probs(self, groups: list[Group], temperature: float) -> np.ndarray:
        """The same for groups that each rank has for itself; sharded ranks make as many passes as the longest."""
        batches = micro_batches(groups, self.settings.rows_per_micro_batch, self.layout.packs)
        found: list[np.ndarray] = []
        with torch.no_grad(), self._without_checkpointing():
            remaining = list(batches)
            while self.ranks.any(bool(remaining)) if self._in_step else remaining:
                pieces = remaining.pop(0) if remaining else []
                values = self._score(self.network, pieces, temperature)
                if pieces:
                    found.append(values.float().cpu().numpy())
        _check(found)
        return np.concatenate(found) if found else np.zeros(0, np.float32)

    @contextlib.contextmanager
    def _weights(self, of: str) -> Iterator[Network]:
        """The network whose log-probabilities are requested."""
        if of == "policy":
            yield self.network
        elif self.settings.lora.rank > 0:
            from peft.tuners.tuners_utils import BaseTunerLayer

            layers = [it for it in self.model.modules() if isinstance(it, BaseTunerLayer)]
            try:
                for layer in layers:
                    layer.enable_adapters(False)
                yield self.network
            finally:
                for layer in layers:
                    layer.enable_adapters(True)
        else:
            if self._reference is None:
                model, _ = models.open_model(self.settings.model, self.settings, self.ranks)
                self._reference = Network(model)
                models.place(self._reference, model, self.settings, self.ranks)
            yield self._reference

    @contextlib.contextmanager
    def _without_checkpointing(self) -> Iterator[None]:
        """Gradient checkpointing is for the backward pass; it cannot be combined with a cache of keys and values."""
        was = self.model.training
        self.model.eval()
        try:
            yield
        finally:
            self.model.train(was)

    # Training.

    def accumulate(
        self, groups: list[Group], temperature: float, exchange: Exchange, stopped: Callable[[], None],
        entropy: bool = False,
    ) -> None:
        """Adds the gradient of a loss computed by `exchange`: a forward pass, the loss's gradient, a backward pass."""
        if not self.settings.trains:
            raise WorkerFault("options", "the policy was opened for inference", "open it for training")
        self._check([group.prompt for group in groups])
        try:
            for pieces in self._rounds(groups):
                stopped()
                self._accumulate(pieces, temperature, exchange, entropy)
        except BaseException:
            # Half a minibatch is not a gradient.
            self.optimizer.forget()
            self._computed = Computed()
            raise

    def _accumulate(self, pieces: list[Piece], temperature: float, exchange: Exchange, entropy: bool) -> None:
        log_probs = self._score(self.network, pieces, temperature, entropy)
        parts = self.ranks.gather(_by_place(pieces, log_probs.detach().float().cpu().numpy()))
        outcome: dict[tuple[int, int], np.ndarray] | WorkerFault = {}
        if self.ranks.is_first:
            try:
                outcome = _gradients(parts, exchange)
            except WorkerFault as fault:
                outcome = fault
        gradients = self.ranks.broadcast(outcome)
        if isinstance(gradients, WorkerFault):
            raise gradients
        own = [gradients[(it.group, it.response)] for it in pieces]
        if own:
            target = torch.from_numpy(np.concatenate(own)).to(log_probs.device)
            torch.autograd.backward(log_probs, target.to(log_probs.dtype))
        else:
            log_probs.sum().mul(0).backward()
        self.optimizer.collect()

    def _rounds(self, groups: list[Group]) -> Iterator[list[Piece]]:
        """This rank's micro-batch of each round; in the last round some ranks may have none."""
        batches = micro_batches(groups, self.settings.rows_per_micro_batch, self.layout.packs, self.ranks.count)
        for start in range(0, len(batches), self.ranks.count):
            mine = start + self.ranks.index
            yield batches[mine] if mine < len(batches) else []

    def _score(
        self, network: Network, pieces: list[Piece], temperature: float, entropy: bool = False
    ) -> torch.Tensor:
        needs_images = self._in_step and self.ranks.any(any(it.prompt.images for it in pieces))
        scored = self.layout.scored(pieces, needs_images)
        if torch.is_grad_enabled():
            self._computed += scored.computed
        return network("log-probs", scored=scored, temperature=temperature if temperature > 0 else 1.0, entropy=entropy)

    def step(self, options: dict[str, Any]) -> dict[str, Any]:
        """One step of the optimizer."""
        norm = self.optimizer.step(options)
        return {"gradient_norm": norm, "steps": self.optimizer.steps} | self._since_the_last_step()

    def _since_the_last_step(self) -> dict[str, int]:
        """The tokens whose gradients all ranks have computed since, and how many of them were padding."""
        found, self._computed = self._computed, Computed()
        return {
            "tokens_computed": int(self.ranks.sum(found.tokens)), "tokens_of_padding": int(self.ranks.sum(found.padding))}

    def save(self, folder: Path) -> None:
        """Writes a checkpoint."""
        if not self.settings.trains:
            raise WorkerFault("options", "the policy was opened for inference, it has nothing new to save", "")
        self._saver.save(folder)


def _by_place(pieces: list[Piece], values: np.ndarray) -> dict[tuple[int, int], np.ndarray]:
    """Concatenated values, split by the places of their responses."""
    if not pieces:
        return {}
    ends = np.cumsum([len(it.tokens) for it in pieces])
    return {(it.group, it.response): row for it, row in zip(pieces, np.split(values, ends[:-1]))}


def _gradients(parts: list[dict], exchange: Exchange) -> dict[tuple[int, int], np.ndarray]:
    """The pipeline's answer to the log-probabilities of all ranks, by place."""
    values = {place: row for part in parts for place, row in part.items()}
    _check(values.values())
    given = exchange(list(values), np.concatenate(list(values.values())))
    ends = np.cumsum([len(row) for row in values.values()])
    return dict(zip(values, np.split(given, ends[:-1])))


def _check(rows: Any) -> None:
    if not all(np.isfinite(row).all() for row in rows):
        raise WorkerFault(
            "data", "the model's log-probabilities are not finite",
            "go back to an earlier checkpoint, and lower the learning rate")
