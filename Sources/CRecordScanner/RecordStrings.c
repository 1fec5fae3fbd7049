// SPDX-License-Identifier: Apache-2.0
#include "RecordInternal.h"

size_t record_unescape(const uint8_t *src, size_t length, uint8_t *dst) { (void)src,(void)length,(void)dst; return 0; }
