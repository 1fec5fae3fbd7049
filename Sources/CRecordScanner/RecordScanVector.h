// SPDX-License-Identifier: Apache-2.0

// The scanner proper, included once by each copy with SCAN_FUNCTION defined.
//
// A line is read in blocks of 64 bytes. Each block becomes a handful of bit masks, and every rule of JSON a few
// operations on them: what must follow what is a shift, "after any whitespace" an addition. No rule needs a
// branch per token, so any number costs what its bytes cost. Only brackets (for the nesting) and the
// top-level ':' and ',' (for the members) are visited one by one. The first violated rule ends the scan with
// false; the plain scanner then finds out what and where it was.

#include "RecordVector.h"

/// What a block must know of the blocks before it.
///
/// A number or literal never reaches across: a block that would cut one ends before it.
typedef struct {
  uint64_t in_string;   // all ones: the block begins inside a string
  uint64_t key_string;  // 1: that string is a key
  uint64_t escape;      // 1: the first byte is escaped
  uint64_t hex_due;     // which of the first bytes must be digits of a \u escape
  uint64_t hex_first;   // 1: the first byte is the first of them
  size_t low_half;      // where the digits of an announced low surrogate stand, or 0
  uint64_t utf8_due;    // which of the first bytes must continue a UTF-8 sequence
  uint64_t after_e0, after_ed, after_f0, after_f4;  // 1: the first byte follows that lead byte
  // 1: nothing but whitespace since...
  uint64_t value;    // ...what a value follows
  uint64_t key;      // ...what a key follows
  uint64_t colon;    // ...a key
  uint64_t nothing;  // ...an opening bracket, so that the closing one may follow
  uint64_t in_object;  // all ones: the innermost bracket is a brace
  size_t depth;
  size_t last_backslash, last_nonfinite;  // 1 + offset, or 0
} carries;

/// Positions of numbers' characters within one block, outside strings and literals.
typedef struct {
  uint64_t scalar;  // everything that belongs to a number or a literal
  uint64_t digit, zero, minus, plus, point, exponent;
} number_masks;

/// Checks the grammar of numbers that do not reach into the block. `starts` are the first bytes of all scalars.
RECORD_INLINE uint64_t number_faults(number_masks m, uint64_t starts) {
  uint64_t marked = m.exponent << 1;
  uint64_t minus = m.minus & starts;
  uint64_t sign = (m.minus | m.plus) & marked;
  uint64_t fraction = m.point << 1 & m.digit;
  uint64_t exponent = (marked | sign << 1) & m.digit;
  uint64_t faults = (m.minus | m.plus) & ~(minus | sign);
  faults |= (m.point | m.exponent) & ~(m.digit << 1);
  faults |= marked & ~(m.digit | sign);
  faults |= (minus | sign | m.point) << 1 & ~m.digit;
  faults |= run_end(fraction, m.digit) & m.point;
  faults |= run_end(exponent, m.digit) & (m.point | m.exponent);
  faults |= ((starts | minus << 1) & m.zero) << 1 & m.digit;
  return faults;
}

/// Checks UTF-8: `v` holds a byte above 0x7F, or the block before left a sequence open.
RECORD_INLINE uint64_t utf8_faults(bytes64 v, carries *c) {
  uint64_t high = at_least(v, 0x80), lead = at_least(v, 0xC0);
  uint64_t lead3 = at_least(v, 0xE0), lead4 = at_least(v, 0xF0);
  uint64_t due = lead << 1 | lead3 << 2 | lead4 << 3 | c->utf8_due;
  c->utf8_due = lead >> 63 | lead3 >> 62 | lead4 >> 61;
  uint64_t faults = due ^ (high & ~lead);
  faults |= equal(v, 0xC0) | equal(v, 0xC1) | at_least(v, 0xF5);
  // Overlongs, surrogates and what lies beyond U+10FFFF show in the second byte.
  uint64_t from_90 = at_least(v, 0x90), from_a0 = at_least(v, 0xA0);
  faults |= after(equal(v, 0xE0), &c->after_e0) & ~from_a0;
  faults |= after(equal(v, 0xED), &c->after_ed) & from_a0;
  faults |= after(equal(v, 0xF0), &c->after_f0) & ~from_90;
  faults |= after(equal(v, 0xF4), &c->after_f4) & from_90;
  return faults;
}

/// The escaped positions, given the backslashes. After simdjson: of a run of backslashes every second escapes.
RECORD_INLINE uint64_t escaped_positions(uint64_t backslash, carries *c) {
  const uint64_t odd = 0xAAAAAAAAAAAAAAAAu;
  uint64_t may_escape = backslash & ~c->escape;
  uint64_t escapes_and_ends = (((may_escape << 1) | odd) - may_escape) ^ odd;
  uint64_t escaped = escapes_and_ends ^ (backslash | c->escape);
  c->escape = (escapes_and_ends & backslash) >> 63;
  return escaped;
}

/// Whether the surrogate halves among the \u escapes whose first digit is a D pair up.
static bool surrogates_pair(const uint8_t *bytes, size_t length, size_t base, uint64_t digits, carries *c) {
  for (; digits; digits &= digits - 1) {
    size_t at = base + (size_t)__builtin_ctzll(digits);
    if (length - at < 2) return false;
    uint8_t second = bytes[at + 1];
    if (second < '8') continue;
    if (second == '8' || second == '9' || (second | 0x20) == 'a' || (second | 0x20) == 'b') {
      if (length - at < 8) return false;
      uint8_t low = bytes[at + 7] | 0x20;
      if (bytes[at + 4] != '\\' || bytes[at + 5] != 'u' || (bytes[at + 6] | 0x20) != 'd' || low < 'c') return false;
      c->low_half = at + 6;
    } else if (c->low_half != at) {
      return false;
    }
  }
  return true;
}

/// Checks what follows the backslashes of a block.
RECORD_INLINE uint64_t escape_faults(
  bytes64 v, uint64_t escaped, uint64_t in_string, const record_list *list, size_t base, carries *c) {
  escaped &= in_string;
  uint64_t unusual = escaped & ~(equal(v, 'n') | equal(v, '"') | equal(v, '\\'));
  if ((unusual | c->hex_due) == 0) return 0;
  uint64_t u = unusual & equal(v, 'u');
  uint64_t faults = unusual & ~(u | equal(v, '/') | equal(v, 'b') | equal(v, 'f') | equal(v, 'r') | equal(v, 't'));
  uint64_t first = after(u, &c->hex_first);
  uint64_t digits = u << 1 | u << 2 | u << 3 | u << 4 | c->hex_due;
  c->hex_due = u >> 63 | u >> 62 | u >> 61 | u >> 60;
  bytes64 lower = v | (bytes64)0x20;
  faults |= digits & ~(below(v - (bytes64)'0', 10) | below(lower - (bytes64)'a', 6));
  uint64_t halves = first & equal(lower, 'd');
  if (faults == 0 && halves && !surrogates_pair(list->bytes, list->length, base, halves, c)) faults = 1;
  return faults;
}

/// Finds the literals of a block, given the bytes that belong to no number; false if there is anything else.
static bool match_literals(
  const uint8_t *bytes, size_t length, size_t base, uint64_t other, uint64_t *covered, uint64_t *nonfinites) {
  for (; other; other &= ~*covered) {
    unsigned bit = (unsigned)__builtin_ctzll(other);
    size_t at = base + bit;
    bool nonfinite;
    size_t size = record_match_literal(bytes, at, length, &nonfinite);
    if (size == 0) return false;
    unsigned sign = bytes[at] == 'I' && bit > 0 && bytes[at - 1] == '-';
    if (at > sign && !record_ends_scalar(bytes[at - sign - 1])) return false;
    if (at + size == length || !record_ends_scalar(bytes[at + size])) return false;
    if (nonfinite) *nonfinites |= (uint64_t)1 << bit;
    *covered |= (((uint64_t)1 << (size + sign)) - 1) << (bit - sign);
  }
  return true;
}

/// 1 + the offset of the last of `marks` before bit `bit` of the block at `base`, or what an earlier block had.
RECORD_INLINE size_t last_before(uint64_t marks, unsigned bit, size_t base, size_t earlier) {
  uint64_t before = marks & (((uint64_t)1 << bit) - 1);
  return before ? base + 64 - (size_t)__builtin_clzll(before) : earlier;
}

/// Whether nothing but whitespace stands from `at` on.
static bool only_space_after(const record_list *list, size_t at) {
  while (at < list->length && record_is_space(list->bytes[at])) at++;
  return at >= list->length;
}

enum block_result { BLOCK_INVALID, BLOCK_GOES_ON, BLOCK_ENDS_RECORD };

/// A block of anything: structure, strings and numbers mixed. `*next` becomes the offset of the next block.
RECORD_INLINE enum block_result scan_mixed(
  bytes64 v, uint64_t quote, uint64_t backslash, uint64_t string, record_list *list, size_t base, uint8_t *stack,
  carries *c, size_t *next) {
  const uint8_t *bytes = list->bytes;
  uint64_t outside = ~(string | quote);
  bytes64 lower = v | (bytes64)0x20;
  uint64_t open = equal(lower, '{') & outside, close = equal(lower, '}') & outside;
  uint64_t brace = equal(v, '{') & outside;
  uint64_t colon = equal(v, ':') & outside, comma = equal(v, ',') & outside;
  uint64_t space = equal(v, ' ') & outside, control = below(v, 0x20);
  if (control & string) return BLOCK_INVALID;
  if (control) space |= equal(v, '\t') | equal(v, '\n') | equal(v, '\r');

  number_masks m;
  m.scalar = outside & ~(space | open | close | colon | comma);
  m.digit = below(v - (bytes64)'0', 10) & outside;
  m.zero = equal(v, '0') & outside;
  m.minus = equal(v, '-') & outside;
  m.plus = equal(v, '+') & outside;
  m.point = equal(v, '.') & outside;
  m.exponent = equal(lower, 'e') & outside;
  uint64_t starts = m.scalar & ~(m.scalar << 1);
  // The bytes before a scalar that touches the end; it is left to the next block, but for its first byte.
  uint64_t whole = m.scalar >> 63 ? ((uint64_t)1 << (63 - __builtin_clzll(starts))) - 1 : ~(uint64_t)0;
  uint64_t other = m.scalar & whole & ~(m.digit | m.minus | m.plus | m.point | m.exponent);
  uint64_t nonfinites = 0;
  if (other) {
    uint64_t covered = 0;
    if (!match_literals(bytes, list->length, base, other, &covered, &nonfinites)) return BLOCK_INVALID;
    m.minus &= ~covered;
    m.exponent &= ~covered;
  }
  uint64_t faults = number_faults(m, starts) & whole;

  // Nesting: which commas belong to objects, and which ':' and ',' to the record itself.
  uint64_t objects = c->in_object, top = c->depth == 1 ? ~(uint64_t)0 : 0;
  size_t depth = c->depth;
  unsigned end = 64;
  for (uint64_t brackets = open | close; brackets; brackets &= brackets - 1) {
    unsigned bit = (unsigned)__builtin_ctzll(brackets);
    uint64_t onwards = ~(uint64_t)0 << bit;
    uint8_t byte = bytes[base + bit];
    if (open >> bit & 1) {
      if (depth == RECORD_MAXIMUM_DEPTH) return BLOCK_INVALID;
      stack[++depth] = byte;
      if (depth == 1) list->separator = base + bit + 1;
    } else {
      if (byte != stack[depth] + 2) return BLOCK_INVALID;
      if (--depth == 0) {
        end = bit;
        break;
      }
    }
    objects = stack[depth] == '{' ? objects | onwards : objects & ~onwards;
    top = depth == 1 ? top | onwards : top & ~onwards;
  }
  c->depth = depth;
  c->in_object = (uint64_t)((int64_t)objects >> 63);
  if (end < 64 && !only_space_after(list, base + end + 1)) return BLOCK_INVALID;

  // What may stand where. Every token stands directly behind exactly one other.
  uint64_t begin = quote & string;
  uint64_t expects_value = next_token(colon | (open & ~brace) | (comma & ~objects), space, &c->value);
  uint64_t expects_key = next_token(brace | (comma & objects), space, &c->key);
  uint64_t key_end = run_end_across(begin & expects_key, string, &c->key_string) & quote;
  uint64_t expects_colon = next_token(key_end, space, &c->colon);
  uint64_t opened = next_token(open, space, &c->nothing);
  uint64_t unfinished = expects_value | expects_key | expects_colon;
  faults |= (starts | open) & ~expects_value;
  faults |= begin & ~(expects_value | expects_key);
  faults |= colon & ~expects_colon;
  faults |= comma & unfinished;
  faults |= close & unfinished & ~opened;
  if (faults) return BLOCK_INVALID;

  for (uint64_t events = (colon | comma) & top; events; events &= events - 1) {
    unsigned bit = (unsigned)__builtin_ctzll(events);
    size_t last_backslash = last_before(backslash, bit, base, c->last_backslash);
    if (colon >> bit & 1) {
      record_begin_member(list, base + bit, last_backslash);
    } else {
      size_t last_nonfinite = last_before(nonfinites, bit, base, c->last_nonfinite);
      record_end_member(list, base + bit, last_backslash, last_nonfinite);
    }
  }
  if (end < 64) {
    size_t last_backslash = last_before(backslash, end, base, c->last_backslash);
    size_t last_nonfinite = last_before(nonfinites, end, base, c->last_nonfinite);
    if (list->open) record_end_member(list, base + end, last_backslash, last_nonfinite);
    return BLOCK_ENDS_RECORD;
  }
  if (nonfinites) c->last_nonfinite = base + 64 - (size_t)__builtin_clzll(nonfinites);
  *next = base + 64;
  if (m.scalar >> 63) {
    c->value = 1;
    *next = base + 63 - (size_t)__builtin_clzll(starts);
    if (*next == base) {
      // It fills the block.
      c->value = 0;
      *next = record_scalar_end(bytes, base, list->length);
      if (*next == 0) return BLOCK_INVALID;
    }
  }
  return BLOCK_GOES_ON;
}

/// Checks numbers of an array from `at` on, where one may start, as far as numbers, commas and blanks go.
///
/// Each block begins behind a comma, and most of a numeric record is read here. Returns the offset behind the
/// last comma seen, or SIZE_MAX at a fault.
RECORD_INLINE size_t scan_numbers(const uint8_t *bytes, size_t length, size_t at) {
  while (at + 64 <= length) {
    bytes64 v = load(bytes + at);
    uint64_t comma = equal(v, ','), space = equal(v, ' ');
    if (comma == 0) break;
    // What stands behind the last comma is left to the next block.
    uint64_t whole = ~(uint64_t)0 >> __builtin_clzll(comma);
    number_masks m = {.scalar = ~(comma | space), .digit = below(v - (bytes64)'0', 10), .zero = equal(v, '0')};
    uint64_t starts = m.scalar & ~(m.scalar << 1);
    // A number stands behind each comma, and nowhere else.
    uint64_t faults = starts ^ run_end(comma << 1 | 1, space);
    if (((m.scalar ^ m.digit) & whole) == 0) {
      faults |= number_faults(m, starts);
    } else {
      m.minus = equal(v, '-');
      m.plus = equal(v, '+');
      m.point = equal(v, '.');
      m.exponent = equal(v | (bytes64)0x20, 'e');
      if (m.scalar & ~(m.digit | m.minus | m.plus | m.point | m.exponent) & whole) break;
      faults |= number_faults(m, starts);
    }
    if (faults & whole) return SIZE_MAX;
    at += 64 - (size_t)__builtin_clzll(comma);
  }
  return at;
}

bool SCAN_FUNCTION(record_list *list) {
  const uint8_t *bytes = list->bytes;
  size_t length = list->length;
  uint8_t stack[RECORD_MAXIMUM_DEPTH + 1];
  stack[0] = 0;
  carries c = {.value = 1};
  // Outside the record the masks below would take it for an array.
  size_t first = 0;
  while (first < length && record_is_space(bytes[first])) first++;
  if (first == length || bytes[first] != '{') return false;
  for (size_t base = 0; base < length;) {
    const uint8_t *at = bytes + base;
    uint8_t tail[64];
    if (length - base < 64) {
      memset(tail, ' ', sizeof tail);
      memcpy(tail, at, length - base);
      at = tail;
    }
    bytes64 v = load(at);
    uint64_t quote = equal(v, '"'), backslash = equal(v, '\\');
    uint64_t escaped = 0;
    if (backslash | c.escape) {
      escaped = escaped_positions(backslash, &c);
      quote &= ~escaped;
    }

    uint64_t string = prefix_parity(quote) ^ c.in_string;
    uint64_t touches_string = string | c.in_string;
    c.in_string = (uint64_t)((int64_t)string >> 63);
    if (touches_string) {
      if ((escaped | c.hex_due) && escape_faults(v, escaped, string, list, base, &c)) return false;
      if ((at_least(v, 0x80) | c.utf8_due) && utf8_faults(v, &c)) return false;
    }
    size_t next = base + 64;
    if (quote == 0 && string) {
      if (below(v, 0x20)) return false;
    } else {
      enum block_result result = scan_mixed(v, quote, backslash, string, list, base, stack, &c, &next);
      if (result != BLOCK_GOES_ON) return result == BLOCK_ENDS_RECORD;
      if (c.value && !c.in_object) {
        size_t element = next;
        next = scan_numbers(bytes, length, element);
        if (next == SIZE_MAX) return false;
        if (next != element) c.nothing = 0;
      }
    }
    if (backslash) c.last_backslash = base + 64 - (size_t)__builtin_clzll(backslash);
    base = next;
  }
  return false;
}
