// SPDX-License-Identifier: Apache-2.0
#include "RecordInternal.h"

// The plain scanner reads byte by byte and stops at the first fault. It defines what the vector copies accept:
// they only say yes or no, and a no is explained here.

typedef struct {
  const uint8_t *bytes;
  size_t length, at;
  size_t last_backslash, last_nonfinite;  // 1 + offset, or 0
  record_error *error;
} reader;

static bool fault(reader *r, int code, size_t offset) {
  r->error->code = code;
  r->error->offset = offset;
  return false;
}

static void skip_space(reader *r) {
  while (r->at < r->length && record_is_space(r->bytes[r->at])) r->at++;
}

/// Reads four hexadecimal digits at `at`, or gives -1.
static int32_t code_unit(const reader *r, size_t at) {
  if (r->length - at < 4) return -1;
  int32_t unit = 0;
  for (size_t i = 0; i < 4; i++) {
    uint8_t digit = record_hex_digit(r->bytes[at + i]);
    if (digit == 255) return -1;
    unit = unit << 4 | digit;
  }
  return unit;
}

/// Reads the escape whose backslash is at `r->at`. False without a fault: the line ends inside it.
static bool read_escape(reader *r, bool *ends) {
  size_t start = r->at, left = r->length - start;
  *ends = false;
  r->last_backslash = start + 1;
  if (left < 2) return *ends = true, false;
  switch (r->bytes[start + 1]) {
    case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
      r->at += 2;
      return true;
    case 'u': break;
    default: return fault(r, RECORD_INVALID_ESCAPE, start);
  }
  for (size_t i = 2; i < 6; i++) {
    if (i >= left) return *ends = true, false;
    if (record_hex_digit(r->bytes[start + i]) == 255) return fault(r, RECORD_INVALID_ESCAPE, start);
  }
  int32_t unit = code_unit(r, start + 2);
  r->at += 6;
  if (unit < 0xD800 || unit > 0xDFFF) return true;
  if (unit >= 0xDC00) return fault(r, RECORD_LONE_SURROGATE, start);
  if (left < 12 || r->bytes[start + 6] != '\\' || r->bytes[start + 7] != 'u')
    return fault(r, RECORD_LONE_SURROGATE, start);
  int32_t low = code_unit(r, start + 8);
  // Four bad digits are the fault of the second escape, four good ones that make no pair that of the first.
  if (low >= 0 && (low < 0xDC00 || low > 0xDFFF)) return fault(r, RECORD_LONE_SURROGATE, start);
  if (low < 0) return fault(r, RECORD_INVALID_ESCAPE, start + 6);
  r->last_backslash = start + 7;
  r->at += 6;
  return true;
}

/// The length of the UTF-8 sequence at `at`, or 0 (RFC 3629: no overlongs, no surrogates, up to U+10FFFF).
static size_t utf8_length(const reader *r, size_t at) {
  const uint8_t *b = r->bytes + at;
  size_t left = r->length - at;
  size_t size = b[0] < 0xC2 ? 0 : b[0] < 0xE0 ? 2 : b[0] < 0xF0 ? 3 : b[0] < 0xF5 ? 4 : 0;
  if (size == 0 || left < size) return 0;
  for (size_t i = 1; i < size; i++)
    if ((b[i] & 0xC0) != 0x80) return 0;
  if (b[0] == 0xE0 && b[1] < 0xA0) return 0;
  if (b[0] == 0xED && b[1] >= 0xA0) return 0;
  if (b[0] == 0xF0 && b[1] < 0x90) return 0;
  if (b[0] == 0xF4 && b[1] >= 0x90) return 0;
  return size;
}

/// Reads the string whose opening quote is at `r->at`.
static bool read_string(reader *r) {
  size_t start = r->at++;
  while (r->at < r->length) {
    uint8_t byte = r->bytes[r->at];
    if (byte == '"') return r->at++, true;
    if (byte == '\\') {
      bool ends;
      if (read_escape(r, &ends)) continue;
      return ends ? fault(r, RECORD_UNTERMINATED_STRING, start) : false;
    }
    if (byte < 0x20) return fault(r, RECORD_CONTROL_CHARACTER, r->at);
    if (byte < 0x80) {
      r->at++;
      continue;
    }
    size_t size = utf8_length(r, r->at);
    if (size == 0) return fault(r, RECORD_INVALID_UTF8, r->at);
    r->at += size;
  }
  return fault(r, RECORD_UNTERMINATED_STRING, start);
}

/// Reads one or more digits.
static bool read_digits(reader *r) {
  size_t start = r->at;
  while (r->at < r->length && r->bytes[r->at] >= '0' && r->bytes[r->at] <= '9') r->at++;
  if (r->at > start) return true;
  return fault(r, r->at == r->length ? RECORD_TRUNCATED : RECORD_INVALID_NUMBER, r->at);
}

/// Reads a number, a literal, or one of the non-finite words.
static bool read_scalar(reader *r) {
  const uint8_t *bytes = r->bytes;
  size_t start = r->at;
  bool negative = bytes[start] == '-';
  size_t word = start + negative;
  if (word == r->length) return fault(r, RECORD_TRUNCATED, word);
  bool nonfinite;
  size_t size = record_match_literal(bytes, word, r->length, &nonfinite);
  if (size > 0 && (!negative || bytes[word] == 'I')) {
    r->at = word + size;
    if (r->at < r->length && !record_ends_scalar(bytes[r->at])) return fault(r, RECORD_INVALID_LITERAL, start);
    if (nonfinite) r->last_nonfinite = word + 1;
    return true;
  }
  bool letter = (bytes[start] | 0x20) >= 'a' && (bytes[start] | 0x20) <= 'z';
  if (letter && record_is_cut_literal(bytes, start, r->length)) return fault(r, RECORD_TRUNCATED, r->length);
  if (letter) return fault(r, RECORD_INVALID_LITERAL, start);
  if (!negative && (bytes[start] < '0' || bytes[start] > '9')) {
    bool number = bytes[start] == '+' || bytes[start] == '.';
    return fault(r, number ? RECORD_INVALID_NUMBER : RECORD_UNEXPECTED_CHARACTER, start);
  }
  r->at = word;
  if (!read_digits(r)) return false;
  if (bytes[word] == '0' && r->at > word + 1) return fault(r, RECORD_LEADING_ZERO, word);
  if (r->at < r->length && bytes[r->at] == '.') {
    r->at++;
    if (!read_digits(r)) return false;
  }
  if (r->at < r->length && (bytes[r->at] | 0x20) == 'e') {
    r->at++;
    if (r->at < r->length && (bytes[r->at] == '+' || bytes[r->at] == '-')) r->at++;
    if (!read_digits(r)) return false;
  }
  if (r->at < r->length && !record_ends_scalar(bytes[r->at])) return fault(r, RECORD_INVALID_NUMBER, r->at);
  return true;
}

size_t record_scalar_end(const uint8_t *bytes, size_t at, size_t length) {
  record_error ignored;
  reader r = {bytes, length, at, 0, 0, &ignored};
  return read_scalar(&r) ? r.at : 0;
}

enum expectation { VALUE, FIRST_VALUE, KEY, FIRST_KEY, COLON, SEPARATOR };

/// The fault of finding `byte` where something else must stand.
static bool unexpected(reader *r, enum expectation expected, size_t comma) {
  size_t at = r->at;
  uint8_t byte = r->bytes[at];
  bool closes = byte == ']' || byte == '}';
  bool starts = byte == '"' || byte == '[' || byte == '{' || byte == '-' || (byte >= '0' && byte <= '9')
    || byte == 't' || byte == 'f' || byte == 'n' || byte == 'N' || byte == 'I';
  switch (expected) {
    case KEY: return closes ? fault(r, RECORD_TRAILING_COMMA, comma) : fault(r, RECORD_MISSING_KEY, at);
    case FIRST_KEY: return fault(r, RECORD_MISSING_KEY, at);
    case COLON: return fault(r, RECORD_MISSING_COLON, at);
    case SEPARATOR: return fault(r, starts ? RECORD_MISSING_COMMA : RECORD_UNEXPECTED_CHARACTER, at);
    case VALUE:
      if (closes && r->bytes[comma] == ',') return fault(r, RECORD_TRAILING_COMMA, comma);
    case FIRST_VALUE: return fault(r, RECORD_MISSING_VALUE, at);
  }
}

/// Checks a record and lists its members, or, without a list, any value.
static bool scan(record_list *list, reader *r) {
  const uint8_t *bytes = r->bytes;
  uint8_t stack[RECORD_MAXIMUM_DEPTH + 1];
  size_t depth = 0;
  size_t separator = 0;  // offset of the last ',' or ':'
  enum expectation expected = VALUE;
  skip_space(r);
  if (r->at == r->length) return fault(r, RECORD_EMPTY, r->at);
  if (list && bytes[r->at] != '{') return fault(r, RECORD_NOT_OBJECT, r->at);
  for (;;) {
    skip_space(r);
    if (r->at == r->length) return fault(r, RECORD_TRUNCATED, r->at);
    uint8_t byte = bytes[r->at];
    bool value = expected == VALUE || expected == FIRST_VALUE;
    if (byte == '{' || byte == '[') {
      if (!value) return unexpected(r, expected, separator);
      if (depth == RECORD_MAXIMUM_DEPTH) return fault(r, RECORD_DEPTH_LIMIT, r->at);
      stack[++depth] = byte;
      if (list && depth == 1) list->separator = r->at + 1;
      expected = byte == '{' ? FIRST_KEY : FIRST_VALUE;
      r->at++;
    } else if (byte == '}' || byte == ']') {
      if (expected != SEPARATOR && expected != FIRST_KEY && expected != FIRST_VALUE)
        return unexpected(r, expected, separator);
      if (byte != stack[depth] + 2) return fault(r, RECORD_MISMATCHED_BRACKET, r->at);
      if (list && depth == 1 && list->open) record_end_member(list, r->at, r->last_backslash, r->last_nonfinite);
      depth--;
      r->at++;
      if (depth == 0) break;
      expected = SEPARATOR;
    } else if (byte == ',') {
      if (expected != SEPARATOR) return unexpected(r, expected, separator);
      if (list && depth == 1) record_end_member(list, r->at, r->last_backslash, r->last_nonfinite);
      expected = stack[depth] == '{' ? KEY : VALUE;
      separator = r->at++;
    } else if (byte == ':') {
      if (expected != COLON) return unexpected(r, expected, separator);
      if (list && depth == 1) record_begin_member(list, r->at, r->last_backslash);
      expected = VALUE;
      separator = r->at++;
    } else if (byte == '"') {
      if (expected == COLON || expected == SEPARATOR) return unexpected(r, expected, separator);
      if (!read_string(r)) return false;
      if (depth == 0) break;
      expected = value ? SEPARATOR : COLON;
    } else {
      if (!value) return unexpected(r, expected, separator);
      if (!read_scalar(r)) return false;
      if (depth == 0) break;
      expected = SEPARATOR;
    }
  }
  skip_space(r);
  if (r->at < r->length) return fault(r, RECORD_TRAILING_CONTENT, r->at);
  return true;
}

int record_scan_plain(record_list *list, record_error *error) {
  reader r = {list->bytes, list->length, 0, 0, 0, error};
  error->code = RECORD_OK;
  error->offset = 0;
  scan(list, &r);
  return error->code;
}

int record_check_plain(const uint8_t *bytes, size_t length, record_error *error) {
  reader r = {bytes, length, 0, 0, 0, error};
  *error = (record_error){RECORD_OK, 0};
  scan(NULL, &r);
  return error->code;
}
