# SPDX-License-Identifier: Apache-2.0
"""The function that is measured, and a program around it."""

import json
import sys


def score(trajectory):
    return len(trajectory["response"]) % 7 / 7


if __name__ == "__main__":
    write = sys.stdout.write
    for line in sys.stdin:
        trajectory = json.loads(line)
        write(json.dumps({"id": trajectory["id"], "score": score(trajectory)}) + "\n")
        if trajectory["batch_left"] == 0:
            sys.stdout.flush()
