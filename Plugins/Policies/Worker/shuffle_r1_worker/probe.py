# SPDX-License-Identifier: Apache-2.0
"""Checks at start-up that a model can be computed in parts: whole, after a prompt that was kept, token by token, and packed."""

from __future__ import annotations

import numpy as np
import torch

from .batches import Layout, Piece
from .faults import WorkerFault, first_line
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
        begun = _begun(network, layout, pieces)
        first = torch.stack([it[0] for it in alone.split([len(it.tokens) for it in pieces])])
        for name, other, alike in (
            ("in a batch", whole, alone), ("token by token", steps, alone), ("after prompts in a batch", begun, first)
        ):
            worst = float((other - alike).abs().max())
            if not worst <= bound:
                raise WorkerFault(
                    "model",
                    f"a '{processor.config.model_type}' gives other log-probabilities {name} than alone and as a whole: they "
                    f"differ by {worst:.2g}, so that its rollouts could not be trained on",
                    "take a model of another family, or policy.with.attention eager")
        if network.is_recurrent:
            # The backward pass does not go through such a state.
            return False
        try:
            shared = _scores(network, layout, pieces, True)
        except (RuntimeError, ValueError, IndexError, NotImplementedError):
            return False
        return float((shared - alone).abs().max()) <= bound


SHARP_BOUNDS = {torch.float32: 1e-3, torch.bfloat16: 0.1}
"""Log-probabilities of a packed row that differ by more, and by more than padding makes them, are not due to rounding."""
LAYERS = {"full_attention", "sliding_attention"}
"""Kinds of layers that know of other tokens by attention alone."""


def reason_to_pad(network: Network, layout: Layout, processor: Processor, vocabulary: int) -> str:
    """Why prompts and responses cannot be one row without padding; nothing if they can. All ranks call it together."""
    others = sorted(network.packed.kinds - LAYERS)
    if others:
        return f"it has layers of the kind '{others[0]}'"
    pieces = _pieces(processor, vocabulary)
    bound = SHARP_BOUNDS.get(next(network.parameters()).dtype, 0.1)
    with torch.no_grad():
        try:
            with network.packed.watched() as sightings:
                alone = torch.cat([_scores(network, layout, [piece], False) for piece in pieces])
                is_causal = all(it.is_causal for it in sightings)
                sightings.clear()
                packed = _packed_scores(network, layout, pieces)
                windows = [it.window for it in sightings]
        except (RuntimeError, ValueError, IndexError, KeyError, TypeError, AttributeError, NotImplementedError) as error:
            return f"it does not take a packed row: {first_line(error)}"
        if not is_causal:
            return "some of its tokens see others that come after them, as those of an image"
        if windows != network.packed.windows:
            return "its layers do not say how far back they see"
        padded = _scores(network, layout, pieces, False)
        worst = float((packed - alone).abs().max())
        if not worst <= max(bound, 4 * float((padded - alone).abs().max())):
            return f"its log-probabilities differ by {worst:.2g} from those of padded rows"
        for changed in _changes(pieces, processor, vocabulary):
            same = [number for number, (one, two) in enumerate(zip(pieces, changed)) if one is two]
            moved = _packed_scores(network, layout, changed)
            worst = max(float((_row(moved, pieces, it) - _row(packed, pieces, it)).abs().max()) for it in same)
            if not worst <= bound:
                return f"responses see their neighbors in a row: log-probabilities change by {worst:.2g} with them"
    return ""


def _changes(pieces: list[Piece], processor: Processor, vocabulary: int) -> list[list[Piece]]:
    """The same pieces with others in the place of the first, of the second's response, and of the last two's prompt."""
    first, second, last = _pieces(processor, vocabulary, seed=6)
    return [
        [first, *pieces[1:]],
        [pieces[0], Piece(1, 0, pieces[1].prompt, second.tokens), pieces[2]],
        [pieces[0], Piece(1, 0, last.prompt, pieces[1].tokens), Piece(1, 1, last.prompt, pieces[2].tokens)],
    ]


def _row(values: torch.Tensor, pieces: list[Piece], number: int) -> torch.Tensor:
    """The numbers of one piece."""
    return values.split([len(it.tokens) for it in pieces])[number]


def _pieces(processor: Processor, vocabulary: int, seed: int = 5) -> list[Piece]:
    """Prompts of different lengths, the longer one with an image if the model takes any."""
    draw = np.random.RandomState(seed)
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


def _packed_scores(network: Network, layout: Layout, pieces: list[Piece]) -> torch.Tensor:
    was, layout.packs = layout.packs, True
    try:
        return _scores(network, layout, pieces, False)
    finally:
        layout.packs = was


def _begun(network: Network, layout: Layout, pieces: list[Piece]) -> torch.Tensor:
    """The first token of each piece, as when all prompts are computed together, padded on the left."""
    batch, _ = layout.prompts([piece.prompt for piece in pieces], False)
    logits = torch.log_softmax(network("logits", batch=batch, cache=network.new_cache()).float(), -1)
    return torch.stack([logits[row, int(piece.tokens[0])] for row, piece in enumerate(pieces)])


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
