// SPDX-License-Identifier: Apache-2.0

/// Pairs of answers: times of day and lengths of time.
enum ClockPairs {
  /// Pairs that say the same.
  static let equal: [(String, String)] = [
    (#"4:30 PM"#, #"4:30"#),
    (#"4:30 p.m."#, #"16:30"#),
    (#"12:00"#, #"12:00 PM"#),
    (#"下午4:30"#, #"4:30 PM"#),
    (#"12:00"#, #"12:00"#),
    (#"4:30\text{ PM}"#, #"4:30 PM"#),
    (#"2 h 30 min"#, #"2.5 hours"#),
    (#"2\text{ h }30\text{ min}"#, #"150 minutes"#),
    (#"2h30min"#, #"2.5 hours"#),
  ]
  /// Pairs that say different things.
  static let different: [(String, String)] = [
    (#"4:30 PM"#, #"4:30 AM"#),
    (#"12:00"#, #"1:00"#),
    (#"4:30 PM"#, #"4:31"#),
    (#"9:05"#, #"9:50"#),
    (#"2 h 30 min"#, #"2 h 31 min"#),
    (#"2 h 30 min"#, #"2.3 hours"#),
  ]
}
