// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// SHA-256 (FIPS 180-4), in parts. Uses the processor's instructions for it where it has them, about five times as fast.

/// A hash that bytes are added to; a copy of it goes on by itself.
typedef struct sha256_context {
  uint32_t state[8];
  uint64_t length;
  uint8_t block[64];
} sha256_context;

/// Starts the hash of no bytes.
void sha256_start(sha256_context *context);

/// Adds bytes.
void sha256_add(sha256_context *context, const void *bytes, size_t count);

/// The hash of all bytes so far; the context stays as it is.
void sha256_digest(const sha256_context *context, uint8_t digest[32]);

/// Adds bytes without the processor's own instructions, for tests.
void sha256_add_portable(sha256_context *context, const void *bytes, size_t count);

#ifdef __cplusplus
}
#endif
