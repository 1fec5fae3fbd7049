// SPDX-License-Identifier: Apache-2.0

/// The result of comparing two answers.
public enum MathVerdict: Sendable, Hashable {
  /// They are equal.
  case equal
  /// They are different.
  case different
  /// It is undecided, with the reason: too much work, numbers too close, an unsupported kind.
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
