// SPDX-License-Identifier: Apache-2.0
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What the noise's schedule needs of the C library.
enum NoiseMath {
  /// A power.
  static func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }
}
