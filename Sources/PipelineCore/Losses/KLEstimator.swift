// SPDX-License-Identifier: Apache-2.0
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// How far the policy is from a reference, estimated from one sampled token.
///
/// With `d = log π_ref − log π_θ` of a token that π_θ drew. Source: Schulman, "Approximating KL Divergence"
/// (joschu.net/blog/kl-approx.html); the limits of k3 as in EasyR1 and verl.
public enum KLEstimator: String, Codable, Sendable, Hashable, CaseIterable {
  /// `−d`: unbiased, of either sign. For the reward; its gradient in a loss is 0 on average.
  case k1
  /// `|d|`.
  case abs
  /// `½ d²`: biased as a value, but its gradient in a loss is that of the KL divergence on average.
  case k2
  /// `e^d − d − 1`, at most 10, with d clamped to ±20: unbiased, never negative, of low variance. GRPO's.
  case k3

  /// An estimate, and its derivative with respect to the log-probability under the current policy.
  public struct Value: Sendable, Hashable {
    /// The estimate.
    public var value: Double
    /// The derivative; 0 where the estimate is clamped.
    public var derivative: Double

    /// An estimate and its derivative.
    public init(value: Double, derivative: Double) {
      self.value = value
      self.derivative = derivative
    }
  }

  /// The estimate at a token; finite for all finite log-probabilities.
  public func callAsFunction(logProb: Double, reference: Double) -> Value {
    // Differences too large for a `Double` count as the largest one.
    let largest = Double.greatestFiniteMagnitude
    let difference = min(max(reference - logProb, -largest), largest)
    switch self {
    case .k1: return Value(value: -difference, derivative: 1)
    case .abs:
      return Value(value: Swift.abs(difference), derivative: difference == 0 ? 0 : difference < 0 ? 1 : -1)
    case .k2: return Value(value: min(difference * difference / 2, largest), derivative: -difference)
    case .k3:
      let clamped = min(max(difference, -20), 20)
      // expm1 keeps the digits that exp(d) − 1 loses for small d.
      let growth = expm1(clamped)
      let value = growth - clamped
      return Value(
        value: min(max(value, 0), 10), derivative: value > 10 || clamped != difference ? 0 : -growth)
    }
  }
}
