// SPDX-License-Identifier: Apache-2.0
// A fixed set of threads that share loops. Workers spin for a moment before they sleep, since the next loop of a
// forward pass follows within microseconds. A loop waits for the parts that have been begun, never for a worker that
// has not started: on a busy machine it may come late, and the caller then does all the work.
#define _DEFAULT_SOURCE
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include "include/CKernels.h"

typedef void (*loop_body)(void *, size_t);

struct ck_pool {
  pthread_mutex_t mutex;     // guards sleeping
  pthread_cond_t wake;
  pthread_mutex_t owner;     // one loop at a time
  atomic_size_t generation;  // changes announce a loop
  atomic_int sleeping;
  atomic_bool ends;
  // The number of the loop and of its next part, in one word, so that a late worker takes no part of another loop.
  _Atomic uint64_t ticket;
  _Atomic(loop_body) body;
  _Atomic(void *) context;
  _Atomic uint32_t count;
  atomic_size_t done;
  size_t workers;
  pthread_t threads[];
};

enum { SPINS = 20000, SPINS_BEFORE_YIELD = 2000 };

static inline void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Takes and does parts of the loop until none is left.
static void share(ck_pool *pool) {
  for (;;) {
    uint64_t ticket = atomic_load_explicit(&pool->ticket, memory_order_acquire);
    loop_body body = atomic_load_explicit(&pool->body, memory_order_relaxed);
    void *context = atomic_load_explicit(&pool->context, memory_order_relaxed);
    if ((uint32_t)ticket >= atomic_load_explicit(&pool->count, memory_order_relaxed)) return;
    // Where this succeeds the loop has not ended in between, so that what was read belongs to it.
    if (!atomic_compare_exchange_weak_explicit(&pool->ticket, &ticket, ticket + 1, memory_order_acq_rel,
                                               memory_order_relaxed))
      continue;
    body(context, (uint32_t)ticket);
    atomic_fetch_add_explicit(&pool->done, 1, memory_order_release);
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

void ck_pool_run(ck_pool *pool, size_t count, loop_body body, void *context) {
  if (count < 2 || count >= UINT32_MAX || pool->workers == 0 || pthread_mutex_trylock(&pool->owner) != 0) {
    for (size_t index = 0; index < count; index++) body(context, index);
    return;
  }
  // Closed while the loop is set up: a part number beyond every count.
  uint64_t loop = ((atomic_load_explicit(&pool->ticket, memory_order_relaxed) >> 32) + 1) << 32;
  atomic_store_explicit(&pool->ticket, loop | UINT32_MAX, memory_order_relaxed);
  atomic_thread_fence(memory_order_seq_cst);
  atomic_store_explicit(&pool->body, body, memory_order_relaxed);
  atomic_store_explicit(&pool->context, context, memory_order_relaxed);
  atomic_store_explicit(&pool->count, (uint32_t)count, memory_order_relaxed);
  atomic_store_explicit(&pool->done, 0, memory_order_relaxed);
  atomic_store_explicit(&pool->ticket, loop, memory_order_release);
  announce(pool);
  share(pool);
  for (int spin = 0; atomic_load_explicit(&pool->done, memory_order_acquire) < count; spin++) {
    // The worker with the last part may be waiting for this very processor.
    if (spin < SPINS_BEFORE_YIELD) relax(); else sched_yield();
  }
  pthread_mutex_unlock(&pool->owner);
}

bool ck_can_reserve(size_t bytes) {
  if (bytes == 0) return true;
  void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED) return false;
  munmap(pages, bytes);
  return true;
}
