// SPDX-License-Identifier: Apache-2.0

/// Pairs of answers: what is said to be equal, or nearly so.
enum ClaimsPairs {
  /// Pairs that say the same.
  static let equal: [(String, String)] = [
    (#"2\sqrt{3} \approx 3.46"#, #"2\sqrt3"#),
    (#"2\sqrt{3} \approx 3.46"#, #"3.46"#),
    (#"2\sqrt{3} \approx 3.46"#, #"3.464"#),
    (#"2\sqrt{3} \approx 3.46"#, #"2 \sqrt 3 ≈ 3.46"#),
    (#"2\sqrt{3} \approx 3.46"#, #"\sqrt{12} \approx 3.464"#),
    (#"t = \frac{\ln 2}{0.05} \approx 13.86"#, #"13.86"#),
    (#"t = \frac{\ln 2}{0.05} \approx 13.86"#, #"t = 20 \ln 2"#),
    (#"x = \frac{6}{2} = 3"#, #"3"#),
    (#"2+2=4"#, #"4"#),
    (#"\log_8(4)=\frac{2}{3}"#, #"\log_{8} 4 = \frac23"#),
    (#"f(20) > 7000"#, #"7000 < f(20)"#),
    (#"2 > 1"#, #"1 < 2"#),
  ]
  /// Pairs that say different things.
  static let different: [(String, String)] = [
    (#"5\sqrt{2} \approx 7.07"#, #"2\sqrt{3} \approx 3.46"#),
    (#"1 \approx 5"#, #"2\sqrt{3} \approx 3.46"#),
    (#"1 \approx 5"#, #"5"#),
    (#"5 \approx 3.46"#, #"3.46"#),
    (#"2\sqrt{3} \approx 3.46"#, #"3.47"#),
    (#"2\sqrt{3} \approx 3.46"#, #"3.5"#),
    (#"\cos(2) \approx -0.416"#, #"\cos(2) \approx -0.415"#),
    (#"2+2=4"#, #"3+4=7"#),
    (#"\log_8(4)=\frac{2}{3}"#, #"\log_3(27)=3"#),
    (#"\log_6\left(\frac{1}{36}\right)=-2"#, #"\log_5\left(\frac{1}{36}\right)=-2"#),
    (#"\cos(0)=1, \sin(0)=0"#, #"\cos(\pi)=-1, \sin(\pi)=0"#),
    (#"i^{8}=i^{4} \cdot i^{4}=1"#, #"i^{8}=i^{4} \cdot i^{5}=1"#),
    (#"g(3) \ge 4"#, #"g(3) \ge 9"#),
    (#"f(20) > 7000"#, #"f(20) > 1000"#),
    (#"f(20) > 7000"#, #"h(20) > 7000"#),
    (#"f(20) > 7000"#, #"f(20) < 7000"#),
    (#"\frac{2}{3} > \frac{1}{2}"#, #"\frac{3}{4} > \frac{5}{8}"#),
    (#"1.475773662"#, #"1.475773162"#),
    (#"h \approx 2.7 m"#, #"h \approx 2.7 cm"#),
    (#"h = 2e \approx 5.4 m"#, #"h = 2e \approx 5.4 cm"#),
  ]
}
