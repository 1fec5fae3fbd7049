# SPDX-License-Identifier: Apache-2.0
"""Samples responses with transformers' model: a prompt is computed once for all its responses, finished ones leave."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any, Callable, Iterator
from typing import Generator as TypingGenerator

import numpy as np
import torch

from .batches import Layout
from .faults import WorkerFault
from .network import Network, select
from .philox import uniforms
from .ranks import Ranks
from .sampler import TokenSampler
from .settings import Generation
from .stop import StopTexts
from .work import Request, Sampling


@dataclass
class Pass:
    """A requested pass through the model: whether it has images, and the function that runs it."""

    sees: bool
    run: Callable[[], Any]


Passes = TypingGenerator[Pass, Any, None]


def _next(passes: Passes, found: Any) -> Pass | None:
    """The pass that is requested after the results of another; none at the end."""
    try:
        return passes.send(found)
    except StopIteration:
        return None


@dataclass
class Response:
    """A response that is being sampled, or is finished."""

    request: int
    index: int
    seed: int
    limit: int
    tokens: list[int] = field(default_factory=list)
    log_probs: list[float] = field(default_factory=list)
    finish: str = ""


class Generator:
    """Samples rows together; the tokens of a seed depend on the prompt and the seed only."""

    def __init__(self, network: Network, layout: Layout, ranks: Ranks, options: Generation, in_step: bool):
        self.network, self.layout, self.ranks, self.options = network, layout, ranks, options
        self.in_step = in_step
        """Whether ranks must pass through the model together, since each holds a part of it."""

    def run(
        self, requests: list[tuple[int, Request]], sampling: Sampling, stop: StopTexts | None, context_length: int,
        finished: Callable[[list[Response], int], None], stopped: Callable[[], None],
    ) -> list[Response]:
        """All responses to requests, which have numbers; `finished` hears of those that end, and of the number of tokens
        sampled since."""
        done: list[Response] = []
        work = self._work(requests, sampling, stop, context_length, done, finished)
        wanted = next(work, None)
        while True:
            if self._together or self.ranks.count == 1:
                stopped()
            # Ranks agree on a pass before it, since it has collective operations of its own.
            going, sees = wanted is not None, wanted is not None and wanted.sees
            if self._together:
                going, sees = self.ranks.any(going), self.ranks.any(sees)
            if not going:
                return done
            if wanted is None or sees and not wanted.sees:
                # The vision tower is passed by all or by none; who has no images waits.
                self._pass_idly(sees)
            else:
                wanted = _next(work, wanted.run())

    @property
    def _together(self) -> bool:
        """Whether ranks wait for each other before each pass."""
        return self.in_step and self.ranks.count > 1

    def _pass_idly(self, sees: bool) -> None:
        with torch.no_grad():
            batch, _ = self.layout.prompts([], with_images=sees)
            self.network("logits", batch=batch)

    def _work(
        self, requests: list[tuple[int, Request]], sampling: Sampling, stop: StopTexts | None, context_length: int,
        done: list[Response], finished: Callable[[list[Response], int], None],
    ) -> Passes:
        """Yields each pass through the model, and is sent its results."""
        sampler = TokenSampler(sampling)
        for wave in self._waves(requests):
            active = [
                Response(number, index, int(seed), min(sampling.max_tokens, context_length - len(request.prompt.tokens)))
                for number, request in wave
                for index, seed in enumerate(request.seeds)
            ]
            logits, state = yield Pass(any(it.prompt.images for _, it in wave), functools.partial(self._prefill, wave))
            while True:
                self._draw(active, logits, sampler, stop)
                ended = [it for it in active if it.finish]
                done += ended
                finished(ended, len(active))
                kept = [row for row, it in enumerate(active) if not it.finish]
                if not kept:
                    break
                if len(kept) < len(active):
                    state.keep(kept)
                    active = [active[row] for row in kept]
                last = [it.tokens[-1] for it in active]
                logits = yield Pass(False, functools.partial(self._advance, last, state))

    def _waves(self, requests: list[tuple[int, Request]]) -> Iterator[list[tuple[int, Request]]]:
        """Requests whose responses advance together."""
        wave: list[tuple[int, Request]] = []
        rows = 0
        for number, request in requests:
            if wave and rows + len(request.seeds) > self.options.rows_at_once:
                yield wave
                wave, rows = [], 0
            wave.append((number, request))
            rows += len(request.seeds)
        if wave:
            yield wave

    @torch.no_grad()
    def _prefill(self, wave: list[tuple[int, Request]]) -> tuple[torch.Tensor, _State]:
        cache = self.network.new_cache()
        batch, following = self.layout.prompts([request.prompt for _, request in wave], with_images=False)
        logits = self.network("logits", batch=batch, cache=cache)
        counts = [len(request.seeds) for _, request in wave]
        rows = torch.arange(len(wave), device=logits.device).repeat_interleave(torch.tensor(counts, device=logits.device))
        select(cache, rows)
        return logits[rows], _State(cache, batch.mask[rows], following[rows])

    @torch.no_grad()
    def _advance(self, last: list[int], state: _State) -> torch.Tensor:
        state.mask = torch.cat([state.mask, torch.ones_like(state.mask[:, :1])], 1)
        batch = self.layout.next_tokens(last, state.mask, state.next_position)
        state.next_position = state.next_position + 1
        return self.network("logits", batch=batch, cache=state.cache)

    def _draw(
        self, active: list[Response], logits: torch.Tensor, sampler: TokenSampler, stop: StopTexts | None
    ) -> None:
        place = np.array([len(it.tokens) for it in active])
        numbers = torch.from_numpy(uniforms(np.array([it.seed for it in active], np.uint64), place)).to(logits.device)
        no_end = torch.from_numpy(place < sampler.sampling.min_tokens).to(logits.device)
        tokens, log_probs = sampler.draw(logits, numbers, no_end)
        if not bool(log_probs.isfinite().all()):
            raise WorkerFault(
                "data", "the model's logits are not finite",
                "go back to an earlier checkpoint, and lower the learning rate")
        ends = set(sampler.sampling.end_tokens)
        for it, token, log_prob in zip(active, tokens.tolist(), log_probs.tolist()):
            it.tokens.append(token)
            it.log_probs.append(log_prob)
            if token in ends or (stop is not None and stop.holds((it.request, it.index), token)):
                it.finish = "stop"
            elif len(it.tokens) >= it.limit:
                it.finish = "length"


@dataclass
class _State:
    """The past of rows: keys and values, which of them count, and the next position."""

    cache: Any
    mask: torch.Tensor
    next_position: torch.Tensor

    def keep(self, rows: list[int]) -> None:
        index = torch.tensor(rows, device=self.mask.device)
        select(self.cache, index)
        self.mask, self.next_position = self.mask[index], self.next_position[index]
