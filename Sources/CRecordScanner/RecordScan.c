// SPDX-License-Identifier: Apache-2.0
#include <stdatomic.h>

#include "RecordInternal.h"

static int detect_level(void) {
#if defined(__x86_64__)
  if (
    __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")
    && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")
    && __builtin_cpu_supports("pclmul"))
    return RECORD_LEVEL_AVX512;
  if (
    __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")
    && __builtin_cpu_supports("pclmul"))
    return RECORD_LEVEL_AVX2;
#endif
  return RECORD_LEVEL_BASELINE;
}

int record_best_level(void) {
  // Asking the processor costs as much as scanning a short string. Threads that ask at once get the same answer.
  static _Atomic int known = -1;
  int level = atomic_load_explicit(&known, memory_order_relaxed);
  if (level < 0) {
    level = detect_level();
    atomic_store_explicit(&known, level, memory_order_relaxed);
  }
  return level;
}

const char *record_level_name(int level) {
  switch (level) {
    case RECORD_LEVEL_PLAIN: return "plain";
    case RECORD_LEVEL_AVX2: return "avx2";
    case RECORD_LEVEL_AVX512: return "avx512";
#if defined(__x86_64__)
    default: return "sse2";
#elif defined(__ARM_NEON)
    default: return "neon";
#else
    default: return "vector";
#endif
  }
}

const char *record_simd_name(void) { return record_level_name(record_best_level()); }

static bool scan_vector(int level, record_list *list) {
#if defined(__x86_64__)
  if (level == RECORD_LEVEL_AVX512) return record_scan_avx512(list);
  if (level == RECORD_LEVEL_AVX2) return record_scan_avx2(list);
#endif
  (void)level;
  return record_scan_baseline(list);
}

/// Scans at a level; `*refused` says whether a vector copy refused the line.
static int scan(
  int level, const uint8_t *bytes, size_t length, const record_names *names, record_member *members,
  size_t capacity, size_t *count, record_error *error, bool *refused) {
  *count = 0;
  *refused = false;
  *error = (record_error){RECORD_OK, 0};
  if (length > RECORD_MAXIMUM_LENGTH) {
    *error = (record_error){RECORD_TOO_LONG, RECORD_MAXIMUM_LENGTH};
    return error->code;
  }
  record_list list = {.bytes = bytes, .length = length, .names = names, .members = members, .capacity = capacity};
  if (level == RECORD_LEVEL_PLAIN || !scan_vector(level, &list)) {
    *refused = level != RECORD_LEVEL_PLAIN;
    list.count = 0;
    list.open = NULL;
    if (record_scan_plain(&list, error) != RECORD_OK) return error->code;
  }
  *count = list.count;
  if (list.count > capacity) error->code = RECORD_CAPACITY;
  return error->code;
}

int record_scan(
  const uint8_t *bytes, size_t length, const record_names *names, record_member *members, size_t capacity,
  size_t *count, record_error *error) {
  bool refused;
  return scan(record_best_level(), bytes, length, names, members, capacity, count, error, &refused);
}

int record_scan_with(
  int level, const uint8_t *bytes, size_t length, const record_names *names, record_member *members,
  size_t capacity, size_t *count, record_error *error) {
  int best = record_best_level();
  bool refused;
  if (level < RECORD_LEVEL_PLAIN || level > best) level = best;
  scan(level, bytes, length, names, members, capacity, count, error, &refused);
  if (refused && (error->code == RECORD_OK || error->code == RECORD_CAPACITY)) error->code = RECORD_DISAGREEMENT;
  return error->code;
}

int record_check_value(const uint8_t *bytes, size_t length, record_error *error) {
  size_t first = 0, count;
  while (first < length && record_is_space(bytes[first])) first++;
  if (first == length || bytes[first] != '{') {
    if (length <= RECORD_MAXIMUM_LENGTH) return record_check_plain(bytes, length, error);
    *error = (record_error){RECORD_TOO_LONG, RECORD_MAXIMUM_LENGTH};
    return error->code;
  }
  if (record_scan(bytes, length, NULL, NULL, 0, &count, error) == RECORD_CAPACITY) error->code = RECORD_OK;
  return error->code;
}

const char *record_error_message(int code) {
  switch (code) {
    case RECORD_OK: return "no fault";
    case RECORD_CAPACITY: return "more members than there is room for";
    case RECORD_TOO_LONG: return "line longer than 1 GiB";
    case RECORD_EMPTY: return "empty line";
    case RECORD_NOT_OBJECT: return "a record must be a JSON object";
    case RECORD_TRUNCATED: return "the line ends before its object does";
    case RECORD_UNTERMINATED_STRING: return "string without a closing quote";
    case RECORD_CONTROL_CHARACTER: return "control character in a string; write it as an escape such as \\n";
    case RECORD_INVALID_ESCAPE: return "invalid escape";
    case RECORD_LONE_SURROGATE: return "\\u escape of half a surrogate pair";
    case RECORD_INVALID_UTF8: return "invalid UTF-8";
    case RECORD_INVALID_NUMBER: return "invalid number";
    case RECORD_LEADING_ZERO: return "number with a leading zero";
    case RECORD_INVALID_LITERAL: return "unknown word";
    case RECORD_TRAILING_COMMA: return "comma before a closing bracket";
    case RECORD_MISSING_COMMA: return "missing comma";
    case RECORD_MISSING_COLON: return "missing colon after a key";
    case RECORD_MISSING_VALUE: return "missing value";
    case RECORD_MISSING_KEY: return "missing key";
    case RECORD_MISMATCHED_BRACKET: return "closing bracket of the wrong kind";
    case RECORD_DEPTH_LIMIT: return "nested deeper than 1024 levels";
    case RECORD_TRAILING_CONTENT: return "content after the object";
    case RECORD_UNEXPECTED_CHARACTER: return "unexpected character";
    case RECORD_DISAGREEMENT: return "the copies of the scanner disagree, which is a bug";
    default: return "unknown fault";
  }
}
