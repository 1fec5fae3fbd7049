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

static uint16_t rounded_bf16(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  // Finite numbers; what lies behind the last of them becomes infinite.
  return (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

// What a block's rows of one tile begin with.
static size_t tile_of(size_t n, size_t k, size_t start, size_t first) {
  size_t depth = k - start < CK_DEPTH ? k - start : CK_DEPTH;
  return start * ck_padded(n) + first * depth;
}

static void scale_tile(size_t n, size_t k, size_t first, const float *packed, float *scales) {
  float most[CK_TILE] = {0};
  for (size_t start = 0; start < k; start += CK_DEPTH) {
    const float *tile = packed + tile_of(n, k, start, first);
    for (size_t at = 0; at < (k - start < CK_DEPTH ? k - start : CK_DEPTH); at++)
      for (size_t j = 0; j < CK_TILE; j++) most[j] = fmaxf(most[j], fabsf(tile[at * CK_TILE + j]));
  }
  for (size_t j = 0; j < CK_TILE; j++) scales[first + j] = most[j] / 127;
}

// Where an element of a tile lies among pairs of rows.
static size_t place_in_pairs(size_t i) {
  size_t row = i / CK_TILE, column = i % CK_TILE;
  return (row / 2 * CK_TILE + column) * 2 + row % 2;
}

void ck_pack_narrow(
    ck_narrow narrow, size_t n, size_t k, size_t first, size_t columns, const float *packed, void *result, float *scales) {
  for (size_t tile = first; tile < first + ck_padded(columns); tile += CK_TILE) {
    float inverses[CK_TILE] = {0};
    if (narrow == CK_INT8) {
      scale_tile(n, k, tile, packed, scales);
      for (size_t j = 0; j < CK_TILE; j++) inverses[j] = scales[tile + j] > 0 ? 1 / scales[tile + j] : 0;
    }
    for (size_t start = 0; start < k; start += CK_DEPTH) {
      size_t count = (k - start < CK_DEPTH ? k - start : CK_DEPTH) * CK_TILE, at = tile_of(n, k, start, tile);
      for (size_t i = 0; i < count; i++) {
        if (narrow == CK_INT8)
          ((int8_t *)result)[at + i] = (int8_t)fminf(127, fmaxf(-127, rintf(packed[at + i] * inverses[i % CK_TILE])));
        else
          ((uint16_t *)result)[at + (narrow == CK_BF16_PAIRS ? place_in_pairs(i) : i)] = rounded_bf16(packed[at + i]);
      }
    }
  }
}

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
