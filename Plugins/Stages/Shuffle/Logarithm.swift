// SPDX-License-Identifier: Apache-2.0
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The natural logarithm of the C library.
func logarithm(_ value: Double) -> Double { log(value) }

/// `log(1 + value)`, exact for small values.
func logarithmOfOnePlus(_ value: Double) -> Double { log1p(value) }

/// `e` to the power of a value.
func exponential(_ value: Double) -> Double { exp(value) }

/// A power; 0 to the power of 0 is 1.
func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }
