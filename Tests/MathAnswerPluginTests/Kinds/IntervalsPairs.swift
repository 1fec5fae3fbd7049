// SPDX-License-Identifier: Apache-2.0

/// Pairs of answers: intervals, unions and inequalities.
enum IntervalsPairs {
  /// Pairs that say the same.
  static let equal: [(String, String)] = [
    (#"[0,1)"#, #"[0, 1)"#),
    (#"[0,\infty)"#, #"x \ge 0"#),
    (#"(-\infty, 3]"#, #"x\leq 3"#),
    (#"x>3"#, #"(3,\infty)"#),
    (#"3<x"#, #"x>3"#),
    (#"-2 < x \leq 5"#, #"(-2,5]"#),
    (#"5 \ge x > -2"#, #"(-2, 5]"#),
    (#"(1,2)\cup(3,4)"#, #"(3,4) \cup (1,2)"#),
    (#"(0,1]\cup[1,2)"#, #"(0,2)"#),
    (#"x<1 \text{ or } x>2"#, #"(-\infty,1)\cup(2,\infty)"#),
    (#"x>1 \text{ and } x<2"#, #"1<x<2"#),
    (#"2x+1>5"#, #"x>2"#),
    (#"-x<3"#, #"x>-3"#),
    (#"x\neq 2"#, #"(-\infty,2)\cup(2,\infty)"#),
    (#"\mathbb{R}\setminus\{2\}"#, #"x \ne 2"#),
    (#"\mathbb{R}"#, #"(-\infty,\infty)"#),
    (#"ℝ"#, #"(-\infty,+\infty)"#),
    (#"x\in[1,2]"#, #"[1,2]"#),
    (#"[1,2]\cup\{3\}"#, #"\{3\}\cup[1,2]"#),
    (#"\{x \mid x > 3\}"#, #"(3,\infty)"#),
    (#"\left(-\infty,-\frac{1}{2}\right)"#, #"(-\infty,-0.5)"#),
    (#"x <= 2"#, #"x \leq 2"#),
    (#"(2,∞)"#, #"(2, +\infty)"#),
    (#"[-\sqrt2,\sqrt2)"#, #"[-\sqrt{2}, 2^{1/2})"#),
    (#"a<b"#, #"b>a"#),
    (#"x+y<1"#, #"-x-y>-1"#),
    (#"1\le x\le 2"#, #"x\in[1,2]"#),
    (#"x>=1"#, #"[1, oo)"#),
    (#"x<0 or x>1"#, #"x>1 or x<0"#),
    (#"k > -1, k \neq 0"#, #"(-1,0)\cup(0,\infty)"#),
    (#"|x-2|<3"#, #"(-1,5)"#),
    (#"|x| \ge 2"#, #"(-\infty,-2]\cup[2,\infty)"#),
    (#"(-\infty,1),(2,\infty)"#, #"(-\infty,1) \text{ and } (2,\infty)"#),
    (#"3 > |x|"#, #"-3<x<3"#),
  ]
  /// Pairs that say different things.
  static let different: [(String, String)] = [
    (#"[0,1)"#, #"(0,1)"#),
    (#"[0,1)"#, #"[0,1]"#),
    (#"x>3"#, #"x<3"#),
    (#"x>3"#, #"x\ge 3"#),
    (#"(3,\infty)"#, #"[3,\infty)"#),
    (#"(1,2)\cup(3,4)"#, #"(1,4)"#),
    (#"(0,1)\cup(1,2)"#, #"(0,2)"#),
    (#"x\neq2"#, #"2"#),
    (#"x+y<1"#, #"x+y>1"#),
    (#"x<1"#, #"y<1"#),
    (#"(1,3)"#, #"[1,3)"#),
    (#"\mathbb{R}"#, #"(0,\infty)"#),
  ]
}
