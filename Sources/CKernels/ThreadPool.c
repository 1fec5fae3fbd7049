// SPDX-License-Identifier: Apache-2.0
// A fixed set of threads that share loops. Workers spin for a moment before they sleep, since the next loop of a
// forward pass follows within microseconds.
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "include/CKernels.h"

typedef struct {
  void (*body)(void *, size_t);
  void *context;
  size_t count;
} loop;

struct ck_pool {
  pthread_mutex_t mutex;      // guards sleeping
  pthread_cond_t wake;
  pthread_mutex_t owner;      // one loop at a time
  atomic_size_t generation;   // odd changes announce a loop
  atomic_size_t next;
  atomic_size_t working;
  atomic_int sleeping;
  atomic_bool ends;
  loop work;
  size_t workers;
  pthread_t threads[];
};

enum { SPINS = 20000 };

static inline void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static void share(ck_pool *pool) {
  for (;;) {
    size_t index = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
    if (index >= pool->work.count) return;
    pool->work.body(pool->work.context, index);
  }
}

static void *worker(void *argument) {
  ck_pool *pool = argument;
  size_t seen = 0;
  for (;;) {
    size_t now = atomic_load_explicit(&pool->generation, memory_order_acquire);
    for (int spin = 0; now == seen && spin < SPINS; spin++) {
      relax();
      now = atomic_load_explicit(&pool->generation, memory_order_acquire);
    }
    if (now == seen) {
      pthread_mutex_lock(&pool->mutex);
      atomic_fetch_add(&pool->sleeping, 1);
      while ((now = atomic_load(&pool->generation)) == seen) pthread_cond_wait(&pool->wake, &pool->mutex);
      atomic_fetch_sub(&pool->sleeping, 1);
      pthread_mutex_unlock(&pool->mutex);
    }
    seen = now;
    if (atomic_load(&pool->ends)) return NULL;
    share(pool);
    atomic_fetch_sub_explicit(&pool->working, 1, memory_order_release);
  }
}

static void announce(ck_pool *pool) {
  atomic_fetch_add(&pool->generation, 1);
  if (atomic_load(&pool->sleeping) > 0) {
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
  }
}

ck_pool *ck_pool_create(size_t threads) {
  size_t workers = threads > 1 ? threads - 1 : 0;
  ck_pool *pool = calloc(1, sizeof *pool + workers * sizeof(pthread_t));
  if (!pool) return NULL;
  pthread_mutex_init(&pool->mutex, NULL);
  pthread_cond_init(&pool->wake, NULL);
  pthread_mutex_init(&pool->owner, NULL);
  for (; pool->workers < workers; pool->workers++)
    if (pthread_create(&pool->threads[pool->workers], NULL, worker, pool) != 0) break;
  return pool;
}

void ck_pool_destroy(ck_pool *pool) {
  if (!pool) return;
  atomic_store(&pool->ends, true);
  announce(pool);
  for (size_t index = 0; index < pool->workers; index++) pthread_join(pool->threads[index], NULL);
  pthread_mutex_destroy(&pool->mutex);
  pthread_cond_destroy(&pool->wake);
  pthread_mutex_destroy(&pool->owner);
  free(pool);
}

void ck_pool_run(ck_pool *pool, size_t count, void (*body)(void *, size_t), void *context) {
  if (count < 2 || pool->workers == 0 || pthread_mutex_trylock(&pool->owner) != 0) {
    for (size_t index = 0; index < count; index++) body(context, index);
    return;
  }
  pool->work = (loop){body, context, count};
  atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
  atomic_store_explicit(&pool->working, pool->workers, memory_order_relaxed);
  announce(pool);
  share(pool);
  while (atomic_load_explicit(&pool->working, memory_order_acquire) > 0) relax();
  pthread_mutex_unlock(&pool->owner);
}
