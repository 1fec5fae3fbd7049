// SPDX-License-Identifier: Apache-2.0
#ifndef CTHREADS_H
#define CTHREADS_H

/// Makes threads that do nothing, all at the same time, and ends them again.
///
/// - Returns: How many there were, at most `wanted`.
int ct_available(int wanted);

/// Starts a thread that belongs to nobody; 0, or the error of pthread_create.
int ct_start(void (*body)(void *), void *context);

/// Raises the soft limit of descriptors as far as it may, to 4096 at most, and finds out how many more can be had.
///
/// - Returns: How many, at most `wanted`.
int ct_descriptors(int wanted);

/// A limit of this process.
typedef enum { CT_PROCESSES, CT_ADDRESS_SPACE, CT_DESCRIPTORS } ct_kind;

/// The limit, or -1 where there is none.
long long ct_limit(ct_kind kind);

#endif
