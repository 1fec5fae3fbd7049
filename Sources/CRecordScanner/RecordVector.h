// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "RecordInternal.h"

// Sixty-four bytes at once, in Clang's portable vectors: the same text becomes AVX-512, AVX2, SSE2 or NEON,
// whichever instruction set the including file has chosen. A `uint64_t` mask has bit i for byte i.

// Every function here is inlined, so that no vector is ever passed and its calling convention does not matter.
#pragma clang diagnostic ignored "-Wpsabi"

typedef uint8_t bytes64 __attribute__((ext_vector_type(64)));
typedef bool bits64 __attribute__((ext_vector_type(64)));

RECORD_INLINE bytes64 load(const uint8_t *at) {
  bytes64 v;
  memcpy(&v, at, sizeof v);
  return v;
}

#define MASK(comparison)                                        \
  ({                                                            \
    bits64 bits_ = __builtin_convertvector(comparison, bits64); \
    uint64_t mask_;                                             \
    memcpy(&mask_, &bits_, sizeof mask_);                       \
    mask_;                                                      \
  })

RECORD_INLINE uint64_t equal(bytes64 v, uint8_t byte) { return MASK(v == (bytes64)byte); }
RECORD_INLINE uint64_t below(bytes64 v, uint8_t byte) { return MASK(v < (bytes64)byte); }
RECORD_INLINE uint64_t at_least(bytes64 v, uint8_t byte) { return MASK(v >= (bytes64)byte); }

/// The positions after those in `mask`; `carry`, 0 or 1, brings in the last position of the block before.
RECORD_INLINE uint64_t after(uint64_t mask, uint64_t *carry) {
  uint64_t shifted = mask << 1 | *carry;
  *carry = mask >> 63;
  return shifted;
}

/// From each position in `starts` onwards, the first position that is not in `run`.
///
/// Adding a bit to a run of ones carries through to its end.
RECORD_INLINE uint64_t run_end(uint64_t starts, uint64_t run) { return (starts + run) & ~run; }

/// The same, where `carry`, 0 or 1, brings in a run from the block before and takes one out.
RECORD_INLINE uint64_t run_end_across(uint64_t starts, uint64_t run, uint64_t *carry) {
  unsigned long long sum;
  *carry = __builtin_add_overflow((unsigned long long)(starts | *carry), (unsigned long long)run, &sum);
  return sum & ~run;
}

/// The first positions after those in `tokens` that are not space.
RECORD_INLINE uint64_t next_token(uint64_t tokens, uint64_t space, uint64_t *carry) {
  uint64_t last = tokens >> 63;
  uint64_t ends = run_end_across(tokens << 1, space, carry);
  *carry |= last;
  return ends;
}

/// Bit i is the parity of the bits 0...i.
RECORD_INLINE uint64_t prefix_parity(uint64_t mask) {
#if defined(__PCLMUL__) || defined(RECORD_HAS_PCLMUL)
  return (uint64_t)_mm_cvtsi128_si64(_mm_clmulepi64_si128(_mm_set_epi64x(0, (long long)mask), _mm_set1_epi8(-1), 0));
#else
  for (int shift = 1; shift < 64; shift *= 2) mask ^= mask << shift;
  return mask;
#endif
}
