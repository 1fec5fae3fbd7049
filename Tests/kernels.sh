#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the numeric tests with every set of our kernels and every set of OpenBLAS's that this machine can run, and compares
# the kernels as built for aarch64 with those of this machine. What is tested must be built already (`make test-kernels`).
#
#   Tests/kernels.sh [quick]    quick: each of our sets once, with the oldest or the newest of OpenBLAS's
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
swift=${SWIFT:-swift}
read -r -a flags <<<"${TEST_FLAGS:?names the flags of swift test; start this with make test-kernels}"
probe=.build/release/policy-probe
form=${1:-all}
unset SHUFFLE_R1_KERNELS OPENBLAS_CORETYPE

# From the oldest processors to the newest; OpenBLAS's names.
cores='Prescott Nehalem Sandybridge Haswell Zen SkylakeX Cooperlake Sapphirerapids'
suites='^(BundledPluginTests|TensorTests|LossesPluginTests|UpdatePluginTests|WorkerPluginTests)\.'
suites+='|^PipelineCommandTests\.(GenerateTests|TrainingTests|SavedRolloutTests|EvaluateTests)/'
# Of those, what computes nothing with kernels.
others='^BundledPluginTests\.(Image|Tokenizer)'

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

# Prints what speaks against a set of OpenBLAS's kernels here; nothing if it can be used.
objection() {
  local found status
  found=$(SWIFT_BACKTRACE=enable=no OPENBLAS_CORETYPE=$1 "$probe" engine 2>/dev/null)
  status=$?
  read -r _ core share <<<"$found"
  if [ $status -gt 128 ]; then
    echo "this processor lacks instructions of $1"
  elif [ $status -ne 0 ]; then
    echo "$probe engine failed with $status"
  elif [ "${core,,}" != "${1,,}" ]; then
    echo "this OpenBLAS has no $1 (it uses $core)"
  elif ! awk -v share="$share" 'BEGIN { exit !(share + 0 == share && share <= 1) }'; then
    echo "this OpenBLAS computes wrongly with $1 on this processor"
  fi
}

run_tests() { # kernels, core
  local log=$scratch/log found start=$SECONDS count verdict=passed
  read -r found _ < <(SHUFFLE_R1_KERNELS=$1 "$probe" engine)
  SHUFFLE_R1_KERNELS=$1 OPENBLAS_CORETYPE=$2 "$swift" test "${flags[@]}" --skip-build --filter "$suites" --skip "$others" >"$log" 2>&1 ||
    verdict=failed
  count=$(sed -n 's/.* Test run with \([0-9]*\) test.*/\1/p' "$log")
  if [ "$found" != "$1" ] || [ "${count:-0}" -eq 0 ]; then verdict=failed; fi
  printf '  %-9s %-15s %4s tests  %s  %3d s\n' "$1" "$2" "${count:-no}" "$verdict" $((SECONDS - start))
  if [ $verdict = failed ]; then
    failed=1
    grep -E '✘|error:' "$log" | head -40 || tail -5 "$log"
  fi
}

# The kernels as the toolchain's own clang builds them for aarch64, run by qemu: their numbers beside those of this machine.
compare_aarch64() {
  local sources=(Tests/KernelCheck/KernelCheck.c Tests/KernelCheck/Program/main.c) name clang found
  sources+=(Sources/CKernels/{Dispatch,Products,KernelsPortable,KernelsAVX2,KernelsAVX512}.c)
  clang=$(dirname "$(command -v "$swift")")/clang
  if ! command -v qemu-aarch64 >/dev/null || ! [ -d /usr/aarch64-linux-gnu/lib ] || ! [ -x "$clang" ]; then
    echo "  aarch64   skipped: needs qemu-aarch64 and a C library for it; on Debian and Ubuntu install" \
      "gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and qemu-user"
    return
  fi
  build() {
    "$clang" -O2 -std=c17 -ITests/KernelCheck/Program -ITests/KernelCheck/include -ISources/CKernels/include \
      "${sources[@]}" -lm "$@"
  }
  if ! build -o "$scratch/here" || ! build --target=aarch64-linux-gnu -fuse-ld=lld -static -o "$scratch/aarch64"; then
    echo '  aarch64   failed to build'
    failed=1
    return
  fi
  for name in $kernels; do
    if found=$(SHUFFLE_R1_KERNELS=$name "$scratch/here" write "$scratch/numbers" &&
      qemu-aarch64 "$scratch/aarch64" compare "$scratch/numbers"); then
      printf '  aarch64   beside %-9s  passed: %s\n' "$name" "${found##*: }"
    else
      printf '  aarch64   beside %-9s  failed\n%s\n' "$name" "$found"
      failed=1
    fi
  done
}

kernels=$("$probe" kernels) || exit 1
usable=()
if [ "$(uname -sm)" = 'Linux x86_64' ]; then
  for core in $cores; do
    why=$(objection "$core")
    if [ -z "$why" ]; then usable+=("$core"); else printf '  %-25s skipped: %s\n' "$core" "$why"; fi
  done
else
  read -r _ core _ < <("$probe" engine)
  usable=("$core")
fi
[ ${#usable[@]} -gt 0 ] || { echo "kernels: OpenBLAS computes rightly with none of its kernels" >&2; exit 1; }
if [ "$form" = quick ]; then
  core=${usable[0]}
  for name in $kernels; do
    run_tests "$name" "$core"
    core=${usable[-1]}
  done
else
  for name in $kernels; do
    for core in "${usable[@]}"; do run_tests "$name" "$core"; done
  done
fi
compare_aarch64
if [ $failed -eq 0 ]; then echo 'kernels: all passed'; else echo 'kernels: failed'; fi
exit $failed
