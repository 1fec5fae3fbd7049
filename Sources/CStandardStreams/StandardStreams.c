// SPDX-License-Identifier: Apache-2.0
#include "include/CStandardStreams.h"

#include <fcntl.h>

void cs_hold_standard_streams(void) {
  // Of use for nothing, so that reading or writing a stream that the caller closed stays an error.
  for (int stream = 0; stream <= 2; stream++)
    if (fcntl(stream, F_GETFD) < 0) (void)open("/dev/null", stream == 0 ? O_WRONLY : O_RDONLY);
}

__attribute__((constructor)) static void at_start(void) { cs_hold_standard_streams(); }
