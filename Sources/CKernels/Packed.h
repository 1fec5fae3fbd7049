// SPDX-License-Identifier: Apache-2.0
// The layout of packed matrices, and room for a block of one, for products.
#ifndef PACKED_H
#define PACKED_H

#include <stddef.h>

enum {
  CK_DEPTH = 256,   // rows of a block; part of the results
  CK_TILE = 16,     // columns of a tile: a cache line in single precision
  CK_WIDTH = 256,   // columns of a block; 256 KiB in single precision, which the second-level cache holds
  CK_COPIED = 96,   // rows of a transposed matrix that are copied together
};

/// Columns as they are stored: an even number of tiles.
static inline size_t ck_padded(size_t columns) { return (columns + 2 * CK_TILE - 1) / (2 * CK_TILE) * (2 * CK_TILE); }

/// The calling thread's room for CK_DEPTH × CK_WIDTH elements of any type.
void *ck_packed(void);

/// The calling thread's room for CK_COPIED × CK_DEPTH elements of any type.
void *ck_copied(void);

#endif
