// SPDX-License-Identifier: Apache-2.0
// Room for a block of a matrix, for products.
#ifndef PACKED_H
#define PACKED_H

enum {
  CK_DEPTH = 256,  // rows of a block; part of the results
  CK_WIDTH = 256,  // columns, a multiple of every tile's; 256 KiB in single precision, which the second-level cache holds
};

/// The calling thread's room for CK_DEPTH × CK_WIDTH elements of any type.
void *ck_packed(void);

#endif
