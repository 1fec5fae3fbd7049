// SPDX-License-Identifier: Apache-2.0

/// Pairs of answers: matrices and vectors.
enum MatricesPairs {
  /// Pairs that say the same.
  static let equal: [(String, String)] = [
    (#"\begin{pmatrix}1&2\\3&4\end{pmatrix}"#, #"\begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}"#),
    (#"\begin{pmatrix}1\\2\end{pmatrix}"#, #"(1,2)"#),
    (#"2\begin{pmatrix}1&0\\0&1\end{pmatrix}"#, #"\begin{pmatrix}2&0\\0&2\end{pmatrix}"#),
    (#"\begin{array}{cc}1&2\\3&4\end{array}"#, #"\begin{pmatrix}1&2\\3&4\end{pmatrix}"#),
    (#"\begin{pmatrix}\frac12 & x\end{pmatrix}"#, #"\begin{pmatrix}0.5 & x\end{pmatrix}"#),
    (#"\left[\begin{matrix}1\\2\end{matrix}\right]"#, #"\begin{pmatrix}1\\2\end{pmatrix}"#),
    (#"\begin{pmatrix}1&2\\3&4\end{pmatrix}^T"#, #"\begin{pmatrix}1&3\\2&4\end{pmatrix}"#),
    (#"\begin{vmatrix}1&2\\3&4\end{vmatrix}"#, #"-2"#),
    (
      #"\begin{pmatrix}1&1\\0&1\end{pmatrix}\begin{pmatrix}1&1\\0&1\end{pmatrix}"#,
      #"\begin{pmatrix}1&2\\0&1\end{pmatrix}"#
    ),
    (#"\begin{pmatrix} 1 & 2 \\[2pt] 3 & 4 \end{pmatrix}"#, #"\begin{pmatrix}1&2\\3&4\end{pmatrix}"#),
  ]
  /// Pairs that say different things.
  static let different: [(String, String)] = [
    (#"\begin{pmatrix}1&2\\3&4\end{pmatrix}"#, #"\begin{pmatrix}1&3\\2&4\end{pmatrix}"#),
    (#"\begin{pmatrix}1&2\end{pmatrix}"#, #"\begin{pmatrix}1&2&3\end{pmatrix}"#),
    (#"\begin{pmatrix}1&2\\3&4\end{pmatrix}"#, #"\begin{pmatrix}1&2&3&4\end{pmatrix}"#),
  ]
}
