# SPDX-License-Identifier: Apache-2.0
"""Checks at start-up that a model can be computed in parts: whole, after a prompt that was kept, and token by token."""

from __future__ import annotations

import numpy as np
import torch

from .batches import Layout, Piece
from .faults import WorkerFault
from .network import Network
from .processor import Processor
from .work import Prompt

BOUNDS = {torch.float32: 1e-2, torch.bfloat16: 1.0}
"""Log-probabilities of random tokens that differ by more were computed without regard to what comes before them."""
LENGTHS = ((5, 4), (9, 6), (9, 3))
"""Tokens of the prompt and of the response of each piece; the last two share a prompt."""


def shares_prompts(network: Network, layout: Layout, processor: Processor, vocabulary: int) -> bool:
    """Whether a prompt may be computed once for all its responses.

    Raises a fault if the model cannot be sampled from token by token. All ranks call it together.
    """
    pieces = _pieces(processor, vocabulary)
    bound = BOUNDS.get(next(network.parameters()).dtype, 1.0)
    with torch.no_grad():
        whole = _scores(network, layout, pieces, False)
        alone = torch.cat([_scores(network, layout, [piece], False) for piece in pieces])
        steps = torch.cat([_in_steps(network, layout, piece) for piece in pieces])
        for name, other in (("in a batch", whole), ("token by token", steps)):
            worst = float((other - alone).abs().max())
            if not worst <= bound:
                raise WorkerFault(
                    "model",
                    f"a '{processor.config.model_type}' gives other log-probabilities {name} than alone and as a whole: they "
                    f"differ by {worst:.2g}, so that its rollouts could not be trained on",
                    "take a model of another family, or policy.with.attention eager")
        try:
            shared = _scores(network, layout, pieces, True)
        except (RuntimeError, ValueError, IndexError, NotImplementedError):
            return False
        return float((shared - alone).abs().max()) <= bound


def _pieces(processor: Processor, vocabulary: int) -> list[Piece]:
    """Prompts of different lengths, the longer one with an image if the model takes any."""
    draw = np.random.RandomState(5)
    allowed = np.setdiff1d(np.arange(vocabulary), [*processor.picture_tokens, *processor.special_tokens])
    words = lambda count: draw.choice(allowed, count).astype(np.int32)
    short = Prompt(words(LENGTHS[0][0]), [])
    long = Prompt(words(LENGTHS[1][0]), [])
    if processor.blank is not None:
        long = Prompt(np.concatenate([processor.blank.tokens, long.tokens]), processor.blank.images)
    return [Piece(0, 0, short, words(LENGTHS[0][1]))] + [
        Piece(1, index, long, words(count)) for index, (_, count) in enumerate(LENGTHS[1:])
    ]


def _scores(network: Network, layout: Layout, pieces: list[Piece], shared: bool) -> torch.Tensor:
    was, layout.shares_prompts = layout.shares_prompts, shared
    try:
        return network("log-probs", scored=layout.scored(pieces, False), temperature=1.0).float()
    finally:
        layout.shares_prompts = was


def _in_steps(network: Network, layout: Layout, piece: Piece) -> torch.Tensor:
    """As when the response is sampled."""
    cache = network.new_cache()
    batch, position = layout.prompts([piece.prompt], False)
    logits, mask = network("logits", batch=batch, cache=cache), batch.mask
    found = []
    for place, token in enumerate(piece.tokens.tolist()):
        found.append(torch.log_softmax(logits.float(), -1)[0, token])
        if place + 1 < len(piece.tokens):
            mask = torch.cat([mask, torch.ones_like(mask[:, :1])], 1)
            logits = network("logits", batch=layout.next_tokens([token], mask, position), cache=cache)
            position = position + 1
    return torch.stack(found)
