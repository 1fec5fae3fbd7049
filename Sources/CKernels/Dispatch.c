// SPDX-License-Identifier: Apache-2.0
// Chooses the instruction set once, and forwards every call to it.
#include <stdlib.h>
#include <string.h>

#include "KernelList.h"
#include "include/CKernels.h"

enum { PORTABLE, AVX2, AVX512, AVX512_BF16 };

static int detect(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl"))
    return __builtin_cpu_supports("avx512bf16") ? AVX512_BF16 : AVX512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return AVX2;
#endif
  return PORTABLE;
}

static const char *const names[] = {
    [PORTABLE] = "portable", [AVX2] = "avx2", [AVX512] = "avx512", [AVX512_BF16] = "avx512-bf16"};

// The level of that name; -1 where this machine does not have it.
static int named(const char *name) {
  int best = detect();
  for (int level = PORTABLE; level <= best; level++)
    if (strcmp(names[level], name) == 0) return level;
  return -1;
}

static const char *chosen(void) {
  const char *name = getenv("SHUFFLE_R1_KERNELS");
  return name && *name ? name : NULL;
}

static _Thread_local int forced = -1;

static int level(void) {
  static int best = -1;
  if (forced >= 0) return forced;
  int known = __atomic_load_n(&best, __ATOMIC_RELAXED);
  if (known < 0) {
    known = chosen() ? named(chosen()) : -1;
    if (known < 0) known = detect();
    __atomic_store_n(&best, known, __ATOMIC_RELAXED);
  }
  return known;
}

bool ck_use_instruction_set(const char *name) {
  int wanted = name ? named(name) : -1;
  if (name && wanted < 0) return false;
  forced = wanted;
  return true;
}

bool ck_has_instruction_set(const char *name) { return named(name) >= 0; }

const char *ck_refused_instruction_set(void) {
  const char *name = chosen();
  return name && named(name) < 0 ? name : NULL;
}

const char *ck_arithmetic(void) {
#if defined(__x86_64__) && !defined(__FMA__)
  return level() == PORTABLE ? "rounded" : "fused";
#else
  return "fused";
#endif
}

bool ck_multiplies_bf16_pairs(void) { return level() == AVX512_BF16; }

const char *ck_instruction_set(void) { return names[level()]; }

#if defined(__x86_64__)
#define CK_FORWARD(name, parameters, arguments)                           \
  static void name##_of_float parameters {                                \
    switch (level()) {                                                    \
      case AVX512_BF16:                                                   \
      case AVX512: ck_##name##_float_avx512 arguments; return;            \
      case AVX2: ck_##name##_float_avx2 arguments; return;                \
      default: ck_##name##_float_portable arguments;                      \
    }                                                                     \
  }
#else
#define CK_FORWARD(name, parameters, arguments) \
  static void name##_of_float parameters { ck_##name##_float_portable arguments; }
#endif
CK_KERNELS(CK_FORWARD)

#define CK_OPEN(...) __VA_ARGS__
#define CK_PUBLIC(name, parameters, arguments)            \
  void ck_##name(ck_type type, CK_OPEN parameters) {      \
    if (type == CK_DOUBLE) {                              \
      ck_##name##_double_portable arguments;              \
    } else {                                              \
      name##_of_float arguments;                          \
    }                                                     \
  }
CK_KERNELS(CK_PUBLIC)
