// SPDX-License-Identifier: Apache-2.0

/// Pairs of answers: options with and without their text.
enum ChoicePairs {
  /// Pairs that say the same.
  static let equal: [(String, String)] = [
    (#"B. 12"#, #"B"#),
    (#"B: 12 cm"#, #"B"#),
    (#"\text{Option B}"#, #"B"#),
    (#"\text{(B) } 12"#, #"B"#),
    (#"\textbf{(B)}\ 12"#, #"B"#),
    (#"B. 12"#, #"12"#),
    (#"C. 1-i"#, #"1-i"#),
    (#"选项B"#, #"B"#),
  ]
  /// Pairs that say different things.
  static let different: [(String, String)] = [
    (#"B. 12"#, #"C"#),
    (#"B. 12"#, #"B. 13"#),
    (#"B. 12"#, #"13"#),
    (#"(A) or (B)"#, #"A"#),
    (#"A, B"#, #"A"#),
    (#"A: 5, B: 6"#, #"A"#),
    (#"A) B) C) D)"#, #"A"#),
    (#"C. {x \mid-3<x<4}"#, #"4"#),
  ]
}
