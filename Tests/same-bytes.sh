#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs five specs with several builds of the program, on several numbers of threads, and compares every byte that a run
# reproduces: three replays of saved rollouts (GRPO, DAPO, Shuffle-R1), one of them in YAML, and a training with rollouts of
# prompts with images, a filter that refills, pairs, shuffle, KL and checkpoints.
#
#   Tests/same-bytes.sh PROGRAM PROGRAM…
set -eu
[ $# -gt 0 ] || {
  echo "usage: $0 PROGRAM PROGRAM…" >&2
  exit 2
}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$(dirname "$0")/.."
fixtures=Tests/PipelineCommandTests/Fixtures
mkdir "$scratch/training"
cp -r "$fixtures"/training/* "$fixtures/model" "$fixtures/image.png" "$scratch/training"

# What a run reproduces: all but wall-clock figures, files whose length depends on them, and the run's own bookkeeping.
reproduced() {
  (cd "$1" && find . -type f ! -name timings.jsonl ! -name state.json ! -name resolved.json ! -path './tensorboard/*' \
    ! -path './cache/*' | sort | xargs cksum)
}

different=0
# compare SPEC OPTION…
compare() {
  spec=$1
  shift
  first=
  for program in $programs; do
    for threads in 1 2 7; do
      "$program" run "$spec" "$@" --threads "$threads" --quiet --overwrite --output "$scratch/run"
      found=$(reproduced "$scratch/run")
      [ -n "$first" ] || first=$found
      if [ "$found" != "$first" ]; then
        echo "different: $spec, $program, $threads threads"
        different=1
      fi
    done
  done
  [ "$different" -eq 1 ] || echo "the same bytes: $spec ($(echo "$first" | wc -l) files)"
}

programs=$*
for spec in Examples/replay/grpo.json Examples/replay/dapo.json Examples/replay/pipeline.json Examples/yaml/pipeline.yaml; do
  compare "$spec" --set source.batch.groups=5
done
compare "$scratch/training/train.json"
exit "$different"
