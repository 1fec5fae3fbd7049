// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// How much more probable something is under the current policy than before the step: `ρ = exp(log-ratio)`.
///
/// The log-ratio is clamped to ±20, as in EasyR1.
package struct PolicyRatio {
  /// The ratio, in `e⁻²⁰…e²⁰`.
  package let value: Double
  /// Its derivative with respect to the log-ratio: the ratio itself, and 0 where the log-ratio is clamped.
  package let slope: Double

  package init(logRatio: Double) {
    value = exp(min(max(logRatio, -20), 20))
    slope = abs(logRatio) <= 20 ? value : 0
  }
}

extension LossTokens {
  /// The log-ratio of a token.
  package func logRatio(_ token: Int) -> Double { (logProbs[token] - oldLogProbs[token]).bounded }

  /// The mean log-ratio of the response's tokens; 0 if there are none.
  package var meanLogRatio: Double {
    if count == 0 { return 0 }
    // Far outside the clamped range, yet small enough to be added up.
    let limit = 1e290
    return (0..<count).reduce(0) { $0 + min(max(logRatio($1), -limit), limit) } / Double(count)
  }
}

extension Double {
  /// This number; if it is too large for a `Double`, the largest finite one.
  package var bounded: Double { Swift.min(Swift.max(self, -.greatestFiniteMagnitude), .greatestFiniteMagnitude) }
}

/// `1 / (1 + exp(−value))`.
package func logisticFunction(_ value: Double) -> Double { 1 / (1 + exp(-value)) }
