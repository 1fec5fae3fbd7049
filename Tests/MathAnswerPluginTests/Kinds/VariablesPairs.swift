// SPDX-License-Identifier: Apache-2.0

/// Pairs of answers: products of variables that spell a word.
enum VariablesPairs {
  /// Pairs that say the same.
  static let equal: [(String, String)] = [
    (#"\frac{1}{2}at^2"#, #"\frac{at^2}{2}"#),
    (#"by+ax=c"#, #"ax+by=c"#),
    (#"v_0+at"#, #"v_0+ta"#),
    (#"e^{it}"#, #"e^{ti}"#),
    (#"e^{at}+1"#, #"1+e^{at}"#),
    (#"is+no"#, #"no+is"#),
    (#"x \text{ is } 5"#, #"x \text{ is } 5"#),
    (#"\frac{2mg}{3}"#, #"mg\cdot\frac{2}{3}"#),
    (#"5mg"#, #"5"#),
  ]
  /// Pairs that say different things.
  static let different: [(String, String)] = [
    (#"e^{at}"#, #"e^{at}+1"#),
    (#"at^2"#, #"ta"#),
    (#"by+ax=c"#, #"by+ax=2c"#),
    (#"no solution"#, #"on solution"#),
    (#"5 mg"#, #"5 g"#),
  ]
}
