# SPDX-License-Identifier: Apache-2.0
"""The work that all contenders do: prompts, responses of mixed lengths, and the gradient of each response's log-probabilities."""

from dataclasses import asdict, dataclass

import numpy as np

ROWS = 4096
"""Tokens computed at a time, padding included: the worker's default."""


@dataclass(frozen=True)
class Work:
    """What is computed; the tokens themselves are random."""

    prompts: int = 2
    responses: int = 8
    shortest_prompt: int = 40
    longest_prompt: int = 120
    shortest: int = 16
    longest: int = 256
    vocabulary: int = 49152

    def groups(self) -> list[tuple[np.ndarray, list[np.ndarray]]]:
        """Prompts and their responses: lengths are even between the bounds, in random order."""
        draw = np.random.RandomState(11)
        tokens = lambda count: draw.randint(100, self.vocabulary, count).astype(np.int32)
        count = self.prompts * self.responses
        lengths = draw.permutation(np.linspace(self.shortest, self.longest, count).round().astype(int))
        starts = np.linspace(self.shortest_prompt, self.longest_prompt, self.prompts).round().astype(int)
        return [
            (tokens(starts[group]), [tokens(lengths[group * self.responses + index]) for index in range(self.responses)])
            for group in range(self.prompts)
        ]

    def facts(self) -> dict:
        """Its numbers, and how much of each layout is padding."""
        groups = self.groups()
        sizes = [(len(prompt), len(response)) for prompt, responses in groups for response in responses]
        return asdict(self) | {
            "response_tokens": sum(response for _, response in sizes),
            "tokens_without_padding": sum(map(sum, sizes)),
            "tokens_with_each_prompt_once": sum(response for _, response in sizes) + sum(len(prompt) for prompt, _ in groups),
            "tokens_of_one_padded_batch": len(sizes) * (max(one for one, _ in sizes) + max(two for _, two in sizes)),
        }


def slope(group: int, response: int) -> float:
    """The derivative of the loss by each log-probability of a response."""
    return 1e-3 * (0.5 if (group + response) % 2 else -1)
