// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>

#include "RecordInternal.h"

// Numbers become Doubles by exact integer arithmetic where it is cheap: up to 19 digits and a power of ten from
// -27 to 27, which is all that Python writes for float32 log-probabilities above 1e-10. The rest goes to strtod.

static const uint64_t powers_of_5[28] = {
  1ull, 5ull, 25ull, 125ull, 625ull, 3125ull, 15625ull, 78125ull, 390625ull, 1953125ull, 9765625ull, 48828125ull,
  244140625ull, 1220703125ull, 6103515625ull, 30517578125ull, 152587890625ull, 762939453125ull, 3814697265625ull,
  19073486328125ull, 95367431640625ull, 476837158203125ull, 2384185791015625ull, 11920928955078125ull,
  59604644775390625ull, 298023223876953125ull, 1490116119384765625ull, 7450580596923828125ull};

static const double powers_of_10[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/// How many of the eight bytes, from the first on, are digits; `*digits` becomes their values in place.
///
/// Eight bytes are taken as a little-endian word, as all machines we run on have it.
RECORD_INLINE unsigned leading_digits(const uint8_t *at, uint64_t *digits) {
  uint64_t word;
  memcpy(&word, at, 8);
  word ^= 0x3030303030303030u;
  *digits = word;
  // A byte above 9 gets its top bit set; what it carries into later bytes does not matter.
  uint64_t others = ((word + 0x7676767676767676u) | word) & 0x8080808080808080u;
  return others ? (unsigned)__builtin_ctzll(others) / 8 : 8;
}

/// The number that eight digits make, the first of them in the lowest byte.
RECORD_INLINE uint64_t join_digits(uint64_t digits) {
  digits = (digits * (1 + (10 << 8)) >> 8) & 0x00FF00FF00FF00FFu;
  digits = (digits * (1 + (100 << 16)) >> 16) & 0x0000FFFF0000FFFFu;
  return digits * (1 + ((uint64_t)10000 << 32)) >> 32;
}

/// `bits` · 2^`exponent` rounded to even, where `inexact` says that a little more than `bits` is meant.
///
/// The result must be a normal number, and `bits` at least 2^54, so that `inexact` never decides a tie alone.
static double round_bits(uint64_t bits, bool inexact, int exponent) {
  int shift = 11 - __builtin_clzll(bits);
  uint64_t kept = bits >> shift, rest = bits & (((uint64_t)1 << shift) - 1), half = (uint64_t)1 << (shift - 1);
  exponent += shift;
  if (rest > half || (rest == half && (inexact || (kept & 1)))) kept++;
  // A carry out of the 53 bits gives 2^53, which the addition below turns into the next exponent.
  uint64_t word = ((uint64_t)(exponent + 1074) << 52) + kept;
  double result;
  memcpy(&result, &word, sizeof result);
  return result;
}

/// `mantissa` · 10^`power`, rounded correctly, for a non-zero mantissa and a power from -27 to 27.
static double scale(uint64_t mantissa, int power) {
  if (mantissa <= (uint64_t)1 << 53 && power >= -22 && power <= 22) {
    // Both operands are exact, so the one operation rounds once.
    return power < 0 ? (double)mantissa / powers_of_10[-power] : (double)mantissa * powers_of_10[power];
  }
  int lead = __builtin_clzll(mantissa);
  mantissa <<= lead;
  if (power >= 0) {
    unsigned __int128 product = (unsigned __int128)mantissa * powers_of_5[power];
    int shift = 0;
    uint64_t high = (uint64_t)(product >> 64);
    bool inexact = false;
    if (high != 0) {
      shift = 64 - __builtin_clzll(high);
      inexact = (product & (((unsigned __int128)1 << shift) - 1)) != 0;
    }
    return round_bits((uint64_t)(product >> shift), inexact, power - lead + shift);
  }
  uint64_t divisor = powers_of_5[-power];
  int align = __builtin_clzll(divisor);
  divisor <<= align;
  // Half the mantissa is less than the divisor, so the quotient fits in 64 bits and fills at least 63.
  unsigned __int128 dividend = (unsigned __int128)mantissa << 63;
  uint64_t quotient = (uint64_t)(dividend / divisor);
  bool inexact = (uint64_t)dividend != quotient * divisor;
  return round_bits(quotient, inexact, power - lead + align - 63);
}

/// Reads a number of any length: `digits` holds a point perhaps, `exponent` counts from the last digit.
static double parse_slowly(bool negative, const uint8_t *digits, size_t length, int64_t exponent) {
  // 800 digits decide every rounding; of the rest it only matters whether there is anything.
  enum { LIMIT = 800 };
  char text[LIMIT + 32];
  size_t used = 0, dropped = 0;
  bool rest = false;
  for (size_t i = 0; i < length; i++) {
    if (digits[i] == '.') continue;
    if (digits[i] == '0' && used == 0) continue;
    if (used < LIMIT) {
      text[used++] = (char)digits[i];
    } else {
      dropped++;
      rest |= digits[i] != '0';
    }
  }
  if (used == 0) return negative ? -0.0 : 0.0;
  exponent += (int64_t)dropped;
  if (rest) {
    text[used++] = '1';
    exponent--;
  }
  if (exponent > 99999) exponent = 99999;
  if (exponent < -99999) exponent = -99999;
  text[used++] = 'e';
  if (exponent < 0) text[used++] = '-';
  uint64_t size = (uint64_t)(exponent < 0 ? -exponent : exponent);
  for (uint64_t unit = 10000; unit > 0; unit /= 10) text[used++] = (char)('0' + size / unit % 10);
  text[used] = 0;
  // Digits and an exponent, no point: every locale reads that alike.
  double result = strtod(text, NULL);
  return negative ? -result : result;
}

/// Reads the number at `*at`, and moves `*at` behind it.
static double parse_double(const uint8_t *value, size_t length, size_t *at) {
  size_t i = *at;
  bool negative = value[i] == '-';
  i += negative;
  size_t start = i;
  uint64_t mantissa = 0;
  size_t digits = 0;  // significant ones
  int64_t exponent = 0;
  for (; i < length && (uint8_t)(value[i] - '0') < 10; i++) {
    mantissa = mantissa * 10 + (value[i] - '0');
    digits += digits > 0 || value[i] != '0';
  }
  if (i < length && value[i] == '.') {
    size_t point = i++;
    uint64_t eight;
    while (i + 8 <= length && leading_digits(value + i, &eight) == 8) {
      mantissa = mantissa * 100000000 + join_digits(eight);
      if (digits > 0) digits += 8;
      else if (eight != 0) digits = 8 - (size_t)__builtin_ctzll(eight) / 8;
      i += 8;
    }
    for (; i < length && (uint8_t)(value[i] - '0') < 10; i++) {
      mantissa = mantissa * 10 + (value[i] - '0');
      digits += digits > 0 || value[i] != '0';
    }
    exponent = -(int64_t)(i - point - 1);
  }
  size_t end = i;
  if (i < length && (value[i] | 0x20) == 'e') {
    i++;
    bool down = i < length && value[i] == '-';
    i += i < length && (value[i] == '-' || value[i] == '+');
    int64_t written = 0;
    for (; i < length && (uint8_t)(value[i] - '0') < 10; i++)
      if (written < 1000000000000) written = written * 10 + (value[i] - '0');
    exponent += down ? -written : written;
  }
  *at = i;
  // Beyond 19 digits the mantissa may have wrapped.
  if (digits > 19) return parse_slowly(negative, value + start, end - start, exponent);
  if (mantissa == 0) return negative ? -0.0 : 0.0;
  if (exponent < -27 || exponent > 27) return parse_slowly(negative, value + start, end - start, exponent);
  double result = scale(mantissa, (int)exponent);
  return negative ? -result : result;
}

double record_parse_double(const uint8_t *value, size_t length) {
  size_t at = 0;
  return length == 0 ? NAN : parse_double(value, length, &at);
}

/// Moves from the end of an element to the start of the next; false at the end of the array.
static bool next_element(const uint8_t *value, size_t length, size_t *at) {
  size_t i = *at;
  // The usual separators first: ", " and ",".
  i += i < length && value[i] == ',';
  i += i < length && value[i] == ' ';
  while (i < length && (record_is_space(value[i]) || value[i] == ',')) i++;
  *at = i;
  return i < length && value[i] != ']';
}

int64_t record_parse_integers(const uint8_t *value, size_t length, int64_t *dst, size_t capacity) {
  if (length == 0 || value[0] != '[') return -1;
  size_t count = 0;
  for (size_t at = 1; next_element(value, length, &at); count++) {
    uint64_t few;
    unsigned size = at + 8 < length ? leading_digits(value + at, &few) : 0;
    if (size > 0 && size < 8 && (value[at + size] == ',' || value[at + size] == ']')) {
      // Token ids: at most seven digits. Zeros shifted in front do not count.
      if (count < capacity) dst[count] = (int64_t)join_digits(few << (64 - 8 * size));
      at += size;
      continue;
    }
    bool negative = value[at] == '-';
    size_t start = at += negative;
    uint64_t number = 0;
    for (; at < length && (uint8_t)(value[at] - '0') < 10; at++) number = number * 10 + (value[at] - '0');
    size_t digits = at - start;
    // 19 digits never wrap 64 unsigned bits; JSON has no leading zeros, so 20 never fit 63.
    if (digits == 0 || digits > 19 || number > (uint64_t)INT64_MAX + negative) return -1;
    if (at < length && (value[at] == '.' || (value[at] | 0x20) == 'e')) return -1;
    if (count < capacity) dst[count] = (int64_t)(negative ? 0 - number : number);
  }
  return (int64_t)count;
}

int64_t record_parse_doubles(const uint8_t *value, size_t length, double *dst, size_t capacity) {
  if (length == 0 || value[0] != '[') return -1;
  size_t count = 0;
  for (size_t at = 1; next_element(value, length, &at); count++) {
    double number = NAN;
    bool nonfinite;
    size_t word = at + (value[at] == '-' && at + 1 < length && value[at + 1] == 'I');
    if (value[word] == 'n' || value[word] == 'N' || value[word] == 'I') {
      size_t size = record_match_literal(value, word, length, &nonfinite);
      if (size == 0) return -1;
      at = word + size;
    } else if (value[at] == '-' || (uint8_t)(value[at] - '0') < 10) {
      number = parse_double(value, length, &at);
    } else {
      return -1;
    }
    if (count < capacity) dst[count] = number;
  }
  return (int64_t)count;
}
