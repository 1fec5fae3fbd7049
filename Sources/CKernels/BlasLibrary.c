// SPDX-License-Identifier: Apache-2.0
// Loads OpenBLAS. It is not linked, because it makes a thread for each core as soon as it is loaded, and ends the process
// or waits for ever where it cannot have them. The callers here are the threads; it needs none.
#define _DEFAULT_SOURCE
#include "include/CKernels.h"

#if defined(__APPLE__)

const char *ck_blas_name(void) { return "Accelerate"; }
const char *ck_blas_kernels(void) { return "Accelerate"; }
const char *ck_blas_problem(void) { return 0; }
size_t ck_blas_bytes_per_thread(void) { return 0; }

#else

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "BlasLibrary.h"

struct ck_blas_library ck_blas_library;

static char problem[400];
static char *(*corename)(void);
static char *(*config)(void);

static void *open_library(void) {
  // The number of threads is read from the environment while the library is loaded, and never again: the programs that
  // this one starts do not see it.
  static const char variable[] = "OPENBLAS_NUM_THREADS";
  const char *value = getenv(variable);
  char *before = value ? strdup(value) : NULL;
  setenv(variable, "1", 1);
  void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *reason = dlerror();
    snprintf(problem, sizeof problem, "%s", reason ? reason : "unknown reason");
    library = dlopen("libopenblas.so", RTLD_NOW | RTLD_LOCAL);
  }
  if (before) setenv(variable, before, 1); else unsetenv(variable);
  free(before);
  return library;
}

__attribute__((constructor)) static void load(void) {
  void *library = open_library();
  if (!library) return;
  problem[0] = 0;
  ck_blas_library.sgemm = (__typeof__(ck_blas_library.sgemm))dlsym(library, "cblas_sgemm");
  ck_blas_library.dgemm = (__typeof__(ck_blas_library.dgemm))dlsym(library, "cblas_dgemm");
  void (*set_threads)(int) = (void (*)(int))dlsym(library, "openblas_set_num_threads");
  corename = (char *(*)(void))dlsym(library, "openblas_get_corename");
  config = (char *(*)(void))dlsym(library, "openblas_get_config");
  if (!ck_blas_library.sgemm || !ck_blas_library.dgemm || !set_threads) {
    snprintf(problem, sizeof problem, "libopenblas lacks cblas_sgemm, cblas_dgemm or openblas_set_num_threads");
    return;
  }
  set_threads(1);
}

const char *ck_blas_name(void) { return config ? config() : "OpenBLAS"; }
const char *ck_blas_kernels(void) { return corename ? corename() : "none"; }
const char *ck_blas_problem(void) { return problem[0] ? problem : NULL; }

// What OpenBLAS 0.3 takes for its packed blocks with the first product of each thread; where it cannot have them it tries
// for ever.
size_t ck_blas_bytes_per_thread(void) { return (size_t)128 << 20; }

#endif
