// SPDX-License-Identifier: Apache-2.0

// The scanner proper, included once by each copy with SCAN_FUNCTION defined.
//
// A line is read in blocks of 64 bytes. Each block becomes a handful of bit masks, and every rule of JSON a few
// operations on them: what must follow what is a shift, "after any whitespace" an addition. No rule needs a
// branch per token, so numbers cost the same however long they are. Only brackets (for the nesting) and the
// top-level ':' and ',' (for the members) are visited one by one. The first violated rule ends the scan with
// false; the plain scanner then finds out what and where it was.

#include "RecordVector.h"

/// What a block must know of the blocks before it.
typedef struct {
  uint64_t in_string;   // all ones: the block begins inside a string
  uint64_t escape;      // 1: the first byte is escaped
  uint64_t u[5];        // 1 at [k]: the k-th byte before the first is the u of a \u escape
  uint64_t low_half;    // where the digits of an announced low surrogate stand, or 0
  uint64_t lead[4];     // lead[k]: bits 0..k-1: lead bytes of at least k+1 bytes that still await theirs
  uint64_t special[4];  // 1: the byte before was E0, ED, F0, F4
  // Numbers. Each 1 means: the last byte was the end of such a thing, or such a run reaches across.
  uint64_t scalar, exponent_mark, exponent_sign, needs_digit, digit, point, minus, zero, fraction_run, exponent_run;
  uint64_t literal;  // the first bytes that belong to a literal begun before
  // Pending expectations: 1: all since was whitespace.
  uint64_t value, key, colon, nothing;
  uint64_t key_string;  // 1: the string that reaches across is a key
  uint64_t in_object;   // all ones: the innermost bracket is a brace
  size_t depth;
  size_t last_backslash, last_nonfinite;  // 1 + offset, or 0
  size_t element;  // with BLOCK_AWAITS_ELEMENT: the offset where it may start
} carries;

/// Positions of numbers' characters within one block, outside strings and literals.
typedef struct {
  uint64_t scalar;  // everything that belongs to a number or a literal
  uint64_t digit, zero, minus, plus, point, exponent;
} number_masks;

/// Checks the grammar of numbers; `*starts` becomes the first bytes of numbers and literals.
RECORD_INLINE uint64_t number_faults(number_masks m, carries *c, uint64_t *starts) {
  uint64_t first = m.scalar & ~after(m.scalar, &c->scalar);
  uint64_t marked = after(m.exponent, &c->exponent_mark);
  uint64_t minus = m.minus & first;
  uint64_t sign = (m.minus | m.plus) & marked;
  uint64_t after_digit = after(m.digit, &c->digit);
  uint64_t fraction = after(m.point, &c->point);
  uint64_t exponent = (marked | after(sign, &c->exponent_sign)) & m.digit;
  uint64_t faults = (m.minus | m.plus) & ~(minus | sign);
  faults |= (m.point | m.exponent) & ~after_digit;
  faults |= marked & ~(m.digit | sign);
  faults |= after(minus | sign | m.point, &c->needs_digit) & ~m.digit;
  faults |= run_end(fraction & m.digit, m.digit, &c->fraction_run) & m.point;
  faults |= run_end(exponent, m.digit, &c->exponent_run) & (m.point | m.exponent);
  faults |= after((first | after(minus, &c->minus)) & m.zero, &c->zero) & m.digit;
  *starts = first;
  return faults;
}

/// Checks UTF-8: `v` holds a byte above 0x7F, or the block before left a sequence open.
RECORD_INLINE uint64_t utf8_faults(bytes64 v, carries *c) {
  uint64_t high = at_least(v, 0x80), lead = at_least(v, 0xC0);
  uint64_t lead3 = at_least(v, 0xE0), lead4 = at_least(v, 0xF0);
  uint64_t continuation = high & ~lead;
  uint64_t due = (lead << 1 | c->lead[1]) | (lead3 << 2 | c->lead[2]) | (lead4 << 3 | c->lead[3]);
  uint64_t faults = due ^ continuation;
  c->lead[1] = lead >> 63;
  c->lead[2] = lead3 >> 62;
  c->lead[3] = lead4 >> 61;
  faults |= equal(v, 0xC0) | equal(v, 0xC1) | at_least(v, 0xF5);
  // Overlongs, surrogates and what lies beyond U+10FFFF show in the second byte.
  uint64_t from_90 = at_least(v, 0x90), from_a0 = at_least(v, 0xA0);
  faults |= after(equal(v, 0xE0), &c->special[0]) & ~from_a0;
  faults |= after(equal(v, 0xED), &c->special[1]) & from_a0;
  faults |= after(equal(v, 0xF0), &c->special[2]) & ~from_90;
  faults |= after(equal(v, 0xF4), &c->special[3]) & from_90;
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
  if ((unusual | c->u[1] | c->u[2] | c->u[3] | c->u[4]) == 0) return 0;
  uint64_t u = unusual & equal(v, 'u');
  uint64_t faults = unusual & ~(u | equal(v, '/') | equal(v, 'b') | equal(v, 'f') | equal(v, 'r') | equal(v, 't'));
  uint64_t first = u << 1 | c->u[1];
  uint64_t digits = first | (u << 2 | c->u[2]) | (u << 3 | c->u[3]) | (u << 4 | c->u[4]);
  for (int k = 1; k <= 4; k++) c->u[k] = u >> (64 - k);
  bytes64 lower = v | (bytes64)0x20;
  faults |= digits & ~(below(v - (bytes64)'0', 10) | below(lower - (bytes64)'a', 6));
  uint64_t halves = first & equal(lower, 'd');
  if (faults == 0 && halves && !surrogates_pair(list->bytes, list->length, base, halves, c)) faults = 1;
  return faults;
}

/// Finds the literals of a block, given the bytes that belong to no number; false if there is anything else.
static bool match_literals(
  const uint8_t *bytes, size_t length, size_t base, uint64_t other, uint64_t *covered, uint64_t *nonfinites,
  carries *c) {
  *covered = c->literal;
  c->literal = 0;
  for (other &= ~*covered; other; other &= ~*covered) {
    unsigned bit = (unsigned)__builtin_ctzll(other);
    size_t at = base + bit, start = at;
    bool nonfinite;
    size_t size = at < length ? record_match_literal(bytes, at, length, &nonfinite) : 0;
    if (size == 0) return false;
    if (bytes[at] == 'I' && at > 0 && bytes[at - 1] == '-') {
      // The sign is no number's: withdraw the digit that it asked for.
      start--;
      if (bit > 0) *covered |= (uint64_t)1 << (bit - 1);
      else c->needs_digit = c->minus = 0;
    }
    if (start > 0 && !record_ends_scalar(bytes[start - 1])) return false;
    if (at + size == length || !record_ends_scalar(bytes[at + size])) return false;
    if (nonfinite) *nonfinites |= (uint64_t)1 << bit;
    uint64_t span = ((uint64_t)1 << size) - 1;
    *covered |= span << bit;
    if (bit + size > 64) c->literal = span >> (64 - bit);
  }
  return true;
}

/// 1 + the offset of the last of `marks` before bit `bit` of the block at `base`, or what an earlier block had.
RECORD_INLINE size_t last_before(uint64_t marks, unsigned bit, size_t base, size_t earlier) {
  uint64_t before = marks & (((uint64_t)1 << bit) - 1);
  return before ? base + 64 - (size_t)__builtin_clzll(before) : earlier;
}

/// Whether nothing but whitespace follows the record that was closed at bit `bit`.
static bool only_space_after(const record_list *list, size_t at) {
  while (at < list->length && record_is_space(list->bytes[at])) at++;
  return at >= list->length;
}

enum block_result { BLOCK_INVALID, BLOCK_GOES_ON, BLOCK_ENDS_RECORD, BLOCK_AWAITS_ELEMENT };

/// A block of anything: structure, strings and numbers mixed.
RECORD_INLINE enum block_result scan_mixed(
  bytes64 v, uint64_t quote, uint64_t backslash, uint64_t string, record_list *list, size_t base, uint8_t *stack,
  carries *c) {
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
  uint64_t other = m.scalar & ~(m.digit | m.minus | m.plus | m.point | m.exponent);
  uint64_t nonfinites = 0;
  if (other | c->literal) {
    uint64_t covered;
    if (!match_literals(bytes, list->length, base, other, &covered, &nonfinites, c)) return BLOCK_INVALID;
    m.minus &= ~covered;
    m.exponent &= ~covered;
  }
  uint64_t starts;
  uint64_t faults = number_faults(m, c, &starts);

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
  if (end < 64) {
    // Behind the record only space may follow, and nothing there is to be checked by the rules below.
    if (!only_space_after(list, base + end + 1)) return BLOCK_INVALID;
  }

  // What may stand where. Every token stands directly behind exactly one other.
  uint64_t begin = quote & string;
  uint64_t expects_value = next_token(colon | (open & ~brace) | (comma & ~objects), space, &c->value);
  uint64_t expects_key = next_token(brace | (comma & objects), space, &c->key);
  uint64_t key_end = run_end(begin & expects_key, string, &c->key_string) & quote;
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

  // If nothing but (a part of) one element follows the last ',' or '[' of an array, go back to there and be done
  // with all that reaches across the border of the block.
  uint64_t tokens = open | close | colon | comma | quote;
  uint64_t awaiting = (comma & ~objects) | (open & ~brace);
  if (awaiting == 0 || awaiting < tokens - awaiting) return BLOCK_GOES_ON;
  unsigned last = 63 - (unsigned)__builtin_clzll(awaiting);
  c->element = base + last + 1;
  c->nothing = open >> last & 1;
  c->value = 1;
  c->scalar = c->exponent_mark = c->exponent_sign = c->needs_digit = c->digit = c->point = c->minus = c->zero = 0;
  c->fraction_run = c->exponent_run = c->literal = 0;
  return BLOCK_AWAITS_ELEMENT;
}

/// Checks numbers of an array from `at` on, where one may start, as far as numbers, commas and blanks go.
///
/// Each block begins behind a comma, so that nothing reaches into it: that spares more than half the work, and
/// most of a numeric record is read here. Returns the offset behind the last comma seen, or SIZE_MAX at a fault.
RECORD_INLINE size_t scan_numbers(const uint8_t *bytes, size_t length, size_t at) {
  while (length - at >= 64) {
    bytes64 v = load(bytes + at);
    uint64_t comma = equal(v, ','), space = equal(v, ' ');
    if (comma == 0) break;
    // What stands behind the last comma is left to the next block.
    uint64_t whole = ~(uint64_t)0 >> __builtin_clzll(comma);
    carries none = {0};
    number_masks m = {.scalar = ~(comma | space), .digit = below(v - (bytes64)'0', 10), .zero = equal(v, '0')};
    uint64_t starts, faults;
    if (((m.scalar ^ m.digit) & whole) == 0) {
      faults = number_faults(m, &none, &starts);
    } else {
      m.minus = equal(v, '-');
      m.plus = equal(v, '+');
      m.point = equal(v, '.');
      m.exponent = equal(v | (bytes64)0x20, 'e');
      if (m.scalar & ~(m.digit | m.minus | m.plus | m.point | m.exponent) & whole) break;
      faults = number_faults(m, &none, &starts);
    }
    // A number stands behind each comma, and nowhere else.
    none.value = 1;
    faults |= starts ^ next_token(comma, space, &none.value);
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
      if (escaped | c.u[1] | c.u[2] | c.u[3] | c.u[4])
        if (escape_faults(v, escaped, string, list, base, &c)) return false;
      if (at_least(v, 0x80) | c.lead[1] | c.lead[2] | c.lead[3])
        if (utf8_faults(v, &c)) return false;
    }
    if (quote == 0 && string) {
      if (below(v, 0x20)) return false;
      if (backslash) c.last_backslash = base + 64 - (size_t)__builtin_clzll(backslash);
    } else {
      enum block_result result = scan_mixed(v, quote, backslash, string, list, base, stack, &c);
      if (result == BLOCK_INVALID) return false;
      if (result == BLOCK_ENDS_RECORD) return true;
      if (backslash) c.last_backslash = base + 64 - (size_t)__builtin_clzll(backslash);
      if (result == BLOCK_AWAITS_ELEMENT) {
        base = scan_numbers(bytes, length, c.element);
        if (base == SIZE_MAX) return false;
        if (base != c.element) c.nothing = 0;
        continue;
      }
    }
    base += 64;
  }
  return false;
}
