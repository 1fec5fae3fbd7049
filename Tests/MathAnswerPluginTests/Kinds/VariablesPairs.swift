// SPDX-License-Identifier: Apache-2.0

/// Pairs of answers: products of variables that spell a word.
enum VariablesPairs {
  /// Pairs that say the same.
  static let equal: [(String, String)] = [
    (#"\hat{x}"#, #"\widehat{x}"#),
    (#"3\hat i+4\hat{\jmath}"#, #"3i+4j"#),
    (#"\frac{1}{2}at^2"#, #"\frac{at^2}{2}"#),
    (#"by+ax=c"#, #"ax+by=c"#),
    (#"v_0+at"#, #"v_0+ta"#),
    (#"e^{it}"#, #"e^{ti}"#),
    (#"e^{at}+1"#, #"1+e^{at}"#),
    (#"is+no"#, #"no+is"#),
    (#"x \text{ is } 5"#, #"x \text{ is } 5"#),
    (#"\frac{2mg}{3}"#, #"mg\cdot\frac{2}{3}"#),
    (#"5mg"#, #"5"#),
    (#"v^2_0"#, #"v_0^2"#),
    (#"v_{max}"#, #"v_{\max}"#),
    (#"v_{\text{max}}=5"#, #"v_{max}=5"#),
    (#"I_{\max }=\frac{q}{2}"#, #"\frac{q}{2}"#),
    (#"\overline{AB}"#, #"AB"#),
    (#"\bar{z}"#, #"\overline{z}"#),
    (#"\dot{x}_1"#, #"\dot x_1"#),
    (#"\vec{v}"#, #"v"#),
    (#"A5_{11}"#, #"\text{A5}_{11}"#),
  ]
  /// Pairs that say different things.
  static let different: [(String, String)] = [
    (#"\hat x"#, #"x"#),
    (#"\hat{y}"#, #"\bar{y}"#),
    (#"e^{at}"#, #"e^{at}+1"#),
    (#"at^2"#, #"ta"#),
    (#"by+ax=c"#, #"by+ax=2c"#),
    (#"no solution"#, #"on solution"#),
    (#"5 mg"#, #"5 g"#),
    (#"v^2_1"#, #"v^2_2"#),
    (#"v_{max}"#, #"v_{min}"#),
    (#"\bar{z}"#, #"z"#),
    (#"\overline{z}"#, #"z"#),
    (#"\dot{x}"#, #"x"#),
    (#"\ddot{x}"#, #"\dot{x}"#),
    (#"\tilde{x}"#, #"x"#),
    (#"\mathbb{Z}_5"#, #"\mathbb{Z}_7"#),
    (#"\text{A5}_{11}"#, #"\text{A5}_{15}"#),
    (#"A5_{11}"#, #"A5_{15}"#),
    (#"(x+1)_2"#, #"(x+1)_3"#),
  ]
}
