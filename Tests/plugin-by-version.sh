#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A package that is not in this repository, and depends on it by a git URL and a version: its own build, tests, and both doors
# for Swift. The working tree becomes a repository with a tag; everything is built from nothing, which takes minutes. The
# program must have been built.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd -P)
swift=${SWIFT:-swift}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$root"

mkdir "$scratch/shuffle-r1"
git ls-files --cached --others --exclude-standard -z | tar --null --files-from=- --create --file=- |
  tar --extract --file=- --directory="$scratch/shuffle-r1"
cd "$scratch/shuffle-r1"
git init --quiet
git -c core.autocrlf=false add --all
git -c user.name=test -c user.email=test@localhost commit --quiet --message 'The working tree'
git tag 0.1.0

cd "$root"
"$swift" package new-plugin reward evenness --directory "$scratch/evenness" \
  --url "file://$scratch/shuffle-r1" --from 0.1.0 > "$scratch/new"
cd "$scratch/evenness"
grep 'package(url' Package.swift
# shellcheck disable=SC2086  # a list of flags
"$swift" build -c release ${SWIFT_FLAGS:-}
# shellcheck disable=SC2086
"$swift" test -c release --disable-testable-imports ${SWIFT_FLAGS:-}
.build/release/evenness run pipeline.json -q --output runs/compiled-in
"$root/.build/release/shuffle-r1" run pipeline.json -q --plugin .build/release/libEvennessRewardPlugIn.so --output runs/loaded
for file in selected.jsonl metrics.jsonl lineage.jsonl; do cmp "runs/compiled-in/$file" "runs/loaded/$file"; done
grep -c '"evenness":' runs/loaded/selected.jsonl
echo "test-plugin: by version, compiled in and loaded: the same bytes"
