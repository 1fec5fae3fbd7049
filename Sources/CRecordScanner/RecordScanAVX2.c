// SPDX-License-Identifier: Apache-2.0
#if defined(__x86_64__)
#include <immintrin.h>
#include <stdlib.h>

#include "RecordInternal.h"

#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt,pclmul"))), apply_to = function)
#define RECORD_HAS_PCLMUL
#define SCAN_FUNCTION record_scan_avx2
#include "RecordScanVector.h"
#pragma clang attribute pop
#endif
