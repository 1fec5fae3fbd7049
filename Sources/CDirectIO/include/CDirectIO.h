// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Where bytes must begin in memory and in a file, and what their number must be a multiple of, to be written past the cache.
#define DIRECT_IO_ALIGNMENT 4096

/// Writes whole pages to a file past the system's cache, as `pwrite` would through it.
///
/// Swift does not see `O_DIRECT`, whose value differs from processor to processor. Nobody else may use the descriptor meanwhile.
/// Returns what `pwrite` does; -1 with `EINVAL` where the file system or the system cannot do it.
int64_t direct_io_write(int descriptor, const void *bytes, size_t count, int64_t offset);

#ifdef __cplusplus
}
#endif
