# SPDX-License-Identifier: Apache-2.0
"""One way through the model for all uses, so that FSDP sees a single root: prompts and responses in, numbers out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

ROWS_OF_LOGITS = 1024
"""The number of rows whose logits over the whole vocabulary exist at a time."""


@dataclass
class Images:
    """Distinct images of a batch, and where they are shown: which image, in order, at the tokens of `mask`."""

    patches: torch.Tensor
    grids: torch.Tensor
    places: list[int]
    mask: torch.Tensor
    vision_learns: bool


class Network(nn.Module):
    """A language model with vision, and a head that computes what policies need."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, use: str, **inputs: Any) -> Any:
        if use == "log-probs":
            return self.log_probs(**inputs)
        return self.logits(**inputs)

    def hidden(
        self, tokens: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor, images: Images | None, cache: Any = None
    ) -> Any:
        body = self.model.model
        embedded = body.get_input_embeddings()(tokens)
        if images is not None:
            with torch.set_grad_enabled(torch.is_grad_enabled() and images.vision_learns):
                features = body.get_image_features(images.patches, images.grids, return_dict=True).pooler_output
            if images.places:
                shown = torch.cat([features[place] for place in images.places]).to(embedded.dtype)
                embedded = embedded.masked_scatter(images.mask.unsqueeze(-1).expand_as(embedded), shown)
            else:
                # All ranks pass through the tower together, including those without an image.
                embedded = embedded + 0 * features[0].sum().to(embedded.dtype)
        return body.language_model(
            inputs_embeds=embedded, position_ids=positions, attention_mask=mask, past_key_values=cache,
            use_cache=cache is not None)

    def logits(self, last: torch.Tensor, **inputs: Any) -> torch.Tensor:
        """The logits at one position of each row."""
        hidden = self.hidden(**inputs).last_hidden_state
        return self.model.lm_head(hidden[torch.arange(len(last), device=last.device), last])

    def log_probs(
        self, rows: torch.Tensor, columns: torch.Tensor, targets: torch.Tensor, temperature: float,
        entropy: bool = False, **inputs: Any,
    ) -> torch.Tensor:
        """The log-probabilities of targets, each predicted at a position of the batch; with `entropy`, a second column has
        the entropies of the distributions."""
        hidden = self.hidden(**inputs).last_hidden_state[rows, columns]
        parts = zip(hidden.split(ROWS_OF_LOGITS), targets.split(ROWS_OF_LOGITS))
        # Logits are recomputed in the backward pass: they are by far the largest part of what a long batch would keep.
        found = [
            checkpoint(self._chosen, part, chosen, temperature, entropy, use_reentrant=False)
            if torch.is_grad_enabled() and len(hidden) > ROWS_OF_LOGITS
            else self._chosen(part, chosen, temperature, entropy)
            for part, chosen in parts
        ]
        if not found:
            return hidden.sum(-1)[:, None].expand(-1, 2) if entropy else hidden.sum(-1)
        return torch.cat(found)

    def _chosen(self, hidden: torch.Tensor, targets: torch.Tensor, temperature: float, entropy: bool) -> torch.Tensor:
        scores = self.model.lm_head(hidden).float() / temperature
        if not entropy:
            return scores.gather(1, targets[:, None])[:, 0] - torch.logsumexp(scores, -1)
        log_probs = torch.log_softmax(scores, -1)
        entropies = -(log_probs.exp() * log_probs).sum(-1)
        return torch.stack([log_probs.gather(1, targets[:, None])[:, 0], entropies], -1)
