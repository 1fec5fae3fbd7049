// SPDX-License-Identifier: Apache-2.0
// Chooses the instruction set once, and forwards every call to it.
#include <string.h>

#include "KernelList.h"
#include "include/CKernels.h"

enum { PORTABLE, AVX2, AVX512 };

static int detect(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl"))
    return AVX512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return AVX2;
#endif
  return PORTABLE;
}

static _Thread_local int forced = -1;

static int level(void) {
  static int best = -1;
  if (forced >= 0) return forced;
  int known = __atomic_load_n(&best, __ATOMIC_RELAXED);
  if (known < 0) {
    known = detect();
    __atomic_store_n(&best, known, __ATOMIC_RELAXED);
  }
  return known;
}

bool ck_use_instruction_set(const char *name) {
  static const char *names[] = {[PORTABLE] = "portable", [AVX2] = "avx2", [AVX512] = "avx512"};
  int wanted = -1;
  if (name) {
    for (wanted = AVX512; wanted >= PORTABLE && strcmp(names[wanted], name) != 0;) wanted--;
    if (wanted < 0 || wanted > detect()) return false;
  }
  forced = wanted;
  return true;
}

const char *ck_instruction_set(void) {
  switch (level()) {
    case AVX512: return "avx512";
    case AVX2: return "avx2";
    default: return "portable";
  }
}

#if defined(__x86_64__)
#define CK_FORWARD(name, parameters, arguments)                           \
  static void name##_of_float parameters {                                \
    switch (level()) {                                                    \
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
