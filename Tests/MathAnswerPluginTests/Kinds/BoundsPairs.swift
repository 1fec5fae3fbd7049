// SPDX-License-Identifier: Apache-2.0

/// Pairs of answers: what is beyond the bounds.
enum BoundsPairs {
  /// Pairs that say the same.
  static let equal: [(String, String)] = [
    (#"9^{9^{9^{9}}}"#, #"9^{9^{9^{9}}}"#),
    (#"1000000!"#, #"1000000!"#),
    (#"9^{9^9}"#, #"9^{387420489}"#),
  ]
  /// Pairs that cannot be told apart or alike.
  static let unknown: [(String, String)] = [
    (String(repeating: "1:", count: 4000) + "1", String(repeating: "1:", count: 4000) + "2"),
    ("5" + String(repeating: "!", count: 4000), "6" + String(repeating: "!", count: 4000)),
    (String(repeating: #"[0,1)\cup "#, count: 500) + "[0,2)", String(repeating: #"[0,1)\cup "#, count: 500) + "[0,3)"),
    (String(repeating: "1/", count: 4000) + "1", String(repeating: "1/", count: 4000) + "2"),
    (#"9^{9^{9^{9}}}"#, #"9^{9^{9^{9}}}+1"#),
    (#"1000000!"#, #"1"#),
    (#"\int_0^1 x\,dx"#, #"\int_0^1 t\,dt+0"#),
    (#"x^2+y^2=4"#, #"\sqrt{x^2+y^2}=2"#),
  ]
}
