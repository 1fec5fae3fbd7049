// SPDX-License-Identifier: Apache-2.0

/// What a comparison of two answers found.
package enum MathVerdict: Sendable, Hashable {
  /// Both say the same.
  case equal
  /// They say different things.
  case different
  /// It cannot tell, and why: work beyond the bounds, numbers too close, a kind that it does not decide.
  case unknown(String)

  static let tooLarge = MathVerdict.unknown("an answer is larger than the bounds of the comparison")
  static let tooMuchWork = MathVerdict.unknown("the comparison takes more work than its bound")

  /// Both this and another verdict must hold for the whole to be equal.
  func and(_ other: @autoclosure () -> MathVerdict) -> MathVerdict {
    switch self {
    case .different: return .different
    case .equal: return other()
    case .unknown:
      // A difference elsewhere decides.
      return other() == .different ? .different : self
    }
  }
}
