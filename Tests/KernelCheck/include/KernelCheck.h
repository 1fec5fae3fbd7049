// SPDX-License-Identifier: Apache-2.0
// Compares what the kernels compute in float with what they compute in double from the same inputs.
#ifndef KERNEL_CHECK_H
#define KERNEL_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What a check hears of a kernel: the numbers that it computed in float, and how far each may be from the exact one.
/// `share` is the largest error among them as a share of that bound.
typedef void (*kc_report)(
    void *context, const char *kernel, const float *values, const double *bounds, size_t count, double share);

/// Calls `report` for each output of each kernel, in shapes that do and do not fill vectors, in the instruction set of
/// the calling thread. Inputs are the same on every machine.
void kc_check_kernels(kc_report report, void *context);

/// The largest error of `ck_gemm` against a plain loop, as a share of what rounding may do to it at most; in all forms
/// and in shapes that do and do not fill blocks.
double kc_check_products(void);

/// Puts a fault into what `kc_check_kernels` gets from the kernel of this name, to see that it notices: the largest number
/// of each output becomes larger by a 4096th. Null takes the fault out again. For the calling thread alone.
void kc_spoil(const char *kernel);

/// Does multiply-adds of single-precision numbers in registers, with the instruction set of the calling thread, so many
/// rounds; returns their number.
size_t kc_multiply_adds(size_t rounds);

/// Reads memory from its begin to its end; what it returns depends on all of it.
uint64_t kc_read(const void *bytes, size_t count);

#ifdef __cplusplus
}
#endif
#endif
