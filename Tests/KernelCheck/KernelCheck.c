// SPDX-License-Identifier: Apache-2.0
// Runs every kernel of KernelList.h; one that has no check here does not compile.
//
// The bound of an output follows from the arithmetic, as in Tests/RoundingBounds: the roundings of a sum of n terms are
// as a change of its inputs by a relative γ = 4 · √(n / 6) · u. What such a change does to the output is measured in double:
// the inputs are changed by a known share, in random directions. Another γ of the output itself is for the operations
// behind the sum.
#include "KernelCheck.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../Sources/CKernels/KernelList.h"
#include "../../Sources/CKernels/include/CKernels.h"

enum { BUFFERS = 16, DRAWS = 8, OPERATIONS = 12 };

static const double unit = 0x1p-24, change = 0x1p-20;

// One run of one kernel in one type.
typedef struct {
  ck_type type;
  unsigned draw;  // inputs are changed in every draw but the first
  size_t rows, width;
  double cancels;  // the size of the numbers that cancel inside the kernel, where the output shows nothing of them
  uint64_t numbers, signs;
  void *buffers[BUFFERS];
  size_t count;
  struct {
    void *values;
    size_t count;
  } outputs[BUFFERS];
  size_t output_count;
} run;

static _Thread_local char spoilt[64];

void kc_spoil(const char *kernel) {
  // A copy, since the caller's text may be gone by the time that a check looks.
  strncpy(spoilt, kernel ? kernel : "", sizeof spoilt - 1);
}

static uint64_t next(uint64_t *state) {
  uint64_t z = *state += 0x9E3779B97F4A7C15u;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

static void *room(run *r, size_t count) {
  if (r->count == BUFFERS) abort();
  void *values = calloc(count, r->type == CK_DOUBLE ? sizeof(double) : sizeof(float));
  if (!values) abort();
  return r->buffers[r->count++] = values;
}

// Numbers from `low` up to `high`, which float holds exactly; changed a little in all draws but the first.
static void *between(run *r, size_t count, double low, double high) {
  void *values = room(r, count);
  for (size_t i = 0; i < count; i++) {
    double value = (float)(low + (high - low) * (double)(next(&r->numbers) >> 52) / 4096);
    if (r->draw) value *= next(&r->signs) >> 63 ? 1 + change : 1 - change;
    if (r->type == CK_DOUBLE)
      ((double *)values)[i] = value;
    else
      ((float *)values)[i] = (float)value;
  }
  return values;
}

static void *input(run *r, size_t count) { return between(r, count, -2, 2); }

// What a kernel writes to is checked afterwards.
static void *checked(run *r, void *values, size_t count) {
  r->outputs[r->output_count].values = values;
  r->outputs[r->output_count++].count = count;
  return values;
}

static void *output(run *r, size_t count) { return checked(r, room(r, count), count); }

static void *changed(run *r, size_t count) { return checked(r, input(r, count), count); }

// Row numbers below `below`, in no order.
static int32_t *indices(size_t count, size_t below, int32_t *values) {
  for (size_t i = 0; i < count; i++) values[i] = (int32_t)((i * 7 + 3) % below);
  return values;
}

enum { MOST_ROWS = 8 };

// The log-sums that a softmax has saved, from the same scores.
static void *log_sums(run *r, const void *scores, double scale) {
  void *sums = room(r, r->rows);
  for (size_t row = 0; row < r->rows; row++) {
    double sum = 0;
    for (size_t i = 0; i < r->width; i++) {
      size_t at = row * r->width + i;
      sum += exp(scale * (r->type == CK_DOUBLE ? ((const double *)scores)[at] : (double)((const float *)scores)[at]));
    }
    if (r->type == CK_DOUBLE)
      ((double *)sums)[row] = log(sum);
    else
      ((float *)sums)[row] = (float)log(sum);
  }
  return sums;
}

// A weight's product, with as many columns as rows and 31 more, over sums of one block and of two.
static void check_gemm(run *r) {
  size_t columns = r->rows + 31, terms = r->width < 20 ? r->width : r->width + 250;
  const void *a = input(r, r->rows * terms), *b = input(r, columns * terms);
  ck_gemm(r->type, false, true, r->rows, columns, terms, 1, a, terms, b, terms, 0, output(r, r->rows * columns), columns);
}

// What packing moves is checked as numbers: its padding, and what lies around the columns that are packed.
static void check_pack(run *r) {
  size_t columns = r->rows + 31, terms = r->width < 20 ? r->width : r->width + 250, count = ck_packed_count(columns, terms);
  const void *b = input(r, columns * terms);
  void *packed = changed(r, count);
  ck_pack(r->type, true, columns, terms, 0, 32, b, terms, packed);
}

static void check_gemm_packed(run *r) {
  size_t columns = r->rows + 31, terms = r->width < 20 ? r->width : r->width + 250;
  const void *a = input(r, r->rows * terms), *b = input(r, columns * terms);
  void *packed = room(r, ck_packed_count(columns, terms)), *c = changed(r, r->rows * columns);
  ck_pack(r->type, false, columns, terms, 0, columns, b, columns, packed);
  ck_gemm_packed(r->type, true, r->rows, columns, terms, 0, columns, 1, a, r->rows, packed, 1, c, columns);
}

// Weights that bfloat16 holds exactly, so that narrowing rounds nothing in any type.
static void check_gemm_narrow(run *r) {
  size_t columns = r->rows + 31, terms = r->width < 20 ? r->width : r->width + 250, count = ck_packed_count(columns, terms);
  const void *a = input(r, r->rows * terms);
  float *b = calloc(columns * terms, sizeof *b), *packed = malloc(count * sizeof *packed);
  uint16_t *narrow = malloc(count * sizeof *narrow);
  if (!b || !packed || !narrow) abort();
  for (size_t i = 0; i < columns * terms; i++) b[i] = (float)(i * 37 % 129) / 32 - 2;
  ck_pack(CK_FLOAT, true, columns, terms, 0, columns, b, terms, packed);
  ck_pack_narrow(CK_BF16, columns, terms, 0, columns, packed, narrow, NULL);
  ck_gemm_narrow(
      r->type, CK_BF16, r->rows, columns, terms, 0, columns, a, terms, narrow, NULL, 1, changed(r, r->rows * columns),
      columns);
  free(b);
  free(packed);
  free(narrow);
}

static void check_rms_norm(run *r) {
  const void *x = input(r, r->rows * r->width), *weight = input(r, r->width);
  void *y = output(r, r->rows * r->width), *inverse = output(r, r->rows);
  ck_rms_norm(r->type, r->rows, r->width, 1e-6, x, weight, y, inverse);
}

static void check_rms_norm_backward(run *r) {
  const void *x = input(r, r->rows * r->width), *weight = input(r, r->width), *inverse = between(r, r->rows, 0.5, 1);
  const void *dy = input(r, r->rows * r->width);
  void *dx = changed(r, r->rows * r->width), *dweight = changed(r, r->width);
  ck_rms_norm_backward(r->type, r->rows, r->width, x, weight, inverse, dy, dx, dweight);
}

static void check_layer_norm(run *r) {
  const void *x = input(r, r->rows * r->width), *weight = input(r, r->width), *bias = input(r, r->width);
  r->cancels = 2;  // x − mean, and what the bias takes away
  void *y = output(r, r->rows * r->width), *means = output(r, r->rows), *inverses = room(r, r->rows);
  ck_layer_norm(r->type, r->rows, r->width, 1e-2, x, weight, bias, y, means, inverses);
}

static void check_layer_norm_backward(run *r) {
  const void *x = input(r, r->rows * r->width), *weight = input(r, r->width);
  const void *means = between(r, r->rows, -0.5, 0.5), *inverses = between(r, r->rows, 0.5, 1);
  const void *dy = input(r, r->rows * r->width);
  r->cancels = 4;  // dy · weight less its mean
  void *dx = changed(r, r->rows * r->width), *dweight = changed(r, r->width), *dbias = changed(r, r->width);
  ck_layer_norm_backward(r->type, r->rows, r->width, x, weight, means, inverses, dy, dx, dweight, dbias);
}

static void check_head_norm(run *r) {
  const void *weight = input(r, r->width);
  void *x = changed(r, r->rows * 3 * r->width), *inverses = output(r, r->rows * 2);
  ck_head_norm(r->type, r->rows, 2, r->width, 1e-6, weight, x, 3 * r->width, inverses);
}

static void check_head_norm_backward(run *r) {
  const void *x = input(r, r->rows * 2 * r->width), *weight = input(r, r->width);
  const void *inverses = between(r, r->rows * 2, 0.5, 1);
  void *dy = changed(r, r->rows * 3 * r->width), *dweight = changed(r, r->width);
  ck_head_norm_backward(
      r->type, r->rows, 2, r->width, x, 2 * r->width, weight, inverses, dy, 3 * r->width, dweight);
}

static void check_rotate(run *r) {
  size_t half = r->width / 2;
  const void *cosines = between(r, r->rows * half, -1, 1), *sines = between(r, r->rows * half, -1, 1);
  void *x = changed(r, r->rows * 6 * half);
  ck_rotate(r->type, r->rows, 3, 2 * half, cosines, sines, -1, x, 6 * half);
}

static void check_swiglu(run *r) {
  const void *x = between(r, r->rows * 2 * r->width, -9, 9);
  ck_swiglu(r->type, r->rows, r->width, x, output(r, r->rows * r->width));
}

static void check_swiglu_backward(run *r) {
  const void *x = between(r, r->rows * 2 * r->width, -9, 9), *dy = input(r, r->rows * r->width);
  ck_swiglu_backward(r->type, r->rows, r->width, x, dy, output(r, r->rows * 2 * r->width));
}

static void check_gelu(run *r) {
  const void *x = between(r, r->rows * r->width, -5, 5);
  r->cancels = 5;  // x · (1 + erf(x / √2)) / 2, which is next to nothing for negative x
  ck_gelu(r->type, r->rows * r->width, x, output(r, r->rows * r->width));
}

static void check_gelu_backward(run *r) {
  const void *x = between(r, r->rows * r->width, -5, 5), *dy = input(r, r->rows * r->width);
  r->cancels = 2;  // (1 + erf(x / √2)) / 2 · dy
  ck_gelu_backward(r->type, r->rows * r->width, x, dy, changed(r, r->rows * r->width));
}

static void check_sigmoid_gelu(run *r) {
  const void *x = between(r, r->rows * r->width, -5, 5);
  ck_sigmoid_gelu(r->type, r->rows * r->width, 1.595769121605731, 0.0713548162726009, x, output(r, r->rows * r->width));
}

static void check_sigmoid_gelu_backward(run *r) {
  const void *x = between(r, r->rows * r->width, -5, 5), *dy = input(r, r->rows * r->width);
  r->cancels = 2;  // 1 + x · (1 − sigmoid) · …, which crosses 0
  ck_sigmoid_gelu_backward(
      r->type, r->rows * r->width, 1.595769121605731, 0.0713548162726009, x, dy, changed(r, r->rows * r->width));
}

static void check_add_scaled(run *r) {
  const void *x = input(r, r->rows * r->width);
  ck_add_scaled(r->type, r->rows * r->width, 0.75, x, changed(r, r->rows * r->width));
}

static void check_fill_rows(run *r) {
  const void *bias = input(r, r->width);
  ck_fill_rows(r->type, r->rows, r->width, bias, changed(r, r->rows * (r->width + 3)), r->width + 3);
}

static void check_add_column_sums(run *r) {
  const void *y = input(r, r->rows * (r->width + 3));
  ck_add_column_sums(r->type, r->rows, r->width, y, r->width + 3, changed(r, r->width));
}

static void check_gather_rows(run *r) {
  int32_t rows[MOST_ROWS];
  const void *x = input(r, r->rows * r->width);
  ck_gather_rows(r->type, r->rows, r->width, indices(r->rows, r->rows, rows), x, output(r, r->rows * r->width));
}

static void check_scatter_rows(run *r) {
  int32_t rows[MOST_ROWS];
  const void *dy = input(r, r->rows * r->width);
  ck_scatter_rows(r->type, r->rows, r->width, indices(r->rows, 2, rows), dy, changed(r, 2 * r->width));
}

static void check_masked_softmax(run *r) {
  int32_t own[MOST_ROWS];
  void *scores = checked(r, between(r, r->rows * (r->width + 2), -9, 9), r->rows * (r->width + 2));
  void *sums = output(r, r->rows * 2);
  ck_masked_softmax(
      r->type, r->rows, 3, indices(r->rows, r->width - 2, own), r->width, 0.5, scores, r->width + 2, sums, 2);
}

static void check_masked_softmax_again(run *r) {
  int32_t own[MOST_ROWS];
  void *scores = checked(r, between(r, r->rows * r->width, -9, 9), r->rows * r->width);
  const void *sums = log_sums(r, scores, 0.5);
  ck_masked_softmax_again(
      r->type, r->rows, 3, indices(r->rows, r->width - 2, own), r->width, 0.5, scores, r->width, sums, 1);
}

static void check_row_dots(run *r) {
  const void *x = input(r, r->rows * (r->width + 1)), *y = input(r, r->rows * r->width);
  ck_row_dots(r->type, r->rows, r->width, x, r->width + 1, y, r->width, output(r, r->rows * 2), 2);
}

static void check_softmax_backward(run *r) {
  const void *p = between(r, r->rows * r->width, 0, 1), *dots = input(r, r->rows);
  ck_softmax_backward(
      r->type, r->rows, r->width, 0.5, p, r->width, dots, 1, changed(r, r->rows * r->width), r->width);
}

static void check_target_log_probs(run *r) {
  int32_t targets[MOST_ROWS];
  const void *logits = between(r, r->rows * r->width, -9, 9);
  void *log_probs = output(r, r->rows), *sums = output(r, r->rows);
  ck_target_log_probs(
      r->type, r->rows, r->width, 1.25, logits, indices(r->rows, r->width, targets), log_probs, sums);
}

static void check_target_log_probs_backward(run *r) {
  int32_t targets[MOST_ROWS];
  void *logits = checked(r, between(r, r->rows * r->width, -9, 9), r->rows * r->width);
  const void *sums = log_sums(r, logits, 1.25), *gradients = input(r, r->rows);
  ck_target_log_probs_backward(
      r->type, r->rows, r->width, 1.25, indices(r->rows, r->width, targets), sums, gradients, logits);
}

static void check_row_entropies(run *r) {
  const void *logits = between(r, r->rows * r->width, -9, 9);
  ck_row_entropies(r->type, r->rows, r->width, 1.25, logits, log_sums(r, logits, 1.25), output(r, r->rows));
}

static void check_target_entropies_backward(run *r) {
  int32_t targets[MOST_ROWS];
  void *logits = checked(r, between(r, r->rows * r->width, -9, 9), r->rows * r->width);
  const void *sums = log_sums(r, logits, 1.25), *entropies = between(r, r->rows, 0, 3);
  const void *gradients = input(r, r->rows), *entropy_gradients = input(r, r->rows);
  ck_target_entropies_backward(
      r->type, r->rows, r->width, 1.25, indices(r->rows, r->width, targets), sums, entropies, gradients,
      entropy_gradients, logits);
}

static void check_attend_cached(run *r) {
  size_t size = 9, heads = r->rows, common = 3;
  const void *queries = input(r, heads * size), *keys = input(r, r->width * 2 * size);
  const void *values = input(r, r->width * 2 * size);
  void *scores = changed(r, heads * (common + r->width)), *result = changed(r, heads * size);
  ck_attend_cached(
      r->type, heads, common, r->width, size, 0.25, queries, keys, values, 2 * size, scores, common + r->width, result);
}

static void check_adam_step(run *r) {
  const void *gradient = input(r, r->width);
  void *m = changed(r, r->width), *v = checked(r, between(r, r->width, 0.125, 2), r->width);
  void *weights = changed(r, r->width);
  ck_adam_step(r->type, r->width, 0.01, 0.9, 0.999, 1e-8, 0.1, 0.19, 0.002, 0.5, gradient, m, v, weights);
}

static void spoil(float *values, size_t count) {
  size_t largest = 0;
  for (size_t i = 1; i < count; i++)
    if (fabsf(values[i]) > fabsf(values[largest])) largest = i;
  values[largest] *= 1 + 0x1p-12f;
}

static void perform(run *r, void (*kernel)(run *), ck_type type, unsigned draw) {
  size_t rows = r->rows, width = r->width;
  memset(r, 0, sizeof *r);
  r->type = type;
  r->draw = draw;
  r->rows = rows;
  r->width = width;
  r->numbers = width;
  r->signs = draw;
  kernel(r);
}

static void release(run *r) {
  for (size_t i = 0; i < r->count; i++) free(r->buffers[i]);
}

static void check(
    const char *name, void (*kernel)(run *), size_t rows, size_t width, kc_report report, void *context) {
  run found = {.rows = rows, .width = width}, exact = found, other[DRAWS];
  perform(&found, kernel, CK_FLOAT, 0);
  perform(&exact, kernel, CK_DOUBLE, 0);
  for (unsigned draw = 0; draw < DRAWS; draw++) {
    other[draw] = (run){.rows = rows, .width = width};
    perform(&other[draw], kernel, CK_DOUBLE, draw + 1);
  }
  double gamma = 4 * sqrt((double)(width + OPERATIONS) / 6) * unit;
  for (size_t i = 0; i < found.output_count; i++) {
    float *values = found.outputs[i].values;
    const double *expected = exact.outputs[i].values;
    size_t count = found.outputs[i].count;
    double *bounds = malloc(count * sizeof *bounds);
    if (!bounds) abort();
    if (strcmp(spoilt, name) == 0) spoil(values, count);
    double share = 0;
    for (size_t at = 0; at < count; at++) {
      double moved = 0;
      for (size_t draw = 0; draw < DRAWS; draw++)
        moved = fmax(moved, fabs(((const double *)other[draw].outputs[i].values)[at] - expected[at]));
      // The smallest normal number beside it: the exponential is cut off there.
      bounds[at] = gamma * (moved / change + fabs(expected[at]) + found.cancels) + 0x1p-126;
      double error = fabs((double)values[at] - expected[at]) / bounds[at];
      share = error <= share ? share : error;
    }
    report(context, name, values, bounds, count, share);
    free(bounds);
  }
  for (size_t draw = 0; draw < DRAWS; draw++) release(&other[draw]);
  release(&found);
  release(&exact);
}

void kc_check_kernels(kc_report report, void *context) {
  static const size_t shapes[][2] = {{5, 37}, {3, 16}, {4, 203}, {1, 3}};
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
#define CHECK(name, parameters, arguments) check(#name, check_##name, shapes[i][0], shapes[i][1], report, context);
    CK_KERNELS(CHECK)
  }
}

static double element(ck_type type, const void *values, size_t at) {
  return type == CK_DOUBLE ? ((const double *)values)[at] : (double)((const float *)values)[at];
}

// The same with b packed, in pieces of columns.
static void packed_product(
    ck_type type, bool ta, bool tb, size_t m, size_t n, size_t k, const void *a, size_t lda, const void *b, size_t ldb,
    double beta, void *c, size_t ldc) {
  size_t size = type == CK_DOUBLE ? sizeof(double) : sizeof(float);
  void *packed = malloc((ck_packed_count(n, k) + 1) * size);
  if (!packed) abort();
  for (size_t first = 0; first < n; first += 64)
    ck_pack(type, tb, n, k, first, n - first < 64 ? n - first : 64, b, ldb, packed);
  for (size_t first = 0; first < n; first += 96)
    ck_gemm_packed(
        type, ta, m, n, k, first, n - first < 96 ? n - first : 96, 0.75, a, lda, packed, beta,
        (char *)c + first * size, ldc);
  free(packed);
}

static double check_product(ck_type type, bool ta, bool tb, size_t m, size_t n, size_t k, double beta) {
  run r = {.type = type, .numbers = m * 31 + n * 7 + k};
  size_t lda = (ta ? m : k) + 2, ldb = (tb ? k : n) + 1, ldc = n + 3;
  void *a = input(&r, (ta ? k : m) * lda), *b = input(&r, (tb ? n : k) * ldb), *c = input(&r, m * ldc);
  run same = {.type = type, .numbers = m * 31 + n * 7 + k};
  input(&same, (ta ? k : m) * lda);
  input(&same, (tb ? n : k) * ldb);
  const void *before = input(&same, m * ldc);
  run other = {.type = type, .numbers = m * 31 + n * 7 + k};
  input(&other, (ta ? k : m) * lda);
  input(&other, (tb ? n : k) * ldb);
  void *again = input(&other, m * ldc);
  packed_product(type, ta, tb, m, n, k, a, lda, b, ldb, beta, again, ldc);
  ck_gemm(type, ta, tb, m, n, k, 0.75, a, lda, b, ldb, beta, c, ldc);
  double worst = 0;
  for (size_t row = 0; row < m; row++) {
    for (size_t column = 0; column < ldc; column++) {
      double expected = element(type, before, row * ldc + column), bound = 0;
      if (column < n) {
        long double sum = (long double)beta * expected;
        double size = fabs(beta * expected);
        for (size_t i = 0; i < k; i++) {
          double x = element(type, a, ta ? i * lda + row : row * lda + i);
          double y = element(type, b, tb ? column * ldb + i : i * ldb + column);
          sum += 0.75L * x * y;
          size += 0.75 * fabs(x * y);
        }
        expected = (double)sum;
        // Certain, in any order: γ = n · u for n roundings, and one of the loop's own.
        bound = (double)(k + 3) * (type == CK_DOUBLE ? 0x1p-53 : 0x1p-24) * size + 0x1p-53 * fabs(expected);
      }
      // Between the rows nothing is written.
      double error = fabs(element(type, c, row * ldc + column) - expected);
      double share = error == 0 ? 0 : error / bound;
      // Packed or not, every bit is the same.
      if (element(type, c, row * ldc + column) != element(type, again, row * ldc + column)) share = INFINITY;
      worst = share <= worst ? worst : share;
    }
  }
  release(&r);
  release(&same);
  release(&other);
  return worst;
}

double kc_check_products(void) {
  static const size_t sizes[][3] = {{1, 1, 1},    {1, 33, 40},   {7, 5, 3},     {16, 16, 16},  {17, 31, 65},
                                    {64, 48, 64}, {100, 83, 42}, {33, 129, 300}, {130, 70, 130}};
  double worst = 0;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    for (int form = 0; form < 12; form++) {
      static const double betas[] = {0, 1, 0.5};
      for (int type = CK_FLOAT; type <= CK_DOUBLE; type++) {
        double share = check_product(
            (ck_type)type, form & 1, form & 2, sizes[i][0], sizes[i][1], sizes[i][2], betas[form / 4]);
        worst = share <= worst ? worst : share;
      }
    }
  return worst;
}
