// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <string.h>

#include "CRecordScanner.h"

#define RECORD_INLINE static inline __attribute__((always_inline))

/// The members found so far, with room for the one being read.
typedef struct {
  const uint8_t *bytes;
  size_t length;
  const record_names *names;
  record_member *members;
  size_t capacity, count;
  record_member *open;  // the member whose value has not yet ended, or NULL
  record_member spare;  // stands in for those that do not fit
  size_t separator;  // offset behind the '{' or ',' before the next key
} record_list;

RECORD_INLINE bool record_is_space(uint8_t byte) {
  return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

/// Bytes that may follow a number or literal directly.
RECORD_INLINE bool record_ends_scalar(uint8_t byte) {
  return record_is_space(byte) || byte == ',' || byte == ']' || byte == '}' || byte == ':' || byte == '['
    || byte == '{' || byte == '"';
}

/// The length of the literal at `bytes[at]`, or 0; `*nonfinite` says whether it is NaN or Infinity (without sign).
size_t record_match_literal(const uint8_t *bytes, size_t at, size_t length, bool *nonfinite);

/// Whether the line ends within the literal that starts at `bytes[at]`.
bool record_is_cut_literal(const uint8_t *bytes, size_t at, size_t length);

/// The offset behind the number or literal at `bytes[at]`, or 0 if it is invalid.
size_t record_scalar_end(const uint8_t *bytes, size_t at, size_t length);

/// The value of a hexadecimal digit, or 255.
uint8_t record_hex_digit(uint8_t byte);

/// The index of a key as it stands in the line, escapes and all.
int16_t record_find_escaped_name(const record_names *names, const uint8_t *key, size_t length);

/// Starts a member whose ':' stands at `colon`. Everything up to there is known to be valid.
///
/// `last_backslash` is 1 + the offset of the last backslash before the colon, or 0.
void record_begin_member(record_list *list, size_t colon, size_t last_backslash);

/// Ends the open member, whose value stands before the ',' or '}' at `end`.
///
/// `last_backslash` and `last_nonfinite` are 1 + the offset of the last of its kind before `end`, or 0.
void record_end_member(record_list *list, size_t end, size_t last_backslash, size_t last_nonfinite);

/// The plain scanner: the definition of what is valid, and the one that knows where a fault is.
int record_scan_plain(record_list *list, record_error *error);

/// The same for a value of any kind.
int record_check_plain(const uint8_t *bytes, size_t length, record_error *error);

// The vector copies: true if the line is valid, false if it is not, wherever the fault may be.
bool record_scan_baseline(record_list *list);
#if defined(__x86_64__)
bool record_scan_avx2(record_list *list);
bool record_scan_avx512(record_list *list);
#endif
