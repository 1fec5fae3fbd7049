// SPDX-License-Identifier: Apache-2.0
// The kernels for any machine, and all of them in double precision.
#if defined(__aarch64__) || defined(__FMA__)
#define CK_FUSED
#endif

#define LANES 4
#define REAL float
#define NAME(name) ck_##name##_float_portable
#include "Kernels.inc"
#undef REAL
#undef NAME
#undef LANES

#define CK_IS_DOUBLE
#define LANES 2
#define REAL double
#define NAME(name) ck_##name##_double_portable
#include "Kernels.inc"
