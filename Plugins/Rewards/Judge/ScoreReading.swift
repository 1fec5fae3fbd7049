// SPDX-License-Identifier: Apache-2.0
import Foundation
import ModelServers
package import PipelineCore

/// How a score is read from what a judge says.
package enum ScoreReading: Codable, Sendable, Hashable, SelfDescribingOption {
  /// The last number in it.
  case lastNumber
  /// What the first group of a regular expression's last match holds, or the match where there is no group.
  case pattern(String)
  /// A member of the last JSON object in it that has one.
  case member(String)

  private enum CodingKeys: String, CodingKey { case pattern, member }

  /// A word, or a table of one key.
  package init(from decoder: any Decoder) throws {
    if (try? decoder.singleValueContainer().decode(String.self)) == "last-number" {
      self = .lastNumber
      return
    }
    if let keyed = try? decoder.container(keyedBy: CodingKeys.self) {
      switch (keyed.contains(.pattern), keyed.contains(.member)) {
      case (true, false):
        self = .pattern(try keyed.decode(String.self, forKey: .pattern))
        return
      case (false, true):
        self = .member(try keyed.decode(String.self, forKey: .member))
        return
      default: break
      }
    }
    throw DecodingError.dataCorrupted(
      DecodingError.Context(
        codingPath: decoder.codingPath,
        debugDescription: #"must be 'last-number', {"pattern": "Score: ([0-9.]+)"} or {"member": "score"}"#))
  }

  /// Writes what can be read again.
  package func encode(to encoder: any Encoder) throws {
    switch self {
    case .lastNumber:
      var single = encoder.singleValueContainer()
      try single.encode("last-number")
    case .pattern(let text):
      var keyed = encoder.container(keyedBy: CodingKeys.self)
      try keyed.encode(text, forKey: .pattern)
    case .member(let name):
      var keyed = encoder.container(keyedBy: CodingKeys.self)
      try keyed.encode(name, forKey: .member)
    }
  }

  /// A word, or a table of one key.
  package static let schema: JSONValue = [
    "oneOf": [
      ["const": "last-number"],
      [
        "type": "object", "additionalProperties": false, "required": ["pattern"],
        "properties": ["pattern": ["type": "string"]],
      ],
      [
        "type": "object", "additionalProperties": false, "required": ["member"],
        "properties": ["member": ["type": "string"]],
      ],
    ]
  ]

  /// What continues the sentence "'score' …", or nil when it can be used.
  var problem: String? {
    switch self {
    case .lastNumber: return nil
    case .member(let name): return name.isEmpty ? "names no member" : nil
    case .pattern(let text):
      return (try? NSRegularExpression(pattern: text)) == nil
        ? "has the pattern \(text.quotedForMessage), which is no regular expression" : nil
    }
  }

  /// The score in a text, or nil where there is none.
  package func number(in said: String) -> Double? {
    // A verdict stands at the end; however much somebody writes before it, the work is bounded.
    let text = String(said.suffix(Self.longest))
    let found: Double?
    switch self {
    case .lastNumber:
      found = text.matches(of: /[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?/).last.flatMap { Double($0.output) }
    case .pattern(let pattern):
      found = Self.lastMatch(of: pattern, in: text).flatMap { Double($0.trimmingSpaces) }
    case .member(let name):
      found = Self.member(name, in: text)
    }
    return found.flatMap { $0.isFinite ? $0 : nil }
  }

  private static let longest = 1 << 14
  /// So many thousand steps of a pattern, beyond one for each place of the text, are enough.
  private static let mostSteps = 2000

  /// What the last match's first group holds, or the match where there is no group.
  ///
  /// A pattern that goes back and forth without end finds nothing.
  // Not Swift's Regex, which nothing stops: `.*?([0-9]+)` takes it minutes on 16,000 letters.
  private static func lastMatch(of pattern: String, in text: String) -> Substring? {
    guard let expression = try? NSRegularExpression(pattern: pattern) else { return nil }
    let whole = NSRange(text.startIndex..., in: text)
    var (last, steps) = (NSTextCheckingResult?.none, 0)
    expression.enumerateMatches(in: text, options: [.reportProgress], range: whole) { match, _, stop in
      if let match {
        last = match
      } else {
        steps += 1
        if steps > whole.length + mostSteps { (last, stop.pointee) = (nil, true) }
      }
    }
    guard let last else { return nil }
    let groups = (1..<max(1, last.numberOfRanges)).lazy.compactMap { Range(last.range(at: $0), in: text) }
    return (groups.first ?? Range(last.range, in: text)).map { text[$0] }
  }

  /// The member of the last object that has it.
  private static func member(_ name: String, in text: String) -> Double? {
    let bytes = Array(text.utf8)
    var found: Double?
    var start = 0
    // An object ends where its braces are even and it can be read; objects are few, and so is their text.
    var tries = 0
    while let opening = bytes[start...].firstIndex(of: UInt8(ascii: "{")), tries < 64 {
      tries += 1
      var next = opening + 1
      for end in bytes[opening...].indices.lazy.filter({ bytes[$0] == UInt8(ascii: "}") }).prefix(64) {
        guard let value = try? JSONValue(parsing: String(decoding: bytes[opening...end], as: UTF8.self)) else {
          continue
        }
        if let member = value[name] { found = member.doubleValue ?? member.stringValue.flatMap { Double($0) } }
        next = end + 1
        break
      }
      start = next
    }
    return found
  }
}

extension Substring {
  fileprivate var trimmingSpaces: String {
    String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
  }
}
