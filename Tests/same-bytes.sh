#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs the example specs with several builds of the program, on several numbers of threads, and compares every byte.
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

different=0
for spec in Examples/replay/*.json Examples/yaml/*.yaml; do
  first=
  for program; do
    for threads in 1 2 7; do
      "$program" run "$spec" --set source.batch.groups=5 --threads "$threads" --quiet --overwrite --output "$scratch/run"
      # Wall-clock times differ, and so does how long they are.
      found=$(cd "$scratch/run" && find . -type f ! -name timings.jsonl ! -name state.json | sort | xargs cksum)
      [ -n "$first" ] || first=$found
      if [ "$found" != "$first" ]; then
        echo "different: $spec, $program, $threads threads"
        different=1
      fi
    done
  done
  echo "the same bytes: $spec"
done
exit "$different"
