// SPDX-License-Identifier: Apache-2.0
// The kernels for x86-64 with AVX2 and FMA.
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define CK_FUSED
#define LANES 8
#define REAL float
#define NAME(name) ck_##name##_float_avx2
#include "Kernels.inc"
#pragma clang attribute pop
#endif
