#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs into an empty folder and uses what is there from another one. The program must have been built.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd -P)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail() {
  echo "install: $1" >&2
  exit 1
}

"$root/.ci/install" "$scratch/prefix" > "$scratch/said"
"$root/.ci/install" "$scratch/prefix" > "$scratch/said"   # a second time, over the first
mkdir "$scratch/elsewhere"
cd "$scratch/elsewhere"
share=$scratch/prefix/share
PATH=$scratch/prefix/bin:$PATH

[ "$(command -v shuffle-r1)" = "$scratch/prefix/bin/shuffle-r1" ] || fail 'the program is not in bin'
printf '%s\n' '{"source": {"rollouts": "r.jsonl", "provides": ["answer"]},' \
  '"stages": [{"use": "reward", "with": {"functions": ["boxed-answer"]}}, "advantage", "pairwise-sample", "shuffle"]}' > spec.json
shuffle-r1 check --quiet spec.json
for number in 1 2 3 4; do
  printf '{"id": "q/%d", "group": "q", "prompt": "1+1?", "response": "\\\\boxed{%d}", "answer": "2"}\n' $number $number
done > r.jsonl
shuffle-r1 run --quiet spec.json --output run
[ -s run/selected.jsonl ] || fail 'the installed program selects nothing'

case $(uname -s) in Darwin) suffix=dylib ;; *) suffix=so ;; esac
[ -s "$scratch/prefix/lib/libPipelineCore.$suffix" ] || fail 'libPipelineCore is missing'
for schema in pipeline trajectory prompt; do
  cmp "$share/shuffle-r1/schemas/$schema.schema.json" "$root/Schemas/$schema.schema.json"
done

# Every command and every long option of its help is in the manual page.
page=$share/man/man1/shuffle-r1.1
sed 's/\\f[BIR]//g; s/\\//g' "$page" > plain
for command in $(shuffle-r1 --help | sed -n '/^SUBCOMMANDS:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p'); do
  grep -qx "\.SS $command" plain || fail "the manual page lacks $command"
  for option in $(shuffle-r1 "$command" --help | sed -n 's/^  \(-[a-z], \)\{0,1\}--\([a-z-]*\).*/\2/p'); do
    sed -n "/^\.SS $command\$/,/^\.SS /p; /^\.SH OPTIONS/,/^\.SH /p" plain | grep -Eq -- "^(-[a-zA-Z], )?--$option( |\$)" ||
      fail "the manual page lacks --$option of $command"
  done
done
if command -v groff > /dev/null; then
  groff -man -Tutf8 -ww "$page" 2> "$scratch/faults" > "$scratch/page"
  [ ! -s "$scratch/faults" ] || fail "the manual page: $(head -n 3 "$scratch/faults")"
fi

bash -n "$share/bash-completion/completions/shuffle-r1"
if command -v zsh > /dev/null; then zsh -n "$share/zsh/site-functions/_shuffle-r1"; fi
if command -v fish > /dev/null; then fish -n "$share/fish/vendor_completions.d/shuffle-r1.fish"; fi
echo 'install: program, library, schemas, manual page and completions work from another folder'
