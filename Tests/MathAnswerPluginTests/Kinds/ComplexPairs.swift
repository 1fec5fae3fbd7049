// SPDX-License-Identifier: Apache-2.0

/// Pairs of answers: complex numbers.
enum ComplexPairs {
  /// Pairs that say the same.
  static let equal: [(String, String)] = [
    (#"1+2i"#, #"2i+1"#),
    (#"(1+i)^2"#, #"2i"#),
    (#"i^2"#, #"-1"#),
    (#"\frac{1}{i}"#, #"-i"#),
    (#"|3+4i|"#, #"5"#),
    (#"\sqrt{-9}"#, #"3i"#),
    (#"\frac{1+i}{1-i}"#, #"i"#),
    (#"e^{i\pi/2}"#, #"i"#),
    (#"\cos\frac{\pi}{3}+i\sin\frac{\pi}{3}"#, #"e^{i\pi/3}"#),
    (#"-\frac{1}{2}+\frac{\sqrt3}{2}i"#, #"e^{2\pi i/3}"#),
    (#"3\text{cis}(0)"#, #"3\text{cis}(0)"#),
  ]
  /// Pairs that say different things.
  static let different: [(String, String)] = [
    (#"1+2i"#, #"1-2i"#),
    (#"i"#, #"1"#),
    (#"2i"#, #"2"#),
    (#"i"#, #"-i"#),
    (#"\sqrt{-9}"#, #"3"#),
  ]
}
