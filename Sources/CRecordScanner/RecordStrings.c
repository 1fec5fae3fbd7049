// SPDX-License-Identifier: Apache-2.0
#include "RecordInternal.h"

uint8_t record_hex_digit(uint8_t byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  uint8_t lower = byte | 0x20;
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : 255;
}

static uint32_t code_unit(const uint8_t *digits) {
  uint32_t unit = 0;
  for (int i = 0; i < 4; i++) unit = unit << 4 | (record_hex_digit(digits[i]) & 15);
  return unit;
}

static uint8_t *put_utf8(uint8_t *to, uint32_t code) {
  if (code < 0x80) {
    *to++ = (uint8_t)code;
  } else if (code < 0x800) {
    *to++ = (uint8_t)(0xC0 | code >> 6);
    *to++ = (uint8_t)(0x80 | (code & 63));
  } else if (code < 0x10000) {
    *to++ = (uint8_t)(0xE0 | code >> 12);
    *to++ = (uint8_t)(0x80 | (code >> 6 & 63));
    *to++ = (uint8_t)(0x80 | (code & 63));
  } else {
    *to++ = (uint8_t)(0xF0 | code >> 18);
    *to++ = (uint8_t)(0x80 | (code >> 12 & 63));
    *to++ = (uint8_t)(0x80 | (code >> 6 & 63));
    *to++ = (uint8_t)(0x80 | (code & 63));
  }
  return to;
}

size_t record_unescape(const uint8_t *src, size_t length, uint8_t *dst) {
  const uint8_t *from = src, *end = src + length;
  uint8_t *to = dst;
  while (from < end) {
    const uint8_t *backslash = memchr(from, '\\', (size_t)(end - from));
    size_t plain = (size_t)((backslash ? backslash : end) - from);
    // The written part never overtakes the read one, so that both may share a buffer.
    if (to != from) memmove(to, from, plain);
    to += plain;
    from += plain;
    if (end - from < 2) break;
    uint8_t kind = from[1];
    from += 2;
    switch (kind) {
      case 'b': *to++ = '\b'; break;
      case 'f': *to++ = '\f'; break;
      case 'n': *to++ = '\n'; break;
      case 'r': *to++ = '\r'; break;
      case 't': *to++ = '\t'; break;
      case 'u': {
        if (end - from < 4) return (size_t)(to - dst);
        uint32_t code = code_unit(from);
        from += 4;
        if (code >= 0xD800 && code < 0xDC00 && end - from >= 6) {
          code = 0x10000 + ((code & 0x3FF) << 10 | (code_unit(from + 2) & 0x3FF));
          from += 6;
        }
        to = put_utf8(to, code);
        break;
      }
      default: *to++ = kind;
    }
  }
  return (size_t)(to - dst);
}

/// How many bytes begin a scalar.
static size_t count_beginnings(const uint8_t *src, size_t length) {
  enum { LANES = 32, ROUNDS = 255 };  // a lane counts up to 255
  size_t count = 0, at = 0;
  while (length - at >= LANES) {
    uint8_t lanes[LANES] = {0};
    for (int round = 0; round < ROUNDS && length - at >= LANES; round++, at += LANES)
      for (int lane = 0; lane < LANES; lane++) lanes[lane] += (int8_t)src[at + lane] >= -64;
    for (int lane = 0; lane < LANES; lane++) count += lanes[lane];
  }
  for (; at < length; at++) count += (int8_t)src[at] >= -64;
  return count;
}

size_t record_count_scalars(const uint8_t *src, size_t length) {
  // An escape has more bytes that begin a scalar than it stands for.
  size_t count = count_beginnings(src, length);
  for (size_t at = 0; at + 1 < length;) {
    const uint8_t *backslash = memchr(src + at, '\\', length - 1 - at);
    if (!backslash) break;
    at = (size_t)(backslash - src) + 2;
    count--;
    if (backslash[1] != 'u' || length - at < 4) continue;
    uint32_t code = code_unit(src + at);
    at += 4;
    count -= 4;
    if (code < 0xD800 || code >= 0xDC00 || length - at < 6) continue;
    at += 6;
    count -= 6;
  }
  return count;
}

/// The bytes of a word, the first lowest, that cannot stand in a JSON string as they are: their highest bits are set.
///
/// A borrow can set a bit above such a byte too, so that only the lowest one counts.
static uint64_t escaped_bytes(uint64_t word) {
  const uint64_t ones = 0x0101010101010101, highs = 0x8080808080808080;
  uint64_t quote = word ^ ones * '"', backslash = word ^ ones * '\\';
  return (((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash)) & highs;
}

/// How many bytes a byte takes in a JSON string beyond its own.
static size_t bytes_of_escape(uint8_t byte) {
  bool is_short = byte == '"' || byte == '\\' || byte == '\n' || byte == '\r' || byte == '\t';
  return is_short ? 1 : byte < 0x20 ? 5 : 0;
}

size_t record_escaped_length(const uint8_t *src, size_t length) {
  size_t more = 0, at = 0;
  for (; at + 8 <= length; at += 8) {
    uint64_t word;
    memcpy(&word, src + at, 8);
    if (!escaped_bytes(word)) continue;
    for (size_t i = at; i < at + 8; i++) more += bytes_of_escape(src[i]);
  }
  for (; at < length; at++) more += bytes_of_escape(src[at]);
  return length + more;
}

/// How many of the bytes at `src` can be copied as they are.
static size_t plain_bytes(const uint8_t *src, size_t length) {
  size_t at = 0;
  for (; at + 8 <= length; at += 8) {
    uint64_t word;
    memcpy(&word, src + at, 8);
    uint64_t found = escaped_bytes(word);
    if (found) return at + (size_t)(__builtin_ctzll(found) >> 3);
  }
  while (at < length && src[at] >= 0x20 && src[at] != '"' && src[at] != '\\') at++;
  return at;
}

size_t record_escape(const uint8_t *src, size_t length, uint8_t *dst) {
  static const char digits[] = "0123456789abcdef";
  uint8_t *to = dst;
  for (size_t at = 0; at < length;) {
    size_t plain = plain_bytes(src + at, length - at);
    memcpy(to, src + at, plain);
    to += plain;
    at += plain;
    if (at == length) break;
    uint8_t byte = src[at++];
    *to++ = '\\';
    switch (byte) {
      case '"': case '\\': *to++ = byte; break;
      case '\n': *to++ = 'n'; break;
      case '\r': *to++ = 'r'; break;
      case '\t': *to++ = 't'; break;
      default:
        memcpy(to, "u00", 3);
        to[3] = (uint8_t)digits[byte >> 4];
        to[4] = (uint8_t)digits[byte & 15];
        to += 5;
    }
  }
  return (size_t)(to - dst);
}

/// Whether the byte at `at` of a string stands behind an odd number of backslashes, and so does not end it.
static bool is_escaped(const uint8_t *string, size_t at) {
  size_t start = at;
  while (string[start - 1] == '\\') start--;
  return (at - start) & 1;
}

/// The end of the string whose opening quote is at `at`: the offset behind its closing one.
static size_t skip_string(const uint8_t *value, size_t at, size_t length) {
  for (size_t next = at + 1; next < length;) {
    const uint8_t *quote = memchr(value + next, '"', length - next);
    if (!quote) break;
    next = (size_t)(quote - value) + 1;
    // The opening quote stops the count.
    if (!is_escaped(value + at, next - 1 - at)) return next;
  }
  return length;
}

/// Writes what an escape `\\uXXXX` stands for as it stands in a string; `*from` is behind the `u`, and moves on.
static uint8_t *put_code(uint8_t *to, const uint8_t **from) {
  uint32_t code = code_unit(*from);
  *from += 4;
  if (code >= 0xD800 && code < 0xDC00) {
    code = 0x10000 + ((code & 0x3FF) << 10 | (code_unit(*from + 2) & 0x3FF));
    *from += 6;
  }
  if (code >= 0x80) return put_utf8(to, code);
  uint8_t byte = (uint8_t)code;
  return to + record_escape(&byte, 1, to);
}

/// Copies the inside of a string and its closing quote; `*from` is behind the opening one, and moves behind the closing one.
static uint8_t *compact_string(uint8_t *to, const uint8_t **from, const uint8_t *end) {
  while (*from < end) {
    size_t plain = plain_bytes(*from, (size_t)(end - *from));
    memcpy(to, *from, plain);
    to += plain;
    *from += plain;
    if (end - *from < 2 || **from == '"') break;
    uint8_t kind = (*from)[1];
    *from += 2;
    switch (kind) {
      case 'u':
        to = put_code(to, from);
        break;
      case 'b': case 'f': {
        uint8_t byte = kind == 'b' ? '\b' : '\f';
        to += record_escape(&byte, 1, to);
        break;
      }
      case '/': *to++ = '/'; break;
      default:
        *to++ = '\\';
        *to++ = kind;
    }
  }
  *to++ = '"';
  ++*from;
  return to;
}

size_t record_compact(const uint8_t *src, size_t length, uint8_t *dst) {
  const uint8_t *from = src, *end = src + length;
  uint8_t *to = dst;
  while (from < end) {
    uint8_t byte = *from;
    switch (byte) {
      case '"':
        *to++ = byte;
        from++;
        to = compact_string(to, &from, end);
        break;
      case ' ': case '\t': case '\r': case '\n': from++; break;
      case 'N': case 'I':
        if (to > dst && to[-1] == '-') to--;
        memcpy(to, "null", 4);
        to += 4;
        from += byte == 'N' ? 3 : 8;
        break;
      default:
        *to++ = byte;
        from++;
    }
  }
  return (size_t)(to - dst);
}

size_t record_value_end(const uint8_t *bytes, size_t at, size_t length) {
  for (size_t depth = 0; at < length; at++) {
    switch (bytes[at]) {
      case '"':
        at = skip_string(bytes, at, length);
        if (depth == 0) return at;
        at--;
        break;
      case '{': case '[': depth++; break;
      case '}': case ']':
        if (depth == 0) return at;
        if (--depth == 0) return at + 1;
        break;
      default:
        if (depth == 0 && (bytes[at] == ',' || bytes[at] <= ' ')) return at;
    }
  }
  return length;
}

size_t record_nonfinite_to_null(const uint8_t *src, size_t length, uint8_t *dst, uint64_t *replaced) {
  uint64_t count = 0;
  uint8_t *to = dst;
  size_t kept = 0;  // everything before has been copied
  for (size_t at = 0; at < length;) {
    uint8_t byte = src[at];
    if (byte == '"') {
      at = skip_string(src, at, length);
    } else if (byte == 'N' || byte == 'I') {
      size_t word = at > 0 && src[at - 1] == '-' ? at - 1 : at;
      memcpy(to, src + kept, word - kept);
      to += word - kept;
      memcpy(to, "null", 4);
      to += 4;
      at += byte == 'N' ? 3 : 8;
      if (at > length) at = length;
      kept = at;
      count++;
    } else {
      at++;
    }
  }
  memcpy(to, src + kept, length - kept);
  if (replaced) *replaced = count;
  return (size_t)(to - dst) + (length - kept);
}

/// Counts the commas of an array's inside, and says whether they are all its own: nothing is nested or quoted.
static bool count_flat(const uint8_t *inside, size_t length, uint64_t *commas) {
  *commas = 0;
  while (length > 0) {
    // Short stretches and small counters are what compilers make vectors of.
    size_t stretch = length < 128 ? length : 128;
    uint8_t found = 0, other = 0;
    for (size_t i = 0; i < stretch; i++) {
      found += inside[i] == ',';
      other |= inside[i] == '"' | inside[i] == '[' | inside[i] == '{';
    }
    if (other) return false;
    *commas += found;
    inside += stretch;
    length -= stretch;
  }
  return true;
}

uint64_t record_count_elements(const uint8_t *value, size_t length) {
  if (length < 2 || value[0] != '[') return 0;
  size_t first = 1;
  while (first < length && record_is_space(value[first])) first++;
  if (first == length || value[first] == ']') return 0;
  uint64_t commas;
  if (count_flat(value + 1, length - 1, &commas)) return commas + 1;
  commas = 0;
  size_t depth = 0;
  for (size_t at = 0; at < length; at++) {
    uint8_t byte = value[at];
    if (byte == '"') at = skip_string(value, at, length) - 1;
    else if (byte == '[' || byte == '{') depth++;
    else if (byte == ']' || byte == '}') depth--;
    else commas += byte == ',' && depth == 1;
  }
  return commas + 1;
}
