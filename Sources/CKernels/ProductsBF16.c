// SPDX-License-Identifier: Apache-2.0
// Products of bfloat16 by bfloat16 with sums in single precision, by an instruction for pairs of them (AVX512-BF16).
//
// An element of the result is a sum over pairs of k, in blocks of CK_DEPTH that are added up one after the other, as in
// Product.inc: neither the shape around it nor the number of threads changes it. Rows of a tile lie in pairs: element (k, j)
// is at (k / 2, j, k % 2).
#include <string.h>

#include "Packed.h"
#include "include/CKernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512bf16,fma"))), apply_to = function)

#define UNROLLED _Pragma("clang loop unroll(full)")

/// Rounds `rows` × `depth` elements to bfloat16, `pairs` pairs from row to row.
static void round_rows(size_t rows, size_t depth, const float *a, size_t lda, uint32_t *restrict rounded, size_t pairs) {
  for (size_t r = 0; r < rows; r++) {
    size_t k = 0;
    for (; k + 16 <= depth; k += 16) {
      __m256bh some = _mm512_cvtneps_pbh(_mm512_loadu_ps(a + r * lda + k));
      memcpy(rounded + r * pairs + k / 2, &some, sizeof some);
    }
    __mmask16 rest = (__mmask16)((1u << (depth - k)) - 1);
    __m256bh some = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(rest, a + r * lda + k));
    memcpy(rounded + r * pairs + k / 2, &some, (depth - k) / 2 * sizeof(uint32_t));
  }
}

/// ROWS rows by WIDTH tiles: c = (sum over k) + keep · c.
#define PRODUCT(ROWS, WIDTH)                                                                                         \
  static inline __attribute__((always_inline)) void product_##ROWS##_##WIDTH(                                        \
      size_t pairs, const uint32_t *a, const uint32_t *packed, float keep, float *c, size_t ldc) {                   \
    __m512 sums[ROWS][WIDTH];                                                                                        \
    UNROLLED for (int r = 0; r < ROWS; r++)                                                                          \
      UNROLLED for (int v = 0; v < WIDTH; v++) sums[r][v] = _mm512_setzero_ps();                                     \
    for (size_t k = 0; k < pairs; k++) {                                                                             \
      __m512i columns[WIDTH];                                                                                        \
      UNROLLED for (int v = 0; v < WIDTH; v++)                                                                       \
        columns[v] = _mm512_loadu_si512(packed + (v * pairs + k) * CK_TILE);                                         \
      UNROLLED for (int r = 0; r < ROWS; r++) {                                                                      \
        __m512i factor = _mm512_set1_epi32((int)a[r * pairs + k]);                                                   \
        UNROLLED for (int v = 0; v < WIDTH; v++)                                                                     \
          sums[r][v] = _mm512_dpbf16_ps(sums[r][v], (__m512bh)factor, (__m512bh)columns[v]);                         \
      }                                                                                                              \
    }                                                                                                                \
    UNROLLED for (int r = 0; r < ROWS; r++)                                                                          \
      UNROLLED for (int v = 0; v < WIDTH; v++) {                                                                     \
        float *to = c + r * ldc + v * CK_TILE;                                                                       \
        __m512 sum = sums[r][v];                                                                                     \
        if (keep != 0) sum = _mm512_add_ps(sum, _mm512_mul_ps(_mm512_set1_ps(keep), _mm512_loadu_ps(to)));           \
        _mm512_storeu_ps(to, sum);                                                                                   \
      }                                                                                                              \
  }

/// ROWS rows by all columns of a block, WIDTH tiles at a time, then two.
#define STRIP(ROWS, WIDTH)                                                                                           \
  PRODUCT(ROWS, WIDTH)                                                                                               \
  PRODUCT(ROWS, 2)                                                                                                   \
  static void strip_##ROWS(                                                                                          \
      size_t columns, size_t pairs, const uint32_t *a, const uint32_t *packed, float keep, float *c, size_t ldc) {   \
    size_t j = 0;                                                                                                    \
    for (; j + WIDTH * CK_TILE <= columns; j += WIDTH * CK_TILE)                                                     \
      product_##ROWS##_##WIDTH(pairs, a, packed + j * pairs, keep, c + j, ldc);                                      \
    for (; j + 2 * CK_TILE <= columns; j += 2 * CK_TILE)                                                             \
      product_##ROWS##_2(pairs, a, packed + j * pairs, keep, c + j, ldc);                                            \
    if (j == columns) return;                                                                                        \
    float values[ROWS * 2 * CK_TILE];                                                                                \
    product_##ROWS##_2(pairs, a, packed + j * pairs, 0, values, 2 * CK_TILE);                                        \
    for (size_t r = 0; r < ROWS; r++)                                                                                \
      for (size_t i = j; i < columns; i++) {                                                                         \
        float value = values[r * 2 * CK_TILE + i - j], *to = c + r * ldc + i;                                        \
        *to = keep == 0 ? value : value + keep * *to;                                                                \
      }                                                                                                              \
  }
STRIP(1, 8)
STRIP(2, 8)
STRIP(3, 4)
STRIP(4, 4)
STRIP(5, 4)
STRIP(6, 4)

/// All rows, rounded before, by the columns of a block.
static void block(
    size_t rows, size_t columns, size_t pairs, const uint32_t *a, const uint32_t *packed, float keep, float *c,
    size_t ldc) {
  while (rows > 0) {
    size_t some = rows <= 6 ? rows : rows < 12 ? (rows + 1) / 2 : 6;
    switch (some) {
      case 1: strip_1(columns, pairs, a, packed, keep, c, ldc); break;
      case 2: strip_2(columns, pairs, a, packed, keep, c, ldc); break;
      case 3: strip_3(columns, pairs, a, packed, keep, c, ldc); break;
      case 4: strip_4(columns, pairs, a, packed, keep, c, ldc); break;
      case 5: strip_5(columns, pairs, a, packed, keep, c, ldc); break;
      default: strip_6(columns, pairs, a, packed, keep, c, ldc);
    }
    rows -= some;
    a += some * pairs;
    c += some * ldc;
  }
}

void ck_gemm_bf16_pairs(
    size_t m, size_t n, size_t k, size_t first, size_t columns, const float *a, size_t lda, const uint32_t *packed,
    float beta, float *c, size_t ldc) {
  uint32_t *rounded = ck_copied();
  for (size_t row = 0; row < m; row += CK_COPIED)
    for (size_t start = 0; start == 0 || start < k; start += CK_DEPTH) {
      size_t depth = k - start < CK_DEPTH ? k - start : CK_DEPTH, pairs = depth / 2;
      size_t some = m - row < CK_COPIED ? m - row : CK_COPIED;
      round_rows(some, depth, a + row * lda + start, lda, rounded, pairs);
      for (size_t done = 0; done < columns; done += CK_WIDTH)
        block(
            some, columns - done < CK_WIDTH ? columns - done : CK_WIDTH, pairs, rounded,
            packed + (start * ck_padded(n) + (first + done) * depth) / 2, start == 0 ? beta : 1, c + row * ldc + done, ldc);
    }
}

#pragma clang attribute pop
#else
// No other processor says that it multiplies pairs.
void ck_gemm_bf16_pairs(
    size_t m, size_t n, size_t k, size_t first, size_t columns, const float *a, size_t lda, const uint32_t *packed,
    float beta, float *c, size_t ldc) {}
#endif
