#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Scaffolds a package of each kind with `swift package new-plugin`, builds it against this checkout, runs its tests, and
# uses it through both doors for Swift: compiled in, and loaded at run time. The build folder is shared, so that only the new
# package is compiled. The program must have been built.
#
#   Tests/new-plugin.sh [KIND...]      reward, stage, advantage, loss, sampler, waves and store, if none is named
set -eu

root=$(cd "$(dirname "$0")/.." && pwd -P)
swift=${SWIFT:-swift}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$root"

# quietly LOG COMMAND...: shows what the command printed only where it fails.
quietly() {
  log=$scratch/$1.log
  shift
  "$@" > "$log" 2>&1 || {
    tail -n 40 "$log" >&2
    echo "new-plugin: failed: $*" >&2
    exit 1
  }
}

for kind in ${*:-reward stage advantage loss sampler waves store}; do
  name=mine-$kind
  folder=$scratch/$name
  # shellcheck disable=SC2086  # a list of flags
  {
    quietly "$kind-new" "$swift" package new-plugin "$kind" "$name" --directory "$folder"
    quietly "$kind-build" "$swift" build -c release --package-path "$folder" --scratch-path .build ${SWIFT_FLAGS:-}
    quietly "$kind-test" "$swift" test -c release --disable-testable-imports --package-path "$folder" \
      --scratch-path .build ${SWIFT_FLAGS:-}
  }
  library=$(ls .build/release/libMine*PlugIn.so)
  [ "$kind" = loss ] || [ "$kind" = waves ] || {
    quietly "$kind-door-1" ".build/release/$name" run "$folder/pipeline.json" -q --output "$scratch/compiled-in-$kind"
    quietly "$kind-door-2" .build/release/shuffle-r1 run "$folder/pipeline.json" -q --plugin "$library" \
      --output "$scratch/loaded-$kind"
    for file in selected.jsonl metrics.jsonl lineage.jsonl; do
      cmp "$scratch/compiled-in-$kind/$file" "$scratch/loaded-$kind/$file"
    done
  }
  # What the package says of itself is told through both doors.
  tells() {
    grep -q "$1" "$2" || {
      echo "new-plugin: '$1' is not in:" >&2
      cat "$2" >&2
      exit 1
    }
  }
  case $kind in
    stage)
      ".build/release/$name" why "$scratch/compiled-in-stage" q0/3 --color never > "$scratch/why"
      tells "rule 'too-long': its response has more" "$scratch/why"
      .build/release/shuffle-r1 why "$scratch/loaded-stage" q0/0 --plugin "$library" --color never > "$scratch/why"
      tells 'up to 30 characters are let pass' "$scratch/why"
      .build/release/shuffle-r1 why "$scratch/loaded-stage" q0/3 --color never > "$scratch/why"
      tells "the stage 'mine-stage' uses a component that is not here" "$scratch/why"
      .build/release/shuffle-r1 describe --metrics --plugin "$library" > "$scratch/metrics"
      tells 'mine-stage/response_length, characters' "$scratch/metrics"
      ".build/release/$name" describe --markdown "$scratch/pages"
      tells '| `mine-stage/response_length` | characters |' "$scratch/pages/Metrics.md"
      tells '| `too-long` | its response has more' "$scratch/pages/StageReference.md"
      ;;
    advantage)
      ".build/release/$name" why "$scratch/compiled-in-advantage" q0/0 --color never > "$scratch/why"
      tells 'by mine-advantage: reward - middle of the best' "$scratch/why"
      ;;
    sampler)
      ".build/release/$name" why "$scratch/compiled-in-sampler" q0/0 --color never > "$scratch/why"
      tells 'chosen by mine-sampler: it was met ' "$scratch/why"
      # The same as a program.
      quietly "$kind-python" .build/release/shuffle-r1 run "$folder/pipeline-python.json" -q --trust \
        --output "$scratch/python"
      tells '"process/met":1.0' "$scratch/python/metrics.jsonl"
      ;;
    waves)
      ln -s "$PWD/Examples/easy-vqa/model" "$folder/model"
      printf '{"id": "q%d", "prompt": "1 + 1 = ?", "answer": "2"}\n' 1 2 3 > "$folder/prompts.jsonl"
      quietly "$kind-python" .build/release/shuffle-r1 run "$folder/pipeline-python.json" -q --trust \
        --set training.steps=1 --set source.batch.groups=3 --set output.allow_empty=true --output "$scratch/python-waves"
      tells '"rollout_wave":2' "$scratch/python-waves/lineage.jsonl"
      ;;
    store)
      grep '@r' "$scratch/compiled-in-store/lineage.jsonl" | head -n 1 | sed 's/.*"id":"\([^"]*@r[0-9]*\)".*/\1/' > "$scratch/id"
      ".build/release/$name" why "$scratch/compiled-in-store" "$(cat "$scratch/id")" --color never > "$scratch/why"
      tells 'replayed from step ' "$scratch/why"
      # The same as a program.
      quietly "$kind-python" .build/release/shuffle-r1 run "$folder/pipeline-python.json" -q --trust \
        --output "$scratch/python-store"
      tells '"store/helped":[1-9]' "$scratch/python-store/metrics.jsonl"
      ;;
    *)
      ".build/release/$name" describe --markdown "$scratch/pages"
      grep -q "^## $name\$" "$scratch"/pages/*Reference.md
      ;;
  esac
  quietly "$kind-check-1" ".build/release/$name" check "$folder/pipeline.json"
  quietly "$kind-check-2" .build/release/shuffle-r1 check "$folder/pipeline.json" --plugin "$library"
  # What is compiled in cannot be loaded a second time under the same name.
  if ".build/release/$name" describe --plugin "$library" > "$scratch/twice" 2>&1; then
    echo "new-plugin: a duplicate name was taken" >&2
    exit 1
  fi
  grep -q "the $kind '$name' is registered already; give one of the two another name" "$scratch/twice" || {
    cat "$scratch/twice" >&2
    exit 1
  }
  rm -f "$library" ".build/release/$name"
  echo "  ok       new-plugin $kind: its tests, compiled in, loaded at run time"
done
