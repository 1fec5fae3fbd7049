// SPDX-License-Identifier: Apache-2.0

/// Pairs of answers: equations.
enum RelationsPairs {
  /// Pairs that say the same.
  static let equal: [(String, String)] = [
    (#"y=2x+1"#, #"y = 1+2x"#),
    (#"2x+3y=6"#, #"4x+6y=12"#),
    (#"x+y=1"#, #"1=x+y"#),
    (#"x^2+y^2=4"#, #"x^2+y^2-4=0"#),
    (#"y=2x"#, #"2x-y=0"#),
    (#"f(x)=x^2"#, #"x^2"#),
    (#"x=5"#, #"5=x"#),
    (#"A = 12"#, #"12"#),
    (#"\text{Area} = 12"#, #"12"#),
    (#"P(A)=\frac12"#, #"0.5"#),
    (#"AB = 5"#, #"5"#),
    (#"\angle A = 30^\circ"#, #"30"#),
    (#"y=x/2"#, #"x=2y"#),
    (#"3 \times 4 = 12"#, #"12"#),
    (#"m = -2 = -2"#, #"-2"#),
    (#"x \approx 3.5"#, #"3.5"#),
    (#"x-2y+z=0"#, #"2y-x-z=0"#),
    (#"S_n = n^2"#, #"n^2"#),
    (#"\frac{x^2}{4}+\frac{y^2}{9}=1"#, #"9x^2+4y^2=36"#),
    (#"f(2) = 7"#, #"7"#),
    (#"xy=1"#, #"y=\frac{1}{x}"#),
    (#"\frac{1}{a}+\frac{1}{b}=1"#, #"a+b=ab"#),
  ]
  /// Pairs that say different things.
  static let different: [(String, String)] = [
    (#"y=2x+1"#, #"y=2x-1"#),
    (#"2x+3y=6"#, #"3x+2y=6"#),
    (#"x^2+y^2=4"#, #"x^2+y^2=2"#),
    (#"x+y=1"#, #"x+1"#),
    (#"7 = 11a+c"#, #"11a+c"#),
    (#"a+3z=0"#, #"0"#),
    (#"y=2x+1"#, #"2x+2"#),
    (#"x=5"#, #"-5"#),
  ]
}
