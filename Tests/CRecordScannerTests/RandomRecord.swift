// SPDX-License-Identifier: Apache-2.0

/// A seeded generator (splitmix64), so that every run tests the same records.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}

/// Records such as trainers write, and damage such as disks and people do to them.
struct RandomRecord {
  var generator: SeededGenerator

  init(seed: UInt64) { generator = SeededGenerator(state: seed) }

  mutating func pick<Element>(_ elements: [Element]) -> Element { elements[generator.below(elements.count)] }

  private mutating func integer() -> String { String(generator.below(pick([2, 10, 1000, 151_936]))) }

  private mutating func decimal() -> String {
    let value = -Double(generator.below(1_000_000)) / 1_000_000
    switch generator.below(10) {
    case 0: return pick(["NaN", "-Infinity", "Infinity", "null", "0", "-0.0", "1E+5", "0e0"])
    case 1: return "\(value * 1e-9)"
    case 2: return "\(value * 1e30)"
    default: return "\(Double(Float(value)))"
    }
  }

  private mutating func text() -> String {
    let words = [
      "the", "angle", "is", "\\n", "\\\"x\\\"", "\\\\frac{1}{2}", "\\u00e9", "\\ud83d\\ude00", "中文", "，", "😀",
      "é", "\\/",
      "[1, 2]", "{:}", "\\uABCD", "\u{7F}", "߿ࠀ", "\u{10FFFF}", "\\\\\\\\", "0123456789abcdef",
    ]
    return (0..<generator.below(30)).map { _ in pick(words) }.joined(separator: pick(["", " "]))
  }

  mutating func value(depth: Int, separators: (String, String)) -> String {
    let (comma, colon) = separators
    let count = generator.below(pick([1, 4, 12]))
    switch generator.below(depth > 3 ? 6 : 9) {
    case 0: return integer()
    case 1: return decimal()
    case 2: return "\"\(text())\""
    case 3: return pick(["true", "false", "null", "NaN", "[]", "{}", "[ ]", "{ }", "\"\""])
    case 4: return "[" + (0..<count * 6).map { _ in integer() }.joined(separator: comma) + "]"
    case 5: return "[" + (0..<count * 3).map { _ in decimal() }.joined(separator: comma) + "]"
    case 6:
      return "["
        + (0..<count).map { _ in value(depth: depth + 1, separators: separators) }.joined(separator: comma)
        + "]"
    default:
      return "{"
        + (0..<count).map { _ in "\"\(text())\"\(colon)\(value(depth: depth + 1, separators: separators))" }
        .joined(separator: comma) + "}"
    }
  }

  /// A valid record.
  mutating func record() -> [UInt8] {
    let separators = pick([(", ", ": "), (",", ":"), (", ", ": "), (" ,\t", " :\r\n")])
    let keys = ["id", "group", "tokens", "logprobs", "response", "reward", "r\\u0065ward", "extra", "é"]
    let members = (0..<generator.below(9)).map { _ in
      "\"\(pick(keys))\"\(separators.1)\(value(depth: 1, separators: separators))"
    }
    let blanks = String(repeating: " ", count: generator.below(64))
    return Array(
      (blanks + "{" + members.joined(separator: separators.0) + "}" + pick(["", "\n", "\r\n", "  "])).utf8)
  }

  /// `record` with one to three bytes or pieces changed, left out, put in or moved.
  mutating func damaged(_ record: [UInt8]) -> [UInt8] {
    var record = record
    for _ in 0..<pick([1, 1, 1, 2, 3]) {
      guard record.count > 2 else { break }
      let at = generator.below(record.count)
      switch generator.below(8) {
      case 0: record[at] = UInt8(truncatingIfNeeded: generator.next())
      case 1: record[at] ^= 1 << UInt8(generator.below(8))
      case 2: record.remove(at: at)
      case 3: record.insert(pick(Array("\"\\,:[]{}0123456789+-.eE \t\nutfnNIda\u{1}".utf8)), at: at)
      case 4: record[at] = pick(Array("\"\\,:[]{}0123456789+-.eE \t\nutfnNIda\u{1}".utf8))
      case 5: record.removeLast(generator.below(record.count))
      case 6:
        let end = min(record.count, at + 1 + generator.below(40))
        record.insert(contentsOf: record[at..<end], at: generator.below(record.count))
      default:
        let pieces = [
          "NaN", "-Infinity", "true", "\\u", "\\ud83d", "\\ude00", "01", "1.", "e5", ".5", "[]", "{}", "\"\"",
          ",,", "\\\\",
          "\u{10000}", "-", "1e", "null",
        ]
        record.insert(contentsOf: Array(pick(pieces).utf8), at: at)
      }
    }
    return record
  }
}
