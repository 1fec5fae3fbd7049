// SPDX-License-Identifier: Apache-2.0
// The part of CBLAS that the kernels use, as plain loops: for machines of which no BLAS is at hand.
#ifndef PLAIN_CBLAS_H
#define PLAIN_CBLAS_H

enum { CblasRowMajor = 101, CblasNoTrans = 111, CblasTrans = 112 };

#define PLAIN_GEMM(name, real)                                                                                       \
  static inline void name(                                                                                           \
      int order, int ta, int tb, int m, int n, int k, real alpha, const real *a, int lda, const real *b, int ldb,    \
      real beta, real *c, int ldc) {                                                                                 \
    (void)order;                                                                                                     \
    for (int row = 0; row < m; row++)                                                                                \
      for (int column = 0; column < n; column++) {                                                                   \
        real sum = 0;                                                                                                \
        for (int i = 0; i < k; i++)                                                                                  \
          sum += a[ta == CblasTrans ? i * lda + row : row * lda + i] *                                               \
                 b[tb == CblasTrans ? column * ldb + i : i * ldb + column];                                          \
        real *target = &c[row * ldc + column];                                                                       \
        *target = alpha * sum + (beta == 0 ? 0 : beta * *target);                                                    \
      }                                                                                                              \
  }
PLAIN_GEMM(cblas_sgemm, float)
PLAIN_GEMM(cblas_dgemm, double)

// Products.c is to call these, and load no library.
#define CK_PLAIN_BLAS

#endif
