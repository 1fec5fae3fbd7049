// SPDX-License-Identifier: Apache-2.0

/// Pairs of answers: statements that `\land`, `\lor` and `\neg` join.
enum StatementsPairs {
  /// Pairs that say the same.
  static let equal: [(String, String)] = [
    (#"p \land q"#, #"q ∧ p"#),
    (#"(p \lor q) \land r"#, #"r \wedge (q \vee p)"#),
    (#"p \land q \lor r"#, #"r \lor (p \land q)"#),
    (#"p \land (q \lor r)"#, #"(p \land q) \lor (p \land r)"#),
    (#"\neg(p \lor q)"#, #"\lnot p \land ¬q"#),
    (#"x>3 \land x<5"#, #"3<x<5"#),
    (#"x=1 \lor x=2"#, #"1, 2"#),
    (#"x=a \lor x=b"#, #"a, b"#),
  ]
  /// Pairs that say different things.
  static let different: [(String, String)] = [
    (#"p \lor q"#, #"p \land q"#),
    (#"p ∨ q"#, #"p ∧ q"#),
    (#"(p \land q) \lor r"#, #"p \land (q \lor r)"#),
    (#"\neg p \land q"#, #"p \land q"#),
    (#"\neg(p \land q)"#, #"\neg p \land \neg q"#),
    (#"p \lor q"#, #"(p, q)"#),
  ]
}
