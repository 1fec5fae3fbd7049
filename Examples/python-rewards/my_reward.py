# SPDX-License-Identifier: Apache-2.0
"""A reward as short as it gets: a trajectory in, a number out, or None where it cannot tell."""


def score(trajectory):
    response = trajectory["response"]
    if "\\boxed{" not in response:
        return None
    return 1.0 if len(response) <= 80 else 0.0
