// SPDX-License-Identifier: Apache-2.0

/// Pairs of answers: answers with nothing but space or a line between them.
enum SideBySidePairs {
  /// Pairs that say the same.
  static let equal: [(String, String)] = [
    (#"x=2 \quad y=3"#, #"x=2, y=3"#),
    (#"x=2 \qquad y=3"#, #"y=3, x=2"#),
    (#"x=2 \\ y=3"#, #"x=2, y=3"#),
    (#"x=2\\y=3"#, #"x=2, y=3"#),
    (#"x=2; y=3"#, #"x=2, y=3"#),
    (#"x=2 y=3"#, #"x=2, y=3"#),
    (#"x=2 \text{ and } y=3"#, #"x=2, y=3"#),
    (#"2 \quad 3"#, #"2, 3"#),
    (#"(1,2) \quad (3,4)"#, #"(3,4), (1,2)"#),
    (#"p=5,q=2;p=7,q=2"#, #"(5,2),(7,2)"#),
    (#"x=1, y=2 \text{ or } x=2, y=1"#, #"(1,2),(2,1)"#),
    (#"5 \quad \text{cm}"#, #"5 cm"#),
    (#"0<f(x)<1"#, #"(0,1)"#),
    (#"p = 5, q = 2 \quad \text{and} \quad p = 7, q = 2"#, #"p=5,q=2;p=7,q=2"#),
    (#"a=1, b=2, a=3, b=4"#, #"(1,2),(3,4)"#),
  ]
  /// Pairs that say different things.
  static let different: [(String, String)] = [
    (#"3"#, #"x=2 \quad y=3"#),
    (#"x=2 \quad y=3"#, #"x=3 \quad y=2"#),
    (#"x=2 \\ y=3"#, #"y=3"#),
    (#"x=2; y=3"#, #"x=2; y=4"#),
    (#"p=5,q=2;p=7,q=2"#, #"(2,5),(2,7)"#),
    (#"p=5,q=2;p=7,q=2"#, #"p=5,q=2;p=7,q=3"#),
    (#"2 \quad 3"#, #"6"#),
    (#"[2,-\infty)"#, #"x\ge 2"#),
    (#"(5,-\infty)"#, #"(5,\infty)"#),
    (#"(\infty,3)"#, #"(-\infty,3)"#),
    (#"[7,3)"#, #"[5,2)"#),
    (#"\{x \mid x \geq 3\},\{x \mid x \geq 1\}"#, #"\{x \mid x \geq 4\},\{x \mid x \geq 1\}"#),
    (#"a=1, b=2, a=3, b=4"#, #"(1,4),(3,2)"#),
    (#"p=5,q=2 \text{ and } p=7,q=3"#, #"p=5,q=2;p=7,q=2"#),
  ]
}
