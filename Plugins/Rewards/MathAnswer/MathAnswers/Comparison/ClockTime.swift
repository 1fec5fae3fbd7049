// SPDX-License-Identifier: Apache-2.0

/// A time of day: `4:30`, `4:30 PM`, `16:30`, 下午4:30.
struct ClockTime {
  private let hours: Int
  private let minutes: Int
  private let seconds: Int
  /// Whether it is said to be before noon or after it.
  private let half: Half?

  private enum Half { case morning, afternoon }

  /// Reads an answer; nil where it is no time of day.
  init?(_ bytes: [UInt8]) {
    guard bytes.count <= 40, bytes.contains(UInt8(ascii: ":")) else { return nil }
    var text: [UInt8] = []
    for byte in AnswerForm(bytes[...]).bytes where byte != UInt8(ascii: ".") { text.append(byte.lowercased) }
    var rest = text[...]
    var half: Half?
    for (mark, meaning) in Self.marks {
      if rest.starts(with: mark.utf8) {
        rest = rest.dropFirst(mark.utf8.count)
        half = meaning
      } else if rest.reversed().starts(with: mark.utf8.reversed()) {
        rest = rest.dropLast(mark.utf8.count)
        half = meaning
      }
    }
    let parts = rest.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard (2...3).contains(parts.count), (1...2).contains(parts[0].count),
      parts.dropFirst().allSatisfy({ $0.count == 2 }),
      parts.allSatisfy({ $0.allSatisfy(\.isDigit) })
    else { return nil }
    let values = parts.map { $0.reduce(0) { $0 * 10 + Int($1 - 0x30) } }
    guard values[0] <= 24, values.dropFirst().allSatisfy({ $0 < 60 }) else { return nil }
    hours = values[0]
    minutes = values[1]
    seconds = values.count > 2 ? values[2] : 0
    self.half = half
  }

  private static let marks: [(String, Half)] = [
    ("am", .morning), ("pm", .afternoon), ("上午", .morning), ("下午", .afternoon), ("午前", .morning), ("午後", .afternoon),
    ("早上", .morning), ("晚上", .afternoon), ("오전", .morning), ("오후", .afternoon),
  ]

  /// Whether it can be nothing but a time: `12:00` is no ratio.
  private var isCertain: Bool { half != nil || minutes == 0 }

  /// Whether two answers name the same time; nil where one of them names none, or both may be ratios.
  static func compare(_ first: [UInt8], _ second: [UInt8]) -> MathVerdict? {
    guard let a = ClockTime(first), let b = ClockTime(second), a.isCertain || b.isCertain else { return nil }
    guard a.minutes == b.minutes, a.seconds == b.seconds else { return .different }
    if a.half == nil || b.half == nil {
      // `4:30 PM` and `4:30`, or `16:30`.
      if a.half == nil, b.half == nil { return a.hours == b.hours ? .equal : .different }
      return a.hours == b.hours || a.hourOfDay == b.hourOfDay ? .equal : .different
    }
    return a.hourOfDay == b.hourOfDay ? .equal : .different
  }

  private var hourOfDay: Int {
    switch half {
    case .morning: hours == 12 ? 0 : hours
    case .afternoon: hours < 12 ? hours + 12 : hours
    case nil: hours
    }
  }
}
