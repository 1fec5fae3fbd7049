// SPDX-License-Identifier: Apache-2.0
#include "include/CThreads.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

// Waits until all threads have been made.
static void *wait_at_gate(void *unused) {
  (void)unused;
  pthread_mutex_lock(&gate);
  pthread_mutex_unlock(&gate);
  return NULL;
}

int ct_available(int wanted) {
  if (wanted < 1) return 0;
  pthread_t *threads = calloc((size_t)wanted, sizeof *threads);
  if (!threads) return 0;
  int made = 0;
  pthread_mutex_lock(&gate);
  while (made < wanted && pthread_create(&threads[made], NULL, wait_at_gate, NULL) == 0) made++;
  pthread_mutex_unlock(&gate);
  for (int index = 0; index < made; index++) pthread_join(threads[index], NULL);
  free(threads);
  return made;
}

struct start {
  void (*body)(void *);
  void *context;
};

static void *run(void *argument) {
  struct start start = *(struct start *)argument;
  free(argument);
  start.body(start.context);
  return NULL;
}

int ct_start(void (*body)(void *), void *context) {
  struct start *start = malloc(sizeof *start);
  if (!start) return -1;
  *start = (struct start){body, context};
  pthread_t thread;
  int error = pthread_create(&thread, NULL, run, start);
  if (error == 0) pthread_detach(thread); else free(start);
  return error;
}

long long ct_limit(ct_kind kind) {
  struct rlimit limit;
  if (getrlimit(kind == CT_PROCESSES ? RLIMIT_NPROC : RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return -1;
  return (long long)limit.rlim_cur;
}
