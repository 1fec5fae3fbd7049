// SPDX-License-Identifier: Apache-2.0
import PipelineCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// How much more probable the policy of now finds something than the policy before the step: `ρ = exp(log-ratio)`.
///
/// The log-ratio is clamped to ±20, as in EasyR1.
struct PolicyRatio {
  /// The ratio, in `e⁻²⁰…e²⁰`.
  let value: Double
  /// Its derivative by the log-ratio: the ratio itself, and 0 where the log-ratio is clamped.
  let slope: Double

  init(logRatio: Double) {
    value = exp(min(max(logRatio, -20), 20))
    slope = abs(logRatio) <= 20 ? value : 0
  }
}

extension LossTokens {
  /// The log-ratio of a token.
  func logRatio(_ token: Int) -> Double { (logProbs[token] - oldLogProbs[token]).bounded }

  /// The mean log-ratio of the response's tokens; 0 for none.
  var meanLogRatio: Double {
    if count == 0 { return 0 }
    // Far beyond what is not clamped, and small enough to be added up.
    let limit = 1e290
    return (0..<count).reduce(0) { $0 + min(max(logRatio($1), -limit), limit) } / Double(count)
  }
}

extension Double {
  /// This number, with what is too large for a `Double` held at the largest that is not.
  var bounded: Double { Swift.min(Swift.max(self, -.greatestFiniteMagnitude), .greatestFiniteMagnitude) }
}

/// `1 / (1 + exp(−value))`.
func logisticFunction(_ value: Double) -> Double { 1 / (1 + exp(-value)) }
