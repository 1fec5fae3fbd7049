// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE  // for O_DIRECT
#define _FILE_OFFSET_BITS 64
#include "include/CDirectIO.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int64_t direct_io_write(int descriptor, const void *bytes, size_t count, int64_t offset) {
#ifdef O_DIRECT
  int flags = fcntl(descriptor, F_GETFL);
  if (flags < 0 || fcntl(descriptor, F_SETFL, flags | O_DIRECT) < 0) {
    errno = EINVAL;
    return -1;
  }
  ssize_t written = pwrite(descriptor, bytes, count, offset);
  int error = errno;
  (void)fcntl(descriptor, F_SETFL, flags);
  errno = error;
  return written;
#else
  (void)descriptor, (void)bytes, (void)count, (void)offset;
  errno = EINVAL;
  return -1;
#endif
}
