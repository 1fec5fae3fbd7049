# SPDX-License-Identifier: Apache-2.0
"""A reward function as EasyR1 wants it: a list of dicts in, a list of dicts out."""

import re

REWARD_NAME = "boxed"
REWARD_TYPE = "batch"


def last_box(response):
    boxes = re.findall(r"\\boxed\{([^{}]*)\}", response)
    return boxes[-1].strip() if boxes else None


def compute_score(reward_inputs, format_weight=0.1):
    if not isinstance(reward_inputs, list):
        raise ValueError("this function takes a batch")
    scores = []
    for reward_input in reward_inputs:
        response = reward_input["response"]
        accuracy = 1.0 if last_box(response) == reward_input["ground_truth"].strip() else 0.0
        form = 1.0 if re.fullmatch(r"<think>.*</think>.*\\boxed\{.*\}.*", response, re.DOTALL) else 0.0
        scores.append(
            {
                "overall": (1 - format_weight) * accuracy + format_weight * form,
                "accuracy": accuracy,
                "format": form,
            }
        )
    return scores
