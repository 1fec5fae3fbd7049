# SPDX-License-Identifier: Apache-2.0
"""A reward function as verl wants it: one response in, a number or a dict with `score` out."""

import re


def compute_score(data_source, solution_str, ground_truth, extra_info=None, partial_credit=0.0):
    found = re.findall(r"-?\d+(?:\.\d+)?", solution_str.split("\\boxed{")[-1])
    if not found:
        return {"score": 0.0, "answered": 0.0}
    distance = abs(float(found[0]) - float(ground_truth))
    return {"score": 1.0 if distance == 0 else partial_credit if distance == 1 else 0.0, "answered": 1.0}
