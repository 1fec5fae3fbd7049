# SPDX-License-Identifier: Apache-2.0
"""One way through the model for all uses, so that FSDP sees a single root: prompts and responses in, numbers out."""

from __future__ import annotations

import contextlib
import inspect
from dataclasses import dataclass, field
from typing import Any, Iterator

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from .packing import PackedAttention

ROWS_OF_LOGITS = 1024
"""The number of rows whose logits over the whole vocabulary exist at a time."""


@dataclass
class Batch:
    """Rows of tokens of one width, with all that the model takes along with them."""

    tokens: torch.Tensor
    """[rows, width]"""
    mask: torch.Tensor
    """[rows, past and width]: which tokens count; or a packed row's table of segments."""
    positions: torch.Tensor
    """[rows, width], or [axes, rows, width]."""
    others: dict[str, torch.Tensor] = field(default_factory=dict)
    """Inputs by the model's names for them: those of images, and those that go along with tokens."""
    embedded: torch.Tensor | None = None
    """The tokens whose embeddings are taken, where they are not `tokens`."""
    is_filled: bool = False
    """Whether a row was added only so that all ranks pass the same parts of the model."""

    @property
    def is_packed(self) -> bool:
        """Whether it is one row of prompts and responses without padding."""
        return self.mask.dim() == 4

    @property
    def padding(self) -> int:
        """The number of tokens that are computed and count nowhere."""
        width = self.tokens.shape[1]
        return 0 if self.is_packed else int((self.mask[:, -width:] == 0).sum())


@dataclass
class Computed:
    """Tokens that were computed, and how many of them were padding."""

    tokens: int = 0
    padding: int = 0

    def __iadd__(self, other: Computed) -> Computed:
        self.tokens += other.tokens
        self.padding += other.padding
        return self


@dataclass
class Scored:
    """Responses to be scored, and their prompts: apart from them, at the start of their rows, or in one row with them."""

    prompts: Batch | None
    rows: Batch
    owners: torch.Tensor
    """For each row the number of its prompt."""
    places: torch.Tensor
    """Where each response token is predicted: among the ends of the prompts, if they are apart, and then in the rows."""
    targets: torch.Tensor

    @property
    def computed(self) -> Computed:
        """The tokens that pass the model."""
        batches = [it for it in (self.prompts, self.rows) if it is not None]
        return Computed(sum(it.tokens.numel() for it in batches), sum(it.padding for it in batches))


class _Given:
    """The output of a body that has been computed before."""

    def __init__(self, hidden: torch.Tensor):
        self.last_hidden_state = hidden

    def __getitem__(self, index: int) -> torch.Tensor:
        return (self.last_hidden_state,)[index]

    def __getattr__(self, name: str) -> None:
        return None


def _is_recurrent(layer: Any) -> bool:
    return hasattr(layer, "conv_states")


def select(cache: Any, rows: torch.Tensor) -> None:
    """Keeps these rows of a cache, in this order; one may come more than once."""
    for layer in cache.layers:
        # Only this one knows of the states of linear attention.
        (layer.reorder_cache if _is_recurrent(layer) else layer.batch_select_indices)(rows)


class Network(nn.Module):
    """A language model, and what policies need of it."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        known = inspect.signature(type(model.base_model).forward).parameters
        self._known = set(known)
        self._takes_all = any(it.kind is it.VAR_KEYWORD for it in known.values())
        self._cache_name = "past_key_values" if "past_key_values" in known else "cache"
        self.packed = PackedAttention(model)

    def forward(self, use: str, **inputs: Any) -> Any:
        if use == "log-probs":
            return self.log_probs(**inputs)
        return self.logits(**inputs)

    def new_cache(self) -> Any:
        """Keys and values of no tokens yet."""
        from transformers import DynamicCache

        return DynamicCache(config=self.model.config)

    @property
    def is_recurrent(self) -> bool:
        """Whether some layers keep a state that each token changes, in place of keys and values of all tokens."""
        return any(_is_recurrent(layer) for layer in self.new_cache().layers)

    def logits(self, batch: Batch, cache: Any = None) -> torch.Tensor:
        """The logits after the last token of each row."""
        return self._scores(self._hidden(batch, cache)[:, -1])

    def log_probs(self, scored: Scored, temperature: float, entropy: bool = False) -> torch.Tensor:
        """The log-probabilities of responses' tokens; with `entropy`, a second column has the entropies of the distributions."""
        batches = [scored.rows]
        if scored.prompts is None:
            rows = self._hidden(scored.rows)
            hidden = rows.flatten(0, 1)
        else:
            batches.append(scored.prompts)
            cache = self.new_cache()
            ends = self._hidden(scored.prompts, cache)[:, -1]
            select(cache, scored.owners)
            rows = self._hidden(scored.rows, cache)
            hidden = torch.cat([ends, rows.flatten(0, 1)])
        chosen = hidden[scored.places]
        values = self._log_probs(chosen, scored.targets, temperature, entropy)
        if torch.is_grad_enabled() and any(it.is_filled for it in batches):
            # The backward pass goes through all parts too, the output layer among them.
            values = values + 0 * (hidden.sum() + self._scores(hidden[:1]).sum())
        return values

    def _log_probs(
        self, hidden: torch.Tensor, targets: torch.Tensor, temperature: float, entropy: bool
    ) -> torch.Tensor:
        parts = zip(hidden.split(ROWS_OF_LOGITS), targets.split(ROWS_OF_LOGITS))
        # Logits are recomputed in the backward pass: they are by far the largest part of what a long batch would keep.
        found = [
            checkpoint(self._chosen, part, chosen, temperature, entropy, use_reentrant=False)
            if torch.is_grad_enabled() and len(hidden) > ROWS_OF_LOGITS
            else self._chosen(part, chosen, temperature, entropy)
            for part, chosen in parts
            if len(part)
        ]
        if not found:
            return hidden.sum(-1)[:, None].expand(-1, 2) if entropy else hidden.sum(-1)
        return torch.cat(found)

    def _chosen(self, hidden: torch.Tensor, targets: torch.Tensor, temperature: float, entropy: bool) -> torch.Tensor:
        scores = self._scores(hidden).float() / temperature
        if not entropy:
            return scores.gather(1, targets[:, None])[:, 0] - torch.logsumexp(scores, -1)
        log_probs = torch.log_softmax(scores, -1)
        entropies = -(log_probs.exp() * log_probs).sum(-1)
        return torch.stack([log_probs.gather(1, targets[:, None])[:, 0], entropies], -1)

    def _hidden(self, batch: Batch, cache: Any = None) -> torch.Tensor:
        """What the body computes: [rows, width, hidden]."""
        inputs = {
            "input_ids": batch.tokens, "attention_mask": batch.mask, "position_ids": batch.positions,
            "use_cache": cache is not None,
        }
        if cache is not None:
            inputs[self._cache_name] = cache
        known = {name: it for name, it in (inputs | batch.others).items() if self._takes_all or name in self._known}
        self.packed.use(batch.is_packed)
        with self._embedding(batch.embedded):
            return self.model.base_model(**known).last_hidden_state

    @contextlib.contextmanager
    def _embedding(self, tokens: torch.Tensor | None) -> Iterator[None]:
        """Has these tokens embedded, whatever the model takes the batch's for."""
        if tokens is None:
            yield
            return
        hook = self.model.get_input_embeddings().register_forward_pre_hook(lambda module, given: (tokens,))
        try:
            yield
        finally:
            hook.remove()

    def _scores(self, hidden: torch.Tensor) -> torch.Tensor:
        """The logits of hidden states, [rows, vocabulary].

        The model's own code computes them, with its body replaced: families scale or cap their logits in different ways.
        """
        body = self.model.base_model
        given = _Given(hidden[None])
        body.forward = lambda *_, **__: given
        try:
            return self.model(inputs_embeds=hidden[None], use_cache=False).logits[0]
        finally:
            del body.forward
