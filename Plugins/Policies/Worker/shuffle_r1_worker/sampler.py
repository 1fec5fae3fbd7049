# SPDX-License-Identifier: Apache-2.0
"""Draws next tokens from logits by given uniform numbers, with the same result as the bundled policy."""

from __future__ import annotations

import torch

from .work import Sampling

ROWS_AT_ONCE = 64
"""The number of rows whose distributions over the vocabulary exist in double precision at a time."""


class TokenSampler:
    """The tokens of a seed depend only on the row's logits and its uniform number, not on the batch."""

    def __init__(self, sampling: Sampling):
        self.sampling = sampling

    def draw(
        self, logits: torch.Tensor, uniforms: torch.Tensor, no_end: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Tokens and their log-probabilities before top-k and top-p.

        `logits` is [rows, vocabulary], `uniforms` [rows] in double precision; where `no_end`, [rows], no end token is
        drawn.
        """
        parts = zip(*(values.split(ROWS_AT_ONCE) for values in (logits, uniforms, no_end)))
        tokens, log_probs = zip(*(self._draw(*part) for part in parts))
        return torch.cat(tokens), torch.cat(log_probs)

    def _draw(self, logits: torch.Tensor, uniforms: torch.Tensor, no_end: torch.Tensor):
        greedy = self.sampling.temperature == 0
        scores = logits.float() / (1.0 if greedy else self.sampling.temperature)
        log_sums = torch.logsumexp(scores, -1)
        probabilities = torch.exp(scores - log_sums[:, None])
        # Forbidden tokens are excluded from the draw, but not from the distribution of log-probabilities.
        ends = torch.tensor(self.sampling.end_tokens, device=logits.device)
        if len(ends) and bool(no_end.any()):
            rows = torch.nonzero(no_end)
            probabilities[rows, ends] = 0.0
        if greedy:
            allowed = torch.where(probabilities > 0, scores, -torch.inf) if bool(no_end.any()) else scores
            tokens = allowed.argmax(-1)
        elif self.sampling.top_p < 1 or self.sampling.top_k > 0:
            tokens = self._truncated(probabilities, uniforms)
        else:
            tokens = self._position(probabilities.double().cumsum(-1), uniforms)
        return tokens, scores.gather(1, tokens[:, None])[:, 0] - log_sums

    @staticmethod
    def _position(sums: torch.Tensor, uniforms: torch.Tensor) -> torch.Tensor:
        """The first position whose cumulative sum exceeds the uniform number times the total."""
        wanted = (uniforms * sums[:, -1])[:, None]
        found = torch.searchsorted(sums, wanted, right=True)[:, 0]
        return found.clamp(max=sums.shape[1] - 1)

    def _truncated(self, probabilities: torch.Tensor, uniforms: torch.Tensor) -> torch.Tensor:
        """The candidates: at most top_k, and no more than needed for a sum of top_p."""
        # Equal ones are in the order of their ids.
        values, order = probabilities.sort(dim=-1, descending=True, stable=True)
        if self.sampling.top_k > 0:
            values, order = values[:, : self.sampling.top_k], order[:, : self.sampling.top_k]
        values = values.double()
        sums = values.cumsum(-1)
        kept = sums - values < self.sampling.top_p * sums[:, -1:]
        kept[:, 0] = True
        sums = (values * kept).cumsum(-1)
        return order.gather(1, self._position(sums, uniforms)[:, None])[:, 0]
