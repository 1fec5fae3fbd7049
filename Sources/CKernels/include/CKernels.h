// SPDX-License-Identifier: Apache-2.0
// The numeric kernels of the bundled policy, for float and double alike.
//
// Every function works on the calling thread. Callers divide work into parts whose size depends only on shapes, so that
// results do not depend on the number of threads. Matrices are row-major; `ld…` is the distance between rows, in
// elements. "Adds to" means that the target already contains a sum.
#ifndef CKERNELS_H
#define CKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The element type behind all `void *` arguments of a call.
typedef enum { CK_FLOAT = 0, CK_DOUBLE = 1 } ck_type;

/// A format of packed weights that takes less memory than single precision: bfloat16, or whole numbers of eight bits with a
/// scale for each column, or bfloat16 with rows in pairs, as ck_gemm_bf16_pairs reads it.
typedef enum { CK_BF16 = 0, CK_INT8 = 1, CK_BF16_PAIRS = 2 } ck_narrow;

/// y = x · weight / rms(x) for each row; inverse[row] = 1 / rms.
void ck_rms_norm(
    ck_type type, size_t rows, size_t width, double epsilon, const void *x, const void *weight, void *y,
    void *inverse);

/// Adds to dx and to dweight, either of which may be null.
void ck_rms_norm_backward(
    ck_type type, size_t rows, size_t width, const void *x, const void *weight, const void *inverse, const void *dy,
    void *dx, void *dweight);

/// y = (x − mean) / deviation · weight + bias for each row; means[row], inverses[row] = 1 / deviation.
void ck_layer_norm(
    ck_type type, size_t rows, size_t width, double epsilon, const void *x, const void *weight, const void *bias,
    void *y, void *means, void *inverses);

/// Adds to dx, and to dweight and dbias; dx may be null, or the other two.
void ck_layer_norm_backward(
    ck_type type, size_t rows, size_t width, const void *x, const void *weight, const void *means,
    const void *inverses, const void *dy, void *dx, void *dweight, void *dbias);

/// x = x · weight / rms(x) in place for each of `heads` heads of `size` elements of each row;
/// inverses [rows, heads] = 1 / rms.
void ck_head_norm(
    ck_type type, size_t rows, size_t heads, size_t size, double epsilon, const void *weight, void *x, size_t ldx,
    void *inverses);

/// In place of dy: the gradient of x, as it was before the norm. Adds to dweight, which may be null.
void ck_head_norm_backward(
    ck_type type, size_t rows, size_t heads, size_t size, const void *x, size_t ldx, const void *weight,
    const void *inverses, void *dy, size_t lddy, void *dweight);

/// Rotates `heads` heads of `size` elements of each row in place by angles [rows, size / 2], the first half of a head
/// against the second as in Llama and Qwen; direction −1 undoes it.
void ck_rotate(
    ck_type type, size_t rows, size_t heads, size_t size, const void *cosines, const void *sines, double direction,
    void *x, size_t ldx);

/// y = silu(gate) · up, with gate and up side by side in x [rows, 2 · width].
void ck_swiglu(ck_type type, size_t rows, size_t width, const void *x, void *y);

/// Sets dx [rows, 2 · width].
void ck_swiglu_backward(ck_type type, size_t rows, size_t width, const void *x, const void *dy, void *dx);

/// y = x · Φ(x), the exact form with erf.
void ck_gelu(ck_type type, size_t count, const void *x, void *y);

/// Adds to dx.
void ck_gelu_backward(ck_type type, size_t count, const void *x, const void *dy, void *dx);

/// y = x · sigmoid(linear · x + cubic · x³): GELU's approximations.
void ck_sigmoid_gelu(ck_type type, size_t count, double linear, double cubic, const void *x, void *y);

/// Adds to dx.
void ck_sigmoid_gelu_backward(
    ck_type type, size_t count, double linear, double cubic, const void *x, const void *dy, void *dx);

/// y += factor · x.
void ck_add_scaled(ck_type type, size_t count, double factor, const void *x, void *y);

/// Each row of y becomes `bias`.
void ck_fill_rows(ck_type type, size_t rows, size_t width, const void *bias, void *y, size_t ldy);

/// Adds the sum over the rows of y to `sums`.
void ck_add_column_sums(ck_type type, size_t rows, size_t width, const void *y, size_t ldy, void *sums);

/// Row i of y becomes row indices[i] of x.
void ck_gather_rows(ck_type type, size_t rows, size_t width, const int32_t *indices, const void *x, void *y);

/// Adds row i of dy to row indices[i] of dx, in order.
void ck_scatter_rows(ck_type type, size_t rows, size_t width, const int32_t *indices, const void *dy, void *dx);

/// Softmax in place of `rows` rows of scores · scale. Row i covers its first `common` columns and own[i] columns after
/// them; the others up to `width` become 0. log_sums[i · ldl] = log Σ exp.
void ck_masked_softmax(
    ck_type type, size_t rows, size_t common, const int32_t *own, size_t width, double scale, void *scores,
    size_t lds, void *log_sums, size_t ldl);

/// The same probabilities from saved log-sums.
void ck_masked_softmax_again(
    ck_type type, size_t rows, size_t common, const int32_t *own, size_t width, double scale, void *scores,
    size_t lds, const void *log_sums, size_t ldl);

/// dots[i · ldd] = row i of x · row i of y.
void ck_row_dots(
    ck_type type, size_t rows, size_t width, const void *x, size_t ldx, const void *y, size_t ldy, void *dots,
    size_t ldd);

/// In place of dp: p · (dp − dot) · scale.
void ck_softmax_backward(
    ck_type type, size_t rows, size_t width, double scale, const void *p, size_t ldp, const void *dots, size_t ldd,
    void *dp, size_t lddp);

/// Log-probabilities at `targets` under softmax(logits · scale); log_sums[i] = log Σ exp(logits · scale).
void ck_target_log_probs(
    ck_type type, size_t rows, size_t width, double scale, const void *logits, const int32_t *targets,
    void *log_probs, void *log_sums);

/// In place of logits: gradient · d log_prob[target] / d logits.
void ck_target_log_probs_backward(
    ck_type type, size_t rows, size_t width, double scale, const int32_t *targets, const void *log_sums,
    const void *gradients, void *logits);

/// entropies[i] = −Σ p log p of p = softmax(row i of logits · scale), from saved log-sums.
void ck_row_entropies(
    ck_type type, size_t rows, size_t width, double scale, const void *logits, const void *log_sums, void *entropies);

/// In place of logits: the gradient of Σ gradients · log_prob[target] + Σ entropy_gradients · entropy.
void ck_target_entropies_backward(
    ck_type type, size_t rows, size_t width, double scale, const int32_t *targets, const void *log_sums,
    const void *entropies, const void *gradients, const void *entropy_gradients, void *logits);

/// `heads` queries over one cache of `count` keys and values of `size` elements, `ldkv` apart. Each query's first
/// `common` scores are already in its row of `scores`, unscaled; all common + count of them become probabilities, and
/// the cache's part is added to `output` [heads, size].
void ck_attend_cached(
    ck_type type, size_t heads, size_t common, size_t count, size_t size, double scale, const void *queries,
    const void *keys, const void *values, size_t ldkv, void *scores, size_t lds, void *output);

/// AdamW as in PyTorch; `first` and `second` are the bias corrections 1 − βᵗ.
void ck_adam_step(
    ck_type type, size_t count, double rate, double beta1, double beta2, double epsilon, double decay, double first,
    double second, double gradient_scale, const void *gradient, void *m, void *v, void *weights);

/// Σ x², in double precision for every type.
double ck_sum_of_squares(ck_type type, size_t count, const void *x);

/// Whether all elements are finite.
bool ck_all_finite(ck_type type, size_t count, const void *x);

/// c = alpha · op(a) · op(b) + beta · c, op(a) [m, k], op(b) [k, n], on the calling thread.
///
/// An element depends on its row of op(a) and its column of op(b) alone, bit for bit: sums over k have one order.
void ck_gemm(
    ck_type type, bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k, double alpha, const void *a,
    size_t lda, const void *b, size_t ldb, double beta, void *c, size_t ldc);

/// The size of a packed matrix op(b) [k, n], in elements.
size_t ck_packed_count(size_t n, size_t k);

/// Packs `columns` columns of op(b) [k, n] from column `first` on, a multiple of 32, into their place in `packed`, which has
/// ck_packed_count(n, k) elements. The layout is the same for all instruction sets.
void ck_pack(
    ck_type type, bool transpose_b, size_t n, size_t k, size_t first, size_t columns, const void *b, size_t ldb,
    void *packed);

/// ck_gemm with op(b) packed before, for `columns` columns from `first` on, a multiple of 32; c begins with that column. The
/// same bits as ck_gemm gives.
void ck_gemm_packed(
    ck_type type, bool transpose_a, size_t m, size_t n, size_t k, size_t first, size_t columns, double alpha,
    const void *a, size_t lda, const void *packed, double beta, void *c, size_t ldc);

/// Makes `columns` columns, from `first` on, a multiple of 32, of a packed matrix [k, n] of floats narrow. bfloat16 is rounded to
/// nearest, ties to even. Whole numbers are of −127…127, times scales[column], which is the largest magnitude of the column
/// divided by 127; `scales` has room for a multiple of 32 columns. For pairs, k is even.
void ck_pack_narrow(
    ck_narrow narrow, size_t n, size_t k, size_t first, size_t columns, const float *packed, void *result, float *scales);

/// c = a · b + beta · c with b packed and narrow, for `columns` columns from `first` on, a multiple of 32; c begins with that
/// column. Elements of b are widened, and then the sums are those of ck_gemm, on every processor.
void ck_gemm_narrow(
    ck_type type, ck_narrow narrow, size_t m, size_t n, size_t k, size_t first, size_t columns, const void *a, size_t lda,
    const void *packed, const float *scales, double beta, void *c, size_t ldc);

/// ck_gemm_narrow with b packed in pairs and `a` rounded to bfloat16, too: products and sums are those of the processor's own
/// instruction. Where ck_multiplies_bf16_pairs() alone. Each element depends on its row and its column alone.
void ck_gemm_bf16_pairs(
    size_t m, size_t n, size_t k, size_t first, size_t columns, const float *a, size_t lda, const uint32_t *packed,
    float beta, float *c, size_t ldc);

/// Whether the instruction set in use multiplies pairs of bfloat16.
bool ck_multiplies_bf16_pairs(void);

/// c = a · bᵀ + beta · c with b [n, k] in bfloat16, widened block by block; `scratch` holds ck_gemm_bf16_scratch(n, k).
void ck_gemm_bf16(
    size_t m, size_t n, size_t k, const float *a, size_t lda, const uint16_t *b, size_t ldb, float beta, float *c,
    size_t ldc, float *scratch);

/// The size of the scratch buffer of ck_gemm_bf16, in elements.
size_t ck_gemm_bf16_scratch(size_t n, size_t k);

/// bfloat16 to float.
void ck_widen_bf16(size_t count, const uint16_t *x, float *y);

/// The instruction set in use: "avx512-bf16", "avx512", "avx2" or "portable". The environment variable SHUFFLE_R1_KERNELS names another
/// than the best that this machine has, for tests and comparisons.
const char *ck_instruction_set(void);

/// What SHUFFLE_R1_KERNELS names where this machine has no such instruction set, so that the best is in use; else null.
const char *ck_refused_instruction_set(void);

/// Whether this machine has the instruction set of a name.
bool ck_has_instruction_set(const char *name);

/// Uses another instruction set for the calls of this thread, for tests; false where this machine has none of that
/// name. A null name means what the environment says, again.
bool ck_use_instruction_set(const char *name);

/// How results are rounded: "fused" where products of matrices use a fused multiply-add, with the same bits on every
/// processor, else "rounded".
const char *ck_arithmetic(void);

/// Whether the process may have so many bytes of address space more.
bool ck_can_reserve(size_t bytes);

/// A fixed set of threads that share loops.
typedef struct ck_pool ck_pool;

/// Creates threads, including the caller's; null if that fails.
ck_pool *ck_pool_create(size_t threads);
/// Ends the threads.
void ck_pool_destroy(ck_pool *pool);
/// Calls body(context, index) for every index below `count`, in any order, and returns when all are done. A call from
/// within a body, or while another thread's loop runs, is executed on the calling thread only.
void ck_pool_run(ck_pool *pool, size_t count, void (*body)(void *context, size_t index), void *context);

#ifdef __cplusplus
}
#endif
#endif
