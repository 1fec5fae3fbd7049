// SPDX-License-Identifier: Apache-2.0
// Code around matrix products that does not depend on the instruction set.
#define _DEFAULT_SOURCE
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "Packed.h"
#include "include/CKernels.h"

#pragma clang fp contract(off)

// Not an array of each thread's own: those lie on its stack, and a thread with a small one could not be made.
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_key(void) {
  if (pthread_key_create(&key, free) != 0) abort();
}

static void *room(void) {
  static _Thread_local void *room;
  if (room) return room;
  size_t size = CK_DEPTH * (CK_WIDTH + CK_COPIED) * sizeof(double);
  if (pthread_once(&once, make_key) != 0 || posix_memalign(&room, 64, size) != 0 || pthread_setspecific(key, room) != 0) {
    fprintf(stderr, "out of memory: %zu bytes for a block of a matrix cannot be had\n", size);
    abort();
  }
  return room;
}

void *ck_packed(void) { return room(); }

void *ck_copied(void) { return (double *)room() + CK_DEPTH * CK_WIDTH; }

size_t ck_packed_count(size_t n, size_t k) { return ck_padded(n) * k; }

// The number of rows of weights that are converted together: what fits in the second-level cache next to the
// activations.
static size_t bf16_block(size_t n, size_t k) {
  size_t rows = 131072 / (k ? k : 1);
  if (rows < 8) rows = 8;
  return rows < n ? rows : n;
}

size_t ck_gemm_bf16_scratch(size_t n, size_t k) { return bf16_block(n, k) * k; }

void ck_widen_bf16(size_t count, const uint16_t *restrict x, float *restrict y) {
  for (size_t i = 0; i < count; i++) {
    uint32_t bits = (uint32_t)x[i] << 16;
    memcpy(&y[i], &bits, sizeof bits);
  }
}

void ck_gemm_bf16(
    size_t m, size_t n, size_t k, const float *a, size_t lda, const uint16_t *b, size_t ldb, float beta, float *c,
    size_t ldc, float *scratch) {
  size_t block = bf16_block(n, k);
  for (size_t start = 0; start < n; start += block) {
    size_t rows = n - start < block ? n - start : block;
    for (size_t row = 0; row < rows; row++) ck_widen_bf16(k, b + (start + row) * ldb, scratch + row * k);
    ck_gemm(CK_FLOAT, false, true, m, rows, k, 1, a, lda, scratch, k, beta, c + start, ldc);
  }
}

double ck_sum_of_squares(ck_type type, size_t count, const void *x) {
  double sum = 0;
  if (type == CK_DOUBLE) {
    for (size_t i = 0; i < count; i++) sum += ((const double *)x)[i] * ((const double *)x)[i];
  } else {
    // Eight sums side by side, so that the compiler need not reorder them.
    double sums[8] = {0};
    const float *values = x;
    size_t i = 0;
    for (; i + 8 <= count; i += 8)
      for (size_t lane = 0; lane < 8; lane++) sums[lane] += (double)values[i + lane] * (double)values[i + lane];
    for (; i < count; i++) sums[0] += (double)values[i] * (double)values[i];
    for (size_t lane = 0; lane < 8; lane++) sum += sums[lane];
  }
  return sum;
}

bool ck_all_finite(ck_type type, size_t count, const void *x) {
  int bad = 0;
  if (type == CK_DOUBLE) {
    for (size_t i = 0; i < count; i++) bad |= !isfinite(((const double *)x)[i]);
  } else {
    const uint32_t *bits = x;
    for (size_t i = 0; i < count; i++) bad |= (bits[i] & 0x7f800000u) == 0x7f800000u;
  }
  return !bad;
}
