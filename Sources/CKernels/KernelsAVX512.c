// SPDX-License-Identifier: Apache-2.0
// The kernels for x86-64 with AVX-512.
#if defined(__x86_64__)
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma"))), apply_to = function)
#define CK_FUSED
#define LANES 16
#define REAL float
#define NAME(name) ck_##name##_float_avx512
#include "Kernels.inc"
#pragma clang attribute pop
#endif
