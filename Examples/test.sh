#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs every example as its README says, in a clean folder, and compares what comes out with what should.
#
#   Examples/test.sh             run and compare
#   Examples/test.sh --record    write what comes out into the READMEs and replay/expected
#
# Blocks marked `sh` are commands, run from the top of the repository; a block marked `text` after one is what it
# prints, times aside. The program must have been built. Python with pyarrow is needed for trl-parquet alone, which is
# skipped without.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd -P)
swift=${SWIFT:-swift}
record=no
[ "${1:-}" != --record ] || record=yes

[ -x "$root/.build/release/shuffle-r1" ] || {
  echo "examples: .build/release/shuffle-r1 is missing; run: make test-examples" >&2
  exit 1
}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Looks like the repository, and has an empty runs/ of its own.
mkdir -p "$scratch/top/runs" "$scratch/bin"
for name in .build Examples Schemas; do ln -s "$root/$name" "$scratch/top/$name"; done

# The `swift` of the READMEs: in the repository itself, whose build it shares, and with the flags of this build.
cat > "$scratch/bin/swift" << 'END'
#!/bin/sh
cd "$ROOT" || exit 1
# shellcheck disable=SC2086  # a list of flags
exec "$REAL_SWIFT" "$@" ${SWIFT_FLAGS:-}
END
chmod +x "$scratch/bin/swift"
REAL_SWIFT=$(command -v "$swift")
ROOT=$root
COLUMNS=80
# The specs of the examples are ours.
SHUFFLE_R1_TRUST=$root:$scratch
export REAL_SWIFT ROOT COLUMNS SHUFFLE_R1_TRUST
PATH=$scratch/bin:$root/.build/release:$PATH
cd "$scratch/top"

passed=0 failed=0 skipped=0

# fail EXAMPLE WHAT: counts it, and shows the file of standard input below it.
fail() {
  printf '  failed   %s: %s\n' "$1" "$2"
  sed 's/^/           /'
  failed=$((failed + 1))
}

# Times differ from run to run.
without_times() { sed -E 's/ *[0-9.]+ (ms|s)( |$)/ …\2/g' "$1"; }

# run_readme EXAMPLE: runs the blocks of its README in order, up to the first that fails.
run_readme() {
  readme=$root/Examples/$1/README.md
  blocks=$scratch/blocks/$1
  mkdir -p "$blocks"
  awk -v folder="$blocks" '
    /^```sh$/ { number++; hasOutput = 0; file = sprintf("%s/%02d.sh", folder, number); printf "" > file; next }
    /^```text$/ && number && !hasOutput {
      hasOutput = 1; file = sprintf("%s/%02d.expected", folder, number); printf "" > file; next
    }
    /^```/ { file = ""; next }
    file { print > file }' "$readme"
  for block in "$blocks"/*.sh; do
    output=${block%.sh}.out
    expected=${block%.sh}.expected
    sh -eu "$block" > "$output" 2>&1 < /dev/null || {
      tail -n 20 "$output" | cat "$block" - > "$scratch/report"
      fail "$1" 'a command of its README ended with an error' < "$scratch/report"
      return
    }
    [ -f "$expected" ] || continue
    without_times "$expected" > "$scratch/expected"
    without_times "$output" > "$scratch/output"
    if cmp -s "$scratch/expected" "$scratch/output"; then
      cp "$expected" "$output"
    elif [ $record = no ]; then
      diff "$scratch/expected" "$scratch/output" | cat "$block" - > "$scratch/report"
      fail "$1" 'a command does not print what its README says (< README, > now)' < "$scratch/report"
      return
    fi
  done
  if [ $record = yes ]; then
    awk -v folder="$blocks" '
      /^```sh$/ { number++; hasOutput = 0 }
      /^```text$/ && number && !hasOutput {
        hasOutput = 1; print
        file = sprintf("%s/%02d.out", folder, number)
        while ((getline line < file) > 0) print line
        skipping = 1; next
      }
      /^```/ { skipping = 0 }
      !skipping { print }' "$readme" > "$scratch/readme"
    cmp -s "$scratch/readme" "$readme" || cat "$scratch/readme" > "$readme"
  fi
}

# check_specs EXAMPLE PROGRAM: every spec is right, and names its schema for editors.
check_specs() {
  [ "$2" != none ] || return 0
  for spec in Examples/"$1"/*.json Examples/"$1"/*.yaml; do
    [ -f "$spec" ] || continue
    "$2" check --quiet "$spec" > "$scratch/output" 2>&1 || fail "$1" "$spec is not right" < "$scratch/output"
    grep -q '^ *"*$schema"*: ' "$spec" || fail "$1" "$spec names no \$schema" < /dev/null
  done
}

# compare_replay: the run of the README against expected/.
compare_replay() {
  now=$scratch/replay
  mkdir "$now"
  sed -n 's/^{"id": "\([^"]*\)".*,"draws":\(\[[0-9,]*\]\)}$/\1 \2/p' runs/replay/selected.jsonl > "$now/draws.txt"
  head -n 3 runs/replay/selected.jsonl > "$now/selected.head.jsonl"
  cp runs/replay/metrics.jsonl "$now/metrics.jsonl"
  if [ $record = yes ]; then
    cp "$now"/* Examples/replay/expected/
    return
  fi
  diff -r Examples/replay/expected "$now" > "$scratch/output" 2>&1 ||
    fail replay 'the run differs from expected/ (< expected, > now)' < "$scratch/output"
}

# example NAME [PROGRAM]
example() {
  failures=$failed
  run_readme "$1"
  if [ "$failed" -eq "$failures" ]; then check_specs "$1" "${2:-shuffle-r1}"; fi
  if [ "$failed" -eq "$failures" ] && [ "$1" = replay ]; then compare_replay; fi
  if [ "$failed" -eq "$failures" ]; then
    passed=$((passed + 1))
    echo "  ok       $1"
  fi
}

example replay
example yaml
example benchmarks
example papers
example shell-pipe
example custom-reward brevity
# Its spec names a reward that no program on the command line knows.
example embedded-run none
example python-rewards
example notebook none
if python3 -c 'import pyarrow' 2> /dev/null; then
  example trl-parquet
else
  skipped=$((skipped + 1))
  echo '  skipped  trl-parquet: pyarrow is not installed'
fi

# scripts EXAMPLE [PYTHON]: the tests of an example's Python programs, and which of them were skipped.
scripts() {
  if "${2:-python3}" -m unittest discover -v -s "$root/Examples/$1" > "$scratch/output" 2>&1; then
    passed=$((passed + 1))
    echo "  ok       $1: its scripts"
    sed -n "s/^\([^ ]*\) .* skipped [\"']\(.*\)[\"']$/  skipped  $1: \1: \2/p" "$scratch/output"
  else
    fail "$1" 'its scripts do not do what their tests say' < "$scratch/output"
  fi
}

# guide FILE: writes the files that a guide shows, each of which begins with a comment that holds its path, and runs its
# commands, in the order of the guide.
guide() {
  name=$(basename "$1" .md)
  awk '
    /^```sh$/ { isCommand = 1; next }
    /^```(python|swift|json)$/ { isFile = 1; path = ""; next }
    /^```/ { if (path != "") print "END_OF_FILE"; isCommand = isFile = 0; path = ""; next }
    isCommand { print }
    isFile && path == "" && /^(#|\/\/) [^ ]*\/[^ ]*$/ { path = $2; print "cat > \"" path "\" << \"END_OF_FILE\"" }
    isFile && path != "" { print }' "$root/$1" > "$scratch/$name.sh"
  if sh -eu "$scratch/$name.sh" > "$scratch/output" 2>&1 < /dev/null; then
    passed=$((passed + 1))
    echo "  ok       $name: every snippet of the guide"
  else
    tail -n 20 "$scratch/output" > "$scratch/report"
    fail "$name" 'a snippet of the guide ended with an error' < "$scratch/report"
  fi
}

guide Sources/PipelineCore/PipelineCore.docc/YourFirstReward.md
rm -f "$root"/.build/release/short-answer "$root"/.build/release/libShortAnswer*

if SWIFT=$swift "$root/Tests/new-plugin.sh" > "$scratch/output" 2>&1; then
  passed=$((passed + 1))
  cat "$scratch/output"
else
  fail new-plugin 'a package that was scaffolded does not work' < "$scratch/output"
fi

scripts easy-vqa
# With the packages of its own environment, where `make quickstart-llm` has made it.
smollm2_python=$root/.venv-smollm2/bin/python
[ -x "$smollm2_python" ] || smollm2_python=python3
scripts smollm2 "$smollm2_python"
check_specs smollm2 shuffle-r1
scripts smol-vlm "$smollm2_python"
check_specs smol-vlm shuffle-r1
scripts paper-in-miniature
example cluster
scripts cluster

echo "examples: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
