// SPDX-License-Identifier: Apache-2.0
#ifndef CTHREADS_H
#define CTHREADS_H

/// Makes threads that do nothing, all at the same time, and ends them again.
///
/// - Returns: How many there were, at most `wanted`.
int ct_available(int wanted);

/// Starts a thread that belongs to nobody; 0, or the error of pthread_create.
int ct_start(void (*body)(void *), void *context);

/// A limit of this process.
typedef enum { CT_PROCESSES, CT_ADDRESS_SPACE } ct_kind;

/// The limit, or -1 where there is none.
long long ct_limit(ct_kind kind);

#endif
