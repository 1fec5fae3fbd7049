// SPDX-License-Identifier: Apache-2.0
// Every kernel that exists once for each type and instruction set: X(name, parameters, arguments).
#ifndef KERNEL_LIST_H
#define KERNEL_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/CKernels.h"

// clang-format off
#define CK_KERNELS(X) \
  X(gemm, \
    (bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k, double alpha, const void *a, size_t lda, const void *b, size_t ldb, double beta, void *c, size_t ldc), \
    (transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)) \
  X(pack, \
    (bool transpose_b, size_t n, size_t k, size_t first, size_t columns, const void *b, size_t ldb, void *packed), \
    (transpose_b, n, k, first, columns, b, ldb, packed)) \
  X(gemm_packed, \
    (bool transpose_a, size_t m, size_t n, size_t k, size_t first, size_t columns, double alpha, const void *a, size_t lda, const void *packed, double beta, void *c, size_t ldc), \
    (transpose_a, m, n, k, first, columns, alpha, a, lda, packed, beta, c, ldc)) \
  X(gemm_narrow, \
    (ck_narrow narrow, size_t m, size_t n, size_t k, size_t first, size_t columns, const void *a, size_t lda, const void *packed, const float *scales, double beta, void *c, size_t ldc), \
    (narrow, m, n, k, first, columns, a, lda, packed, scales, beta, c, ldc)) \
  X(rms_norm, \
    (size_t rows, size_t width, double epsilon, const void *x, const void *weight, void *y, void *inverse), \
    (rows, width, epsilon, x, weight, y, inverse)) \
  X(rms_norm_backward, \
    (size_t rows, size_t width, const void *x, const void *weight, const void *inverse, const void *dy, void *dx, void *dweight), \
    (rows, width, x, weight, inverse, dy, dx, dweight)) \
  X(layer_norm, \
    (size_t rows, size_t width, double epsilon, const void *x, const void *weight, const void *bias, void *y, void *means, void *inverses), \
    (rows, width, epsilon, x, weight, bias, y, means, inverses)) \
  X(layer_norm_backward, \
    (size_t rows, size_t width, const void *x, const void *weight, const void *means, const void *inverses, const void *dy, void *dx, void *dweight, void *dbias), \
    (rows, width, x, weight, means, inverses, dy, dx, dweight, dbias)) \
  X(head_norm, \
    (size_t rows, size_t heads, size_t size, double epsilon, const void *weight, void *x, size_t ldx, void *inverses), \
    (rows, heads, size, epsilon, weight, x, ldx, inverses)) \
  X(head_norm_backward, \
    (size_t rows, size_t heads, size_t size, const void *x, size_t ldx, const void *weight, const void *inverses, void *dy, size_t lddy, void *dweight), \
    (rows, heads, size, x, ldx, weight, inverses, dy, lddy, dweight)) \
  X(rotate, \
    (size_t rows, size_t heads, size_t size, const void *cosines, const void *sines, double direction, void *x, size_t ldx), \
    (rows, heads, size, cosines, sines, direction, x, ldx)) \
  X(swiglu, \
    (size_t rows, size_t width, const void *x, void *y), \
    (rows, width, x, y)) \
  X(swiglu_backward, \
    (size_t rows, size_t width, const void *x, const void *dy, void *dx), \
    (rows, width, x, dy, dx)) \
  X(gelu, \
    (size_t count, const void *x, void *y), \
    (count, x, y)) \
  X(gelu_backward, \
    (size_t count, const void *x, const void *dy, void *dx), \
    (count, x, dy, dx)) \
  X(sigmoid_gelu, \
    (size_t count, double linear, double cubic, const void *x, void *y), \
    (count, linear, cubic, x, y)) \
  X(sigmoid_gelu_backward, \
    (size_t count, double linear, double cubic, const void *x, const void *dy, void *dx), \
    (count, linear, cubic, x, dy, dx)) \
  X(add_scaled, \
    (size_t count, double factor, const void *x, void *y), \
    (count, factor, x, y)) \
  X(fill_rows, \
    (size_t rows, size_t width, const void *bias, void *y, size_t ldy), \
    (rows, width, bias, y, ldy)) \
  X(add_column_sums, \
    (size_t rows, size_t width, const void *y, size_t ldy, void *sums), \
    (rows, width, y, ldy, sums)) \
  X(gather_rows, \
    (size_t rows, size_t width, const int32_t *indices, const void *x, void *y), \
    (rows, width, indices, x, y)) \
  X(scatter_rows, \
    (size_t rows, size_t width, const int32_t *indices, const void *dy, void *dx), \
    (rows, width, indices, dy, dx)) \
  X(masked_softmax, \
    (size_t rows, size_t common, const int32_t *own, size_t width, double scale, void *scores, size_t lds, void *log_sums, size_t ldl), \
    (rows, common, own, width, scale, scores, lds, log_sums, ldl)) \
  X(masked_softmax_again, \
    (size_t rows, size_t common, const int32_t *own, size_t width, double scale, void *scores, size_t lds, const void *log_sums, size_t ldl), \
    (rows, common, own, width, scale, scores, lds, log_sums, ldl)) \
  X(row_dots, \
    (size_t rows, size_t width, const void *x, size_t ldx, const void *y, size_t ldy, void *dots, size_t ldd), \
    (rows, width, x, ldx, y, ldy, dots, ldd)) \
  X(softmax_backward, \
    (size_t rows, size_t width, double scale, const void *p, size_t ldp, const void *dots, size_t ldd, void *dp, size_t lddp), \
    (rows, width, scale, p, ldp, dots, ldd, dp, lddp)) \
  X(target_log_probs, \
    (size_t rows, size_t width, double scale, const void *logits, const int32_t *targets, void *log_probs, void *log_sums), \
    (rows, width, scale, logits, targets, log_probs, log_sums)) \
  X(target_log_probs_backward, \
    (size_t rows, size_t width, double scale, const int32_t *targets, const void *log_sums, const void *gradients, void *logits), \
    (rows, width, scale, targets, log_sums, gradients, logits)) \
  X(row_entropies, \
    (size_t rows, size_t width, double scale, const void *logits, const void *log_sums, void *entropies), \
    (rows, width, scale, logits, log_sums, entropies)) \
  X(target_entropies_backward, \
    (size_t rows, size_t width, double scale, const int32_t *targets, const void *log_sums, const void *entropies, const void *gradients, const void *entropy_gradients, void *logits), \
    (rows, width, scale, targets, log_sums, entropies, gradients, entropy_gradients, logits)) \
  X(attend_cached, \
    (size_t heads, size_t common, size_t count, size_t size, double scale, const void *queries, const void *keys, const void *values, size_t ldkv, void *scores, size_t lds, void *output), \
    (heads, common, count, size, scale, queries, keys, values, ldkv, scores, lds, output)) \
  X(adam_step, \
    (size_t count, double rate, double beta1, double beta2, double epsilon, double decay, double first, double second, double gradient_scale, const void *gradient, void *m, void *v, void *weights), \
    (count, rate, beta1, beta2, epsilon, decay, first, second, gradient_scale, gradient, m, v, weights)) \

// clang-format on

#define CK_DECLARE_FLOAT(name, parameters, arguments) \
  void ck_##name##_float_portable parameters;         \
  void ck_##name##_float_avx2 parameters;             \
  void ck_##name##_float_avx512 parameters;           \
  void ck_##name##_double_portable parameters;
CK_KERNELS(CK_DECLARE_FLOAT)

#endif
