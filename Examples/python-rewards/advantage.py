# SPDX-License-Identifier: Apache-2.0
"""An advantage estimator as a program: batches of trajectories in, what to set for each out.

The whole batch comes at once; `batch_left` is 0 in its last line.
"""

import json
import sys

batch = []
for line in sys.stdin:
    batch.append(json.loads(line))
    if batch[-1]["batch_left"] > 0:
        continue
    groups = {}
    for trajectory in batch:
        if "reward" in trajectory:
            groups.setdefault(trajectory["group"], []).append(trajectory["reward"])
    for trajectory in batch:
        if "reward" not in trajectory:
            print(json.dumps({"id": trajectory["id"], "drop": "no-reward"}))
            continue
        rewards = groups[trajectory["group"]]
        middle = (max(rewards) + min(rewards)) / 2
        print(json.dumps({"id": trajectory["id"], "set": {"advantage": trajectory["reward"] - middle}}))
    sys.stdout.flush()
    batch = []
