// SPDX-License-Identifier: Apache-2.0
// Elementary functions in one order of operations. Those of C libraries differ in their last bits, from version to version and
// from processor to processor.
#ifndef ELEMENTARY_H
#define ELEMENTARY_H

#include <stdint.h>
#include <string.h>

#pragma clang fp reassociate(off) contract(off)

/// ln x for a positive normal number, to some 1e-15: x = 2^e · m, ln m = 2 · atanh((m − 1) / (m + 1)) with √½ ≤ m < √2.
static inline double ck_log(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  int exponent = (int)(bits >> 52) - 1023;
  bits = (bits & 0x000fffffffffffff) | 0x3ff0000000000000;
  double m;
  memcpy(&m, &bits, sizeof m);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    exponent++;
  }
  double s = (m - 1) / (m + 1), z = s * s;
  // Σ z^i / (2 i + 1); |z| < 0.0295, so that the first term left out is below 1e-17.
  double sum = 1.0 / 23;
  for (int i = 21; i >= 1; i -= 2) sum = sum * z + 1.0 / i;
  return exponent * 0.69314718055994530942 + 2 * s * sum;
}

/// e^x for |x| < 700, to some 1e-15: 2^n · Σ r^i / i!, |r| ≤ ln 2 / 2.
static inline double ck_exp(double x) {
  double n = __builtin_roundeven(x * 1.4426950408889634074);
  double r = (x - n * 0.693147180369123816490) - n * 1.90821492927058770002e-10;
  double sum = 1;
  for (int i = 15; i >= 1; i--) sum = 1 + sum * r / i;
  uint64_t bits = (uint64_t)((int64_t)n + 1023) << 52;
  double power;
  memcpy(&power, &bits, sizeof power);
  return sum * power;
}

/// The error function in single precision, by its series up to 2 and by a continued fraction of its complement beyond.
static inline float ck_erf(float value) {
  double x = value < 0 ? -(double)value : (double)value, result;
  if (x > 4) {
    result = 1;
  } else if (x < 2) {
    double term = x, sum = x;
    for (int n = 1; n < 30; n++) {
      term *= -x * x / n;
      double more = term / (2 * n + 1);
      // Less than half a unit of the sum changes nothing, nor do those that follow, which are smaller.
      if ((more < 0 ? -more : more) < sum * 0x1p-54) break;
      sum += more;
    }
    result = sum * 1.12837916709551257390;
  } else {
    double fraction = x;
    for (int n = 40; n >= 1; n--) fraction = x + 0.5 * n / fraction;
    result = 1 - ck_exp(-x * x) * 0.56418958354775628695 / fraction;
  }
  return (float)(value < 0 ? -result : result);
}

#endif
