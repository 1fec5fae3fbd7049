// SPDX-License-Identifier: Apache-2.0

/// Pairs of answers: fractions and mixed numbers.
enum FractionsPairs {
  /// Pairs that say the same.
  static let equal: [(String, String)] = [
    (#"\frac12"#, #"0.5"#),
    (#"\dfrac{3}{4}"#, #"3/4"#),
    (#"\tfrac{6}{8}"#, #"\frac34"#),
    (#"\frac{-1}{2}"#, #"-\frac12"#),
    (#"-\frac{1}{-2}"#, #"1/2"#),
    (#"3\frac{1}{2}"#, #"3.5"#),
    (#"3 1/2"#, #"7/2"#),
    (#"-2\frac{1}{4}"#, #"-2.25"#),
    (#"2 \frac{3}{5}"#, #"13/5"#),
    (#"½"#, #"0.5"#),
    (#"2¾"#, #"2.75"#),
    (#"\frac{\frac{1}{2}}{3}"#, #"\frac16"#),
    (#"\frac{1}{3}"#, #"0.333333"#),
    (#"\frac{1}{12}"#, #"0.083333333"#),
    (#"\frac{7}{3}"#, #"2.3333333333333335"#),
    (#"\cfrac{5}{10}"#, #"1/2"#),
    (#"5 \div 10"#, #"0.5"#),
    (#"5/10"#, #"1/2"#),
    (#"\frac 3 4"#, #"0.75"#),
    (#"\frac3{16}"#, #"0.1875"#),
    (#"\frac{2x}{4}"#, #"\frac{x}{2}"#),
    (#"\frac{x}{2}"#, #"\frac12 x"#),
    (#"1/2x"#, #"\frac{x}{2}"#),
    (#"1\frac{1}{2}\%"#, #"1.5%"#),
  ]
  /// Pairs that say different things.
  static let different: [(String, String)] = [
    (#"\frac12"#, #"\frac13"#),
    (#"3\frac{1}{2}"#, #"\frac32"#),
    (#"3 1/2"#, #"3/2"#),
    (#"\frac{1}{2}"#, #"-0.5"#),
    (#"\frac{1}{3}"#, #"0.333334"#),
    (#"\frac{x}{2}"#, #"\frac{2}{x}"#),
    (#"\frac{12}{35}"#, #"\frac{12}{34}"#),
  ]
}
