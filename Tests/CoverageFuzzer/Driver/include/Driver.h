// SPDX-License-Identifier: Apache-2.0
// libFuzzer's driver, which comes with the compiler.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// Runs `test` on inputs that reach new edges until the options of `argv` say that it is enough.
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*test)(const uint8_t *data, size_t size));
