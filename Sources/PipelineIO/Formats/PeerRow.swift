// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// The members of one object, each of which can be taken at most once, so that the rest is known at the end.
struct PeerRow {
  /// The meaning of null.
  enum Nulls {
    /// A value that passes through like any other.
    case areValues
    /// An empty cell of a table.
    case areEmptyCells
  }

  private(set) var members: [JSONValue.Member]
  /// Of rows with many members; of others a search from the first is faster than a table.
  private var positions: [String: Int]?
  private static let mostSearched = 32
  private var isTaken: [Bool]
  private let nulls: Nulls
  /// How many numbers were read from text.
  private(set) var textNumbers = 0
  let location: SourceLocation?

  /// Indexes an object's members.
  ///
  /// - Throws: When `value` is not an object or has a key twice.
  init(_ value: JSONValue, what: String, at location: SourceLocation?, nulls: Nulls = .areValues) throws {
    guard case .object(let members) = value else {
      throw PipelineError(
        .invalidData, "\(what) is \(value.kindDescription), it must be an object", at: location)
    }
    self.location = location
    self.nulls = nulls
    self.members = members
    self.isTaken = [Bool](repeating: false, count: members.count)
    if members.count > Self.mostSearched {
      positions = Dictionary(members.enumerated().map { ($1.key, $0) }, uniquingKeysWith: { first, _ in first })
    }
    for (index, member) in members.enumerated() where position(of: member.key) != index {
      throw PipelineError(.invalidData, "the key '\(member.key)' occurs twice", at: location)
    }
  }

  /// An error about a key.
  func fault(_ key: String, _ message: String) -> PipelineError {
    PipelineError(.invalidData, "'\(key)' \(message)", at: location)
  }

  /// The value, unless it was taken.
  func remaining(_ key: String) -> JSONValue? {
    guard let position = position(of: key), !isTaken[position] else { return nil }
    return members[position].value
  }

  func has(_ key: String) -> Bool { position(of: key) != nil }

  func position(of key: String) -> Int? {
    if let positions { return positions[key] }
    return members.firstIndex { $0.key == key }
  }

  /// The value, without taking it.
  func peek(_ key: String) -> JSONValue? { position(of: key).map { members[$0].value } }

  /// The value at a dotted path, whether or not it has been taken; a key that itself contains the dots wins.
  func value(at path: String) -> JSONValue? {
    if let value = peek(path) { return value }
    let steps = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard let first = steps.first, var value = peek(first) else { return nil }
    for step in steps.dropFirst() {
      guard let next = value[step] else { return nil }
      value = next
    }
    return value
  }

  /// Takes a value; null counts as none.
  mutating func take(_ key: String) -> JSONValue? {
    guard let position = position(of: key) else { return nil }
    isTaken[position] = true
    // Not a ternary, because a JSONValue can be written `nil` too.
    if members[position].value == .null { return nil }
    return members[position].value
  }

  /// Takes the value of the first key that exists.
  mutating func take(firstOf keys: [String]) -> JSONValue? {
    keys.first(where: has).flatMap { take($0) }
  }

  mutating func take(_ field: Field) -> JSONValue? { take(field.rawValue) }

  /// Takes a string, or nil if there is none.
  mutating func takeString(_ key: String) throws -> JSONValue? {
    try take(key, "a string") { $0.stringValue != nil }
  }

  /// Takes a finite number, or nil for none; a number in quotes is one too, and is counted.
  mutating func takeNumber(_ key: String) throws -> JSONValue? {
    guard let value = take(key) else { return nil }
    if value.doubleValue != nil { return value }
    if let number = Self.number(value) {
      textNumbers += 1
      return number
    }
    throw wrongKind(key, value, "a number")
  }

  /// A number, also one that stands in quotes, written as in JSON; nil for anything else.
  static func number(_ value: JSONValue) -> JSONValue? {
    if value.doubleValue != nil { return value }
    guard let text = value.stringValue else { return nil }
    let words = text.split(whereSeparator: \.isWhitespace)
    guard words.count == 1, let value = try? JSONValue(parsing: String(words[0])), value.doubleValue != nil else {
      return nil
    }
    return value
  }

  /// Takes an integer, or nil if there is none; digits in quotes count as one.
  mutating func takeInteger(_ key: String) throws -> JSONValue? {
    guard let value = take(key) else { return nil }
    if let number = value.intValue { return .number(number) }
    if let text = value.stringValue, let number = Int(text) { return .number(number) }
    throw wrongKind(key, value, "an integer")
  }

  /// Takes a boolean, or nil if there is none.
  mutating func takeBool(_ key: String) throws -> Bool? {
    guard let value = take(key) else { return nil }
    guard case .bool(let flag) = value else { throw wrongKind(key, value, "a boolean") }
    return flag
  }

  /// Takes an object, or nil if there is none.
  mutating func takeObject(_ key: String) throws -> [JSONValue.Member]? {
    try take(key, "an object") { $0.objectValue != nil }?.objectValue
  }

  /// Takes an array, or nil if there is none.
  mutating func takeArray(_ key: String) throws -> JSONValue? {
    try take(key, "an array") { $0.arrayValue != nil }
  }

  /// The members that were not taken, in order.
  var leftovers: [JSONValue.Member] {
    members.indices
      .filter { !isTaken[$0] && !(nulls == .areEmptyCells && members[$0].value == .null) }
      .map { members[$0] }
  }

  /// Takes the numbers under keys without another meaning: the parts of a reward.
  ///
  /// - Parameters:
  ///   - range: The positions of the members to look at.
  ///   - except: Keys of numbers that are not rewards.
  ///   - mayBeNamed: Reserved names that a part may have.
  mutating func takeParts(
    in range: Range<Int>? = nil, except: Set<String> = [], mayBeNamed: Set<String> = [],
    where isReward: (String) -> Bool = { _ in true }
  ) -> [JSONValue.Member] {
    var parts: [JSONValue.Member] = []
    for position in (range ?? 0..<members.count).clamped(to: 0..<members.count) where !isTaken[position] {
      let member = members[position]
      if except.contains(member.key) || !isReward(member.key) { continue }
      if RecordBuilder.isReserved(member.key), !mayBeNamed.contains(member.key) { continue }
      guard member.value.doubleValue != nil else { continue }
      isTaken[position] = true
      parts.append(member)
    }
    return parts
  }

  /// An error for a missing key.
  func missing(_ key: String, in format: String) -> PipelineError {
    fault(key, "is missing, every line of \(format) has it")
  }

  func wrongKind(_ key: String, _ value: JSONValue, _ expected: String) -> PipelineError {
    switch value {
    case .string(""): fault(key, "is empty, it must be \(expected)")
    case .number where value.doubleValue == nil: fault(key, "is too large for a 64-bit number")
    case .object where expected.hasPrefix("a list of messages"):
      fault(key, "is one message, it must be \(expected); put it in brackets")
    default: fault(key, "is \(value.kindDescription), it must be \(expected)")
    }
  }

  private mutating func take(
    _ key: String, _ expected: String, where isRight: (JSONValue) -> Bool
  ) throws -> JSONValue? {
    guard let value = take(key) else { return nil }
    guard isRight(value) else { throw wrongKind(key, value, expected) }
    return value
  }
}
