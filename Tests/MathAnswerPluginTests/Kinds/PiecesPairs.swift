// SPDX-License-Identifier: Apache-2.0

/// Pairs of answers: functions that are made of pieces.
enum PiecesPairs {
  /// Pairs that say the same.
  static let equal: [(String, String)] = [
    (#"|x|+|y|=5"#, #"5=|y|+|x|"#),
    (#"|x-5|-|5-x|+3"#, #"3"#),
    (#"\max(a,b)"#, #"\frac{a+b+|a-b|}{2}"#),
    (#"|x|^2"#, #"x^2"#),
    (#"\lfloor n/2 \rfloor"#, #"\left\lfloor \frac{n}{2} \right\rfloor"#),
    (#"\left\lfloor \frac{n+1}{2} \right\rfloor"#, #"\left\lceil \frac{n}{2} \right\rceil"#),
    (#"\lfloor x \rfloor + 1"#, #"\lfloor x + 1 \rfloor"#),
    (#"\sqrt{(x-5)^2}"#, #"\sqrt{x^2-10x+25}"#),
    (#"\sqrt{(x-5)^2}"#, #"|x-5|"#),
    (#"\gcd(n,6)"#, #"\gcd(6,n)"#),
    (#"7 \bmod 5"#, #"2"#),
    (#"x \equiv 3 \pmod 5"#, #"x \equiv 3 \pmod{5}"#),
    (#"|x-2|<3"#, #"(-1,5)"#),
    (#"\sum_{k=1}^{n} k"#, #"\frac{n(n+1)}{2}"#),
    (#"n - 2\lfloor n/2 \rfloor"#, #"n \bmod 2"#),
  ]
  /// Pairs that say different things.
  static let different: [(String, String)] = [
    (#"\lceil n/4 \rceil+1"#, #"\lceil n/2 \rceil+1"#),
    (#"5-x"#, #"|x-5|"#),
    (#"x-1000"#, #"|x-1000|"#),
    (#"10"#, #"\max(x,10)"#),
    (#"\max(x,10)"#, #"\max(x,11)"#),
    (#"\min(x,400)"#, #"x"#),
    (#"\lfloor\frac{2n+1}{5}\rfloor"#, #"\lfloor\frac{2n-1}{5}\rfloor"#),
    (#"5-x"#, #"\sqrt{(x-5)^2}"#),
    (#"\lfloor x \rfloor"#, #"\lceil x \rceil - 1"#),
    (#"\gcd(n,6)"#, #"\gcd(n,4)"#),
    (#"n \bmod 10"#, #"10 \bmod n"#),
    (#"n \bmod 5"#, #"n \bmod 7"#),
    (#"x \equiv 3 \pmod 5"#, #"x \equiv 3 \pmod 7"#),
    (#"\max(x, 10) > 12"#, #"\max(x, 10) > 13"#),
    (#"2|x-5| < x"#, #"x > \frac{10}{3}"#),
    (#"|x-7.25|+|x-7.5|-0.25"#, #"2|x-7.375|-0.25"#),
    (#"\sum_{k=1}^{n} k"#, #"\sum_{k=1}^{n} k^2"#),
    (#"\max(2x, x+50)"#, #"x+50"#),
    (#"2^{\lfloor n/2\rfloor}"#, #"2^{\lceil n/2\rceil}"#),
  ]
}
