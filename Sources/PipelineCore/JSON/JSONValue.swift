// SPDX-License-Identifier: Apache-2.0

/// A JSON value as in a record: members keep their order, numbers keep their digits.
public enum JSONValue: Sendable, Hashable {
  /// JSON `null`.
  case null
  /// `true` or `false`.
  case bool(Bool)
  /// A number, as the text it was written with, so that no digit is lost.
  case number(String)
  /// A string, unescaped.
  case string(String)
  /// An array.
  case array([JSONValue])
  /// An object, in the order of its members.
  case object([Member])

  /// One key and value of an object.
  public struct Member: Sendable, Hashable {
    /// The key, unescaped.
    public var key: String
    /// The value.
    public var value: JSONValue

    /// Makes a member of an object.
    public init(_ key: String, _ value: JSONValue) {
      self.key = key
      self.value = value
    }
  }

  /// A JSON number for a finite value, `null` for NaN and infinities.
  public static func number(_ value: Double) -> JSONValue {
    value.isFinite ? .number(value.description) : .null
  }

  /// A JSON number for an integer.
  public static func number(_ value: Int) -> JSONValue { .number(String(value)) }

  /// The value of a key, the first one of duplicates; nil if this is not an object or has no such key.
  public subscript(key: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.key == key }?.value
  }

  /// The string, if this is one.
  public var stringValue: String? { if case .string(let text) = self { text } else { nil } }

  /// The finite number, if this is one that a `Double` can hold.
  public var doubleValue: Double? {
    guard case .number(let text) = self, let value = Double(text), value.isFinite else { return nil }
    return value
  }

  /// Whether ``doubleValue`` is a number: nothing is computed for numbers with few digits, which is nearly all.
  package var isFiniteNumber: Bool {
    guard case .number(let text) = self else { return false }
    if text.utf8.count < 300, !text.utf8.contains(where: { $0 | 0x20 == UInt8(ascii: "e") }) { return true }
    return doubleValue != nil
  }

  /// The integer, if this is a number without a fraction that an `Int` can hold.
  public var intValue: Int? {
    guard case .number(let text) = self else { return nil }
    return Int(text) ?? Double(text).flatMap { Int(exactly: $0) }
  }

  /// The elements, if this is an array.
  public var arrayValue: [JSONValue]? { if case .array(let elements) = self { elements } else { nil } }

  /// The members in order, if this is an object.
  public var objectValue: [Member]? { if case .object(let members) = self { members } else { nil } }

  /// What this is, for an error message: `a string`, `null`.
  public var kindDescription: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .number: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }

  /// The text by which answers are compared: a string's text, a number's digits, `true` and `false`.
  public var scalarText: String? {
    switch self {
    case .string(let text), .number(let text): text
    case .bool(let flag): flag ? "true" : "false"
    default: nil
    }
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  /// A string.
  public init(stringLiteral value: String) { self = .string(value) }
  /// An integer.
  public init(integerLiteral value: Int) { self = .number(value) }
  /// A number.
  public init(floatLiteral value: Double) { self = .number(value) }
  /// A boolean.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// An array.
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  /// An object, in the order written.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(elements.map { Member($0.0, $0.1) })
  }
}
