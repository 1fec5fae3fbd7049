// SPDX-License-Identifier: Apache-2.0
// Loads OpenBLAS. It is not linked, because it makes a thread for each core as soon as it is loaded, and ends the process
// or waits for ever where it cannot have them. The callers here are the threads; it needs none.
#define _DEFAULT_SOURCE
#include "include/CKernels.h"

#if defined(__APPLE__)

const char *ck_blas_name(void) { return "Accelerate"; }
const char *ck_blas_kernels(void) { return "Accelerate"; }
const char *ck_blas_problem(void) { return 0; }
bool ck_blas_reserve(size_t threads) { return threads > 0; }

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
// Memory for packed blocks, of which each caller needs some. Exported, though in no header.
static void *(*take)(int);
static void (*give)(void *);

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
  take = (void *(*)(int))dlsym(library, "blas_memory_alloc");
  give = (void (*)(void *))dlsym(library, "blas_memory_free");
  if (!ck_blas_library.sgemm || !ck_blas_library.dgemm || !set_threads) {
    snprintf(problem, sizeof problem, "libopenblas lacks cblas_sgemm, cblas_dgemm or openblas_set_num_threads");
    return;
  }
  set_threads(1);
}

const char *ck_blas_name(void) { return config ? config() : "OpenBLAS"; }
const char *ck_blas_kernels(void) { return corename ? corename() : "none"; }
const char *ck_blas_problem(void) { return problem[0] ? problem : NULL; }

// Of the callers at once; what OpenBLAS has, it keeps.
static size_t reserved;

bool ck_blas_reserve(size_t threads) {
  if (threads <= reserved) return true;
  if (!ck_can_reserve((threads - reserved) * ((size_t)CK_BLAS_MEGABYTES << 20))) return false;
  if (take && give && threads <= 1024) {
    void *blocks[1024];
    for (size_t index = 0; index < threads; index++) blocks[index] = take(0);
    for (size_t index = 0; index < threads; index++) give(blocks[index]);
  }
  reserved = threads;
  return true;
}

#endif
