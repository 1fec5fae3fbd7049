// SPDX-License-Identifier: Apache-2.0

/// Pairs of answers: words and letters.
enum WordsPairs {
  /// Pairs that say the same.
  static let equal: [(String, String)] = [
    (#"A"#, #"a"#),
    (#"(A)"#, #"A"#),
    (#"A."#, #"A"#),
    (#"\text{A}"#, #"A"#),
    (#"\textbf{(C)}"#, #"C"#),
    (#"(C) 5"#, #"C"#),
    (#"C) 5"#, #"c"#),
    (#"\text{(D) }12"#, #"D"#),
    (#"Yes"#, #"yes"#),
    (#"\text{even}"#, #"Even"#),
    (#"blue"#, #"Blue."#),
    (#"\text{No solution}"#, #"no solution"#),
    (#"monday"#, #"Monday"#),
    (#"B:"#, #"B"#),
    (#"Évariste"#, #"Évariste"#),
    (#"x"#, #"X"#),
    (#"\mathrm{odd}"#, #"odd"#),
    (#"neither even nor odd"#, #"\text{neither even nor odd}"#),
    (#"(e)"#, #"E"#),
    (#"it"#, #"ti"#),
    (#"as"#, #"sa"#),
  ]
  /// Pairs that say different things.
  static let different: [(String, String)] = [
    (#"A"#, #"B"#),
    (#"(A)"#, #"(B)"#),
    (#"A"#, #"D"#),
    (#"(C) 5"#, #"A"#),
    (#"yes"#, #"no"#),
    (#"even"#, #"odd"#),
    (#"blue"#, #"5"#),
    (#"blue"#, #"green"#),
    (#"A"#, #"5"#),
    (#"12"#, #"L"#),
    (#"(A) 5"#, #"(B) 6"#),
    (#"ABC"#, #"ABD"#),
    (#""#, #"A"#),
    (#"ACBD"#, #"ABCD"#),
    (#"no"#, #"on"#),
    (#"no"#, #"on"#),
    (#"it"#, #"is"#),
    (#"we"#, #"us"#),
  ]
}
