// SPDX-License-Identifier: Apache-2.0
#ifndef CK_BLAS_LIBRARY_H
#define CK_BLAS_LIBRARY_H

#include <cblas.h>

// OpenBLAS's functions, null where it could not be loaded.
struct ck_blas_library {
  __typeof__(&cblas_sgemm) sgemm;
  __typeof__(&cblas_dgemm) dgemm;
};

extern struct ck_blas_library ck_blas_library;

#endif
