# SPDX-License-Identifier: Apache-2.0
"""A reward function as TRL wants it: columns in, a list of numbers or None out."""


def brevity_reward(completions, finish, **kwargs):
    rewards = []
    for completion, reason in zip(completions, finish):
        text = completion[0]["content"] if isinstance(completion, list) else completion
        # None: this reward has nothing to say about what was cut off.
        rewards.append(None if reason == "length" else max(0.0, 1 - len(text) / 200))
    return rewards
