// SPDX-License-Identifier: Apache-2.0

// The copy for what every machine of the architecture has: SSE2 on x86-64, NEON on Arm.
#define SCAN_FUNCTION record_scan_baseline
#include "RecordScanVector.h"
