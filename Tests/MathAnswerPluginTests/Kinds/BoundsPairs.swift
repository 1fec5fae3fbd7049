// SPDX-License-Identifier: Apache-2.0

/// Pairs of answers: what is beyond the bounds.
enum BoundsPairs {
  /// Pairs that say the same.
  static let equal: [(String, String)] = [
    (#"9^{9^{9^{9}}}"#, #"9^{9^{9^{9}}}"#),
    (#"1000000!"#, #"1000000!"#),
    (#"9^{9^9}"#, #"9^{387420489}"#),
  ]
  /// Pairs that cannot be told apart or alike.
  static let unknown: [(String, String)] = [
    (#"9^{9^{9^{9}}}"#, #"9^{9^{9^{9}}}+1"#),
    (#"1000000!"#, #"1"#),
    (#"1000000!"#, #"1000001!"#),
    (#"\int_0^1 x\,dx"#, #"\int_0^1 t\,dt+0"#),
    (#"xy=1"#, #"y=1/x+1-1"#),
  ]
}
