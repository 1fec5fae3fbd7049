// SPDX-License-Identifier: Apache-2.0
#define _DEFAULT_SOURCE
#include "include/CThreads.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

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
  int resource = kind == CT_PROCESSES ? RLIMIT_NPROC : kind == CT_DESCRIPTORS ? RLIMIT_NOFILE : RLIMIT_AS;
  if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return -1;
  return (long long)limit.rlim_cur;
}

int ct_descriptors(int wanted) {
  struct rlimit limit;
  const rlim_t enough = 4096;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < enough && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max < enough ? limit.rlim_max : enough;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  int *opened = calloc(wanted > 0 ? (size_t)wanted : 1, sizeof *opened);
  if (!opened) return 0;
  int count = 0;
  while (count < wanted && (opened[count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) count++;
  for (int index = 0; index < count; index++) close(opened[index]);
  free(opened);
  return count;
}
