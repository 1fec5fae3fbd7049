// SPDX-License-Identifier: Apache-2.0

/// A sentence about one trajectory, for people and for programs.
///
/// It is made from a literal; numbers stay numbers until they are shown, so that all are formatted alike:
/// ```swift
/// "drawn \(times: 3); its pair has \(share: 0.73) of the weight of \(2, "pair")"
/// ```
/// It continues a title and begins in lower case: `shuffle  drawn 3 times; its pair …`. Text from a record may be
/// inserted unchanged: the code that shows the sentence makes it safe for a terminal.
public struct Explanation: Sendable, Hashable {
  /// A piece of the sentence.
  public enum Part: Sendable, Hashable {
    /// Words.
    case text(String)
    /// A number, to this many significant digits.
    case number(Double, digits: Int)
    /// A number with its sign: an advantage.
    case signed(Double)
    /// A share of a whole: 0.5 is shown as 50 %.
    case share(Double)
    /// A count and its noun in the singular: `2 pairs`.
    case count(Int, String)
    /// How often: `once`, `3 times`.
    case times(Int)
  }

  /// The sentence.
  public var parts: [Part]
  /// The facts behind it, for programs; `why --json` shows them together with the sentence.
  public var facts: [JSONValue.Member]

  /// A sentence and the facts behind it.
  public init(_ sentence: Explanation, facts: [JSONValue.Member] = []) {
    parts = sentence.parts
    self.facts = sentence.facts + facts
  }

  /// Two sentences, joined.
  public static func + (left: Explanation, right: Explanation) -> Explanation {
    Explanation("\(left)\(right)", facts: left.facts + right.facts)
  }
}

extension Explanation: ExpressibleByStringInterpolation {
  /// A sentence without numbers.
  public init(stringLiteral text: String) {
    parts = text.isEmpty ? [] : [.text(text)]
    facts = []
  }

  /// A sentence.
  public init(stringInterpolation: Interpolation) {
    parts = stringInterpolation.parts
    facts = []
  }

  /// Reads a literal.
  public struct Interpolation: StringInterpolationProtocol {
    var parts: [Part] = []

    /// Empty at first.
    public init(literalCapacity: Int, interpolationCount: Int) {}

    /// Adds words.
    public mutating func appendLiteral(_ text: String) {
      if text.isEmpty { return }
      // Words in a row are one part, however they came about.
      if case .text(let words) = parts.last {
        parts[parts.count - 1] = .text(words + text)
      } else {
        parts.append(.text(text))
      }
    }

    /// Adds text.
    public mutating func appendInterpolation(_ text: String) { appendLiteral(text) }

    /// Adds another sentence.
    public mutating func appendInterpolation(_ sentence: Explanation) {
      for part in sentence.parts {
        if case .text(let words) = part { appendLiteral(words) } else { parts.append(part) }
      }
    }

    /// Adds a number, to at most this many significant digits.
    public mutating func appendInterpolation(_ number: Double, digits: Int = 4) {
      parts.append(.number(number, digits: digits))
    }

    /// Adds a whole number.
    public mutating func appendInterpolation(_ number: Int) { appendLiteral(String(number)) }

    /// Adds a number with its sign: an advantage.
    public mutating func appendInterpolation(signed number: Double) { parts.append(.signed(number)) }

    /// Adds a share of a whole: 0.5 is shown as 50 %.
    public mutating func appendInterpolation(share: Double) { parts.append(.share(share)) }

    /// Adds a count and its noun in the singular.
    public mutating func appendInterpolation(_ count: Int, _ noun: String) { parts.append(.count(count, noun)) }

    /// Adds how often.
    public mutating func appendInterpolation(times count: Int) { parts.append(.times(count)) }
  }
}
