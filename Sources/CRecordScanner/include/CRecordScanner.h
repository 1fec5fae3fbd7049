// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// One line of JSONL in; a verdict on every byte and the list of its top-level members out.
//
// What is JSON is decided here, for this whole package: how numbers, strings and escapes are written, what is UTF-8, how
// deep values may nest. `JSONValue` is made of bytes that this library has accepted, and the numbers and strings of specs,
// whose structure jsoncpp reads, are checked and unescaped by it as well.
//
// The scanner accepts exactly one JSON object (RFC 8259), with whitespace around it. It checks all of it in
// one pass, also inside values that will not be read, and allocates nothing. The only extension: bare NaN,
// Infinity and -Infinity count as scalars and are flagged, since Python's json writes them.
//
// Duplicate keys are not a fault here: each is a member of its own, in the order of the line.

/// The longest line that is scanned, in bytes.
#define RECORD_MAXIMUM_LENGTH ((size_t)1 << 30)

/// The deepest nesting of objects and arrays that is scanned; the record itself is level 1.
#define RECORD_MAXIMUM_DEPTH 1024

/// What kind of value a member holds.
enum record_type {
  RECORD_OBJECT,
  RECORD_ARRAY,
  RECORD_STRING,
  RECORD_NUMBER,
  RECORD_TRUE,
  RECORD_FALSE,
  RECORD_NULL,
  RECORD_NONFINITE,  // bare NaN, Infinity or -Infinity
};

/// Bits of `record_member.flags`.
enum record_flag {
  RECORD_KEY_ESCAPED = 1,      // the key holds a backslash
  RECORD_VALUE_ESCAPED = 2,    // the value is a string and holds a backslash
  RECORD_VALUE_NONFINITE = 4,  // the value is, or somewhere holds, a bare NaN, Infinity or -Infinity
};

/// One top-level member of a record. Offsets count bytes from the start of the line.
typedef struct {
  uint32_t key_start, key_end;      // between the quotes
  uint32_t value_start, value_end;  // the whole value, with its quotes or brackets
  uint8_t type;                     // enum record_type
  uint8_t flags;                    // enum record_flag, or-ed
  int16_t name;                     // index of the key in the table of names, or -1
} record_member;

/// What is wrong with a line. `offset` of a `record_error` points at the byte named here.
enum record_error_code {
  RECORD_OK = 0,
  RECORD_CAPACITY,              // the line is valid, but has more members than fit: grow and scan again
  RECORD_TOO_LONG,              // longer than RECORD_MAXIMUM_LENGTH; offset of the first byte too many
  RECORD_EMPTY,                 // nothing but whitespace; offset of the end
  RECORD_NOT_OBJECT,            // the first token is no '{'; its offset
  RECORD_TRUNCATED,             // the line ends before its object does; offset of the end
  RECORD_UNTERMINATED_STRING,   // the line ends inside a string; offset of the opening quote
  RECORD_CONTROL_CHARACTER,     // a raw byte below 0x20 in a string; its offset
  RECORD_INVALID_ESCAPE,        // a backslash and what JSON does not know; offset of the backslash
  RECORD_LONE_SURROGATE,        // \uD800...\uDFFF without its other half; offset of the backslash
  RECORD_INVALID_UTF8,          // offset of the first byte of the sequence that is not UTF-8
  RECORD_INVALID_NUMBER,        // offset of the first byte that cannot continue the number
  RECORD_LEADING_ZERO,          // 01; offset of the zero
  RECORD_INVALID_LITERAL,       // a word other than true, false, null, NaN, Infinity; offset of its start
  RECORD_TRAILING_COMMA,        // [1,] or {"a":1,}; offset of the comma
  RECORD_MISSING_COMMA,         // two values in a row; offset of the second
  RECORD_MISSING_COLON,         // a key followed by no ':'; offset of what stands there
  RECORD_MISSING_VALUE,         // a ',' ':' or closing bracket where a value must stand; its offset
  RECORD_MISSING_KEY,           // no '"' where a key must stand; offset of what stands there
  RECORD_MISMATCHED_BRACKET,    // [ closed by } or { by ]; offset of the closing one
  RECORD_DEPTH_LIMIT,           // nested deeper than RECORD_MAXIMUM_DEPTH; offset of the bracket too many
  RECORD_TRAILING_CONTENT,      // something after the object; its offset
  RECORD_UNEXPECTED_CHARACTER,  // a byte that starts no token, or a ':' after a value; its offset
  RECORD_DISAGREEMENT,          // a bug in this library: see `record_scan_with`
};

/// A fault and where it is.
typedef struct {
  int code;  // enum record_error_code
  uint64_t offset;
} record_error;

/// Says in English what a code means, to be followed by a position.
const char *record_error_message(int code);

/// The keys that a caller knows, made once, never changed, shared by threads.
typedef struct record_names record_names;

/// Makes a table in which `names[i]`, `lengths[i]` bytes of UTF-8, has index `i`.
///
/// At most 32767 names of at most 1024 bytes; of equal names the first wins. NULL beyond that, or without memory.
record_names *record_names_make(const char *const *names, const uint16_t *lengths, size_t count);
void record_names_free(record_names *names);

/// The index of a key, given unescaped, or -1.
int16_t record_names_find(const record_names *names, const uint8_t *key, size_t length);

/// Validates a line and lists its top-level members.
///
/// `bytes` may end exactly at `length`: nothing behind it is read. `names` may be NULL. The result is an
/// `enum record_error_code`, and `*error` says the same with the offset. `*count` is the number of members,
/// also when that is more than `capacity` (the first `capacity` are then filled in), and 0 after a fault.
/// A fault costs a second, slower pass which finds out where it is.
int record_scan(
  const uint8_t *bytes, size_t length, const record_names *names, record_member *members, size_t capacity,
  size_t *count, record_error *error);

/// Checks that bytes are one JSON value of any kind, with whitespace around it, by the rules of `record_scan`.
///
/// The result is an `enum record_error_code`, and `*error` says the same with the offset.
int record_check_value(const uint8_t *bytes, size_t length, record_error *error);

/// The copies of the scanner. All give the same verdict, offsets and members.
enum record_level {
  RECORD_LEVEL_PLAIN,     // byte by byte; also finds the place of a fault for the others
  RECORD_LEVEL_BASELINE,  // what every machine of the architecture has: SSE2 or NEON
  RECORD_LEVEL_AVX2,
  RECORD_LEVEL_AVX512,
};

/// The best level that this machine can run.
int record_best_level(void);

/// The name of a level: "plain", "sse2" ("neon", "vector"), "avx2", "avx512".
const char *record_level_name(int level);

/// The name of the level that `record_scan` uses here.
const char *record_simd_name(void);

/// `record_scan` at a given level, for tests and benchmarks; a level that the machine lacks runs the best it has.
///
/// Unlike `record_scan` it returns RECORD_DISAGREEMENT when a vector copy refuses what the plain one accepts.
int record_scan_with(
  int level, const uint8_t *bytes, size_t length, const record_names *names, record_member *members,
  size_t capacity, size_t *count, record_error *error);

// What follows reads values that `record_scan` has accepted. On other bytes the results are meaningless,
// but nothing outside the given ranges is read or written.

/// The offset behind the value, or the key, at `bytes[at]`.
size_t record_value_end(const uint8_t *bytes, size_t at, size_t length);

/// Turns the inside of a string (between the quotes) into UTF-8 and returns its length.
///
/// `dst` holds at least `length` bytes, and may be `src` itself.
size_t record_unescape(const uint8_t *src, size_t length, uint8_t *dst);

/// The number of Unicode scalars of the inside of a string, escapes resolved.
size_t record_count_scalars(const uint8_t *src, size_t length);

/// How long UTF-8 becomes as the inside of a string.
size_t record_escaped_length(const uint8_t *src, size_t length);

/// Turns UTF-8 into the inside of a string, escaping only what RFC 8259 requires, and returns its length.
///
/// `dst` holds `record_escaped_length` bytes.
size_t record_escape(const uint8_t *src, size_t length, uint8_t *dst);

/// Writes a value as compact JSON and returns its length: no space between values, only the escapes that RFC 8259 requires,
/// and `null` for bare NaN and infinities.
///
/// `dst` holds three times as many bytes as `src`.
size_t record_compact(const uint8_t *src, size_t length, uint8_t *dst);

/// The number of elements of an array, flat or nested; 0 for any other value.
uint64_t record_count_elements(const uint8_t *value, size_t length);

/// Reads a number, rounded correctly; one beyond the range of Double becomes an infinity.
double record_parse_double(const uint8_t *value, size_t length);

/// Reads an array of integers; the number of elements, or -1 if one is no integer or needs more than 64 bits.
///
/// 1.0 and 1e3 are no integers here. Of more than `capacity` elements the first `capacity` are stored.
int64_t record_parse_integers(const uint8_t *value, size_t length, int64_t *dst, size_t capacity);

/// Reads an array of numbers, each rounded correctly; the number of elements, or -1 if one is no number.
///
/// null, NaN, Infinity and -Infinity all become NaN. A finite literal beyond the range of Double becomes an
/// infinity. Of more than `capacity` elements the first `capacity` are stored.
int64_t record_parse_doubles(const uint8_t *value, size_t length, double *dst, size_t capacity);

/// Copies a value with every bare NaN, Infinity and -Infinity replaced by null, and returns the new length.
///
/// A NaN grows by a byte: `dst` holds at least `length + length / 3 + 1` bytes and does not overlap `src`.
/// `*replaced`, if not NULL, is the number of replacements.
size_t record_nonfinite_to_null(const uint8_t *src, size_t length, uint8_t *dst, uint64_t *replaced);

#ifdef __cplusplus
}
#endif
