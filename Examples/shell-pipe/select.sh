#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The selection of Examples/replay, stage by stage in a shell pipe. Every | is a file you could keep and look at.
# Arguments go to the first stage.
set -eu
cd "$(dirname "$0")"
program=${SHUFFLE_R1:-../../.build/release/shuffle-r1}

"$program" stage reward --with '{
    "functions": [
      { "use": "boxed-answer", "weight": 0.9, "name": "accuracy" },
      { "use": "format", "weight": 0.1 }
    ]
  }' "$@" < ../replay/rollouts.jsonl |
  "$program" stage advantage |
  "$program" stage pairwise-sample --with '{"keep": 0.5}' |
  "$program" stage shuffle --with '{"rounds": 8}' --seed 1
