#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the numeric tests with every set of kernels that this machine can run, and compares the kernels as built for aarch64
# with those of this machine: the same bits. What is tested must be built already (`make test-kernels`).
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
swift=${SWIFT:-swift}
read -r -a flags <<<"${TEST_FLAGS:?names the flags of swift test; start this with make test-kernels}"
probe=.build/release/policy-probe
unset SHUFFLE_R1_KERNELS

suites='^(BundledPluginTests|TensorTests|LossesPluginTests|UpdatePluginTests|WorkerPluginTests)\.'
suites+='|^PipelineCommandTests\.(GenerateTests|TrainingTests|SavedRolloutTests|EvaluateTests)/'
# Of those, what computes nothing with kernels.
others='^BundledPluginTests\.(Image|Tokenizer)'

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

run_tests() { # kernels
  local log=$scratch/log found start=$SECONDS count verdict=passed
  read -r found _ < <(SHUFFLE_R1_KERNELS=$1 "$probe" engine)
  SHUFFLE_R1_KERNELS=$1 "$swift" test "${flags[@]}" --skip-build --filter "$suites" --skip "$others" >"$log" 2>&1 ||
    verdict=failed
  count=$(sed -n 's/.* Test run with \([0-9]*\) test.*/\1/p' "$log")
  if [ "$found" != "$1" ] || [ "${count:-0}" -eq 0 ]; then verdict=failed; fi
  printf '  %-9s %4s tests  %s  %3d s\n' "$1" "${count:-no}" "$verdict" $((SECONDS - start))
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
    how=same
    # These have no fused multiply-add.
    if [ "$name" = portable ] && [ "$(uname -m)" = x86_64 ]; then how=compare; fi
    if found=$(SHUFFLE_R1_KERNELS=$name "$scratch/here" write "$scratch/numbers" &&
      qemu-aarch64 "$scratch/aarch64" $how "$scratch/numbers"); then
      printf '  aarch64   beside %-9s  passed: %s\n' "$name" "${found##*: }"
    else
      printf '  aarch64   beside %-9s  failed\n%s\n' "$name" "$found"
      failed=1
    fi
  done
}

kernels=$("$probe" kernels) || exit 1
for name in $kernels; do run_tests "$name"; done
compare_aarch64
if [ $failed -eq 0 ]; then echo 'kernels: all passed'; else echo 'kernels: failed'; fi
exit $failed
