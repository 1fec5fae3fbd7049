// SPDX-License-Identifier: Apache-2.0
// What a core can do at most: independent multiply-adds in registers, and a buffer that is read from its begin to its end.
#include <stdint.h>
#include <string.h>

#include "../../Sources/CKernels/include/CKernels.h"
#include "KernelCheck.h"

// Twelve sums, since a multiply-add waits four cycles for the one before it, and up to two begin in a cycle.
#define MULTIPLY_ADDS(name, lanes, how)                                                                   \
  static float name(size_t rounds) {                                                                      \
    typedef float vector __attribute__((vector_size(sizeof(float) * lanes)));                             \
    vector sums[12], factor = 0.9999f - (vector){0}, term = 0.0001f - (vector){0};                         \
    for (int i = 0; i < 12; i++) sums[i] = (float)i - (vector){0};                                        \
    for (size_t round = 0; round < rounds; round++) {                                                     \
      _Pragma("clang loop unroll(full)") for (int i = 0; i < 12; i++) sums[i] = how(sums[i], factor, term); \
      __asm__ volatile("" : : : "memory");                                                                \
    }                                                                                                     \
    float total = 0;                                                                                      \
    for (int i = 0; i < 12; i++)                                                                          \
      for (int lane = 0; lane < lanes; lane++) total += sums[i][lane];                                    \
    return total;                                                                                         \
  }
#define ROUNDED(a, b, c) ((a) * (b) + (c))

#if defined(__aarch64__) || defined(__FMA__)
MULTIPLY_ADDS(multiply_adds, 4, __builtin_elementwise_fma)
#else
MULTIPLY_ADDS(multiply_adds, 4, ROUNDED)
#endif
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
MULTIPLY_ADDS(multiply_adds_avx2, 8, __builtin_elementwise_fma)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,fma"))), apply_to = function)
MULTIPLY_ADDS(multiply_adds_avx512, 16, __builtin_elementwise_fma)
#pragma clang attribute pop
#endif

static volatile float sink;

size_t kc_multiply_adds(size_t rounds) {
  const char *set = ck_instruction_set();
#if defined(__x86_64__)
  if (strncmp(set, "avx512", 6) == 0) {
    sink = multiply_adds_avx512(rounds);
    return rounds * 12 * 16;
  }
  if (strcmp(set, "avx2") == 0) {
    sink = multiply_adds_avx2(rounds);
    return rounds * 12 * 8;
  }
#endif
  (void)set;
  sink = multiply_adds(rounds);
  return rounds * 12 * 4;
}

uint64_t kc_read(const void *bytes, size_t count) {
  typedef uint64_t vector __attribute__((vector_size(64), aligned(8)));
  vector sums[4] = {0};
  const char *at = bytes;
  for (size_t i = 0; i + 256 <= count; i += 256)
    for (int part = 0; part < 4; part++) {
      vector some;
      memcpy(&some, at + i + part * 64, sizeof some);
      sums[part] += some;
    }
  uint64_t total = 0;
  for (int part = 0; part < 4; part++)
    for (int lane = 0; lane < 8; lane++) total += sums[part][lane];
  return total;
}
