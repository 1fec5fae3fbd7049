// SPDX-License-Identifier: Apache-2.0
// The kernels for any machine, and all of them in double precision.
#define REAL float
#define NAME(name) ck_##name##_float_portable
#include "Kernels.inc"
#undef REAL
#undef NAME

#define CK_IS_DOUBLE
#define REAL double
#define NAME(name) ck_##name##_double_portable
#include "Kernels.inc"
