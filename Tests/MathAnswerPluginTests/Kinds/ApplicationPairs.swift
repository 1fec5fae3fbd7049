// SPDX-License-Identifier: Apache-2.0

/// Pairs of answers: names that are applied to an argument.
enum ApplicationPairs {
  /// Pairs that say the same.
  static let equal: [(String, String)] = [
    (#"I(0)"#, #"I(0)"#),
    (#"2I(0)"#, #"I(0)+I(0)"#),
    (#"P(0)e^{kt}"#, #"e^{kt}P(0)"#),
    (#"A(0)+3"#, #"3+A(0)"#),
    (#"N(0)2^{t/3}"#, #"N(0)\,2^{\frac{t}{3}}"#),
    (#"k(k+1)"#, #"k^2+k"#),
    (#"x(3)"#, #"3x"#),
    (#"f^{-1}(x)=\frac{5+4x}{3}"#, #"f^{-1}(x) = \frac{4x+5}{3}"#),
    (#"h^{-1}(x)=x-2"#, #"x-2"#),
    (#"P(A)P(B)"#, #"P(B)P(A)"#),
    (#"f'(0)+1"#, #"1+f'(0)"#),
  ]
  /// Pairs that say different things.
  static let different: [(String, String)] = [
    (#"2I(0)"#, #"I(0)"#),
    (#"I(0)"#, #"N(0)"#),
    (#"I(0)"#, #"0"#),
    (#"3"#, #"A(0)+3"#),
    (#"P(0)e^{2t}"#, #"P(0)e^{kt}"#),
    (#"P(3)"#, #"3P(1)"#),
    (#"P(A)Q(B)"#, #"P(B)Q(A)"#),
    (#"u(t)v(s)"#, #"u(s)v(t)"#),
    (#"f^{-1}(x)=\frac{5+4x}{3}"#, #"f^{-1}(x)=\frac{5+4x}{7}"#),
    (#"f'(0)+1"#, #"1"#),
    (#"T_1(0)"#, #"2T_1(0)"#),
  ]
}
