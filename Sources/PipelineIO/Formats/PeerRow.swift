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

  /// A key and its value.
  struct Member {
    let key: String
    let cell: Cell

    init(_ key: String, _ cell: Cell) {
      self.key = key
      self.cell = cell
    }

    /// The value, decoded at each call.
    var value: JSONValue { cell.value }
  }

  private(set) var members: [Member]
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
    try self.init(members.map { Member($0.key, Cell($0.value)) }, at: location, nulls: nulls)
  }

  /// Indexes the members of a line.
  ///
  /// - Throws: When it is not an object or has a key twice.
  init(_ line: Cell, what: String, at location: SourceLocation?, nulls: Nulls = .areValues) throws {
    if let members = line.members {
      try self.init(members, at: location, nulls: nulls)
    } else {
      try self.init(line.value, what: what, at: location, nulls: nulls)
    }
  }

  private init(_ members: [Member], at location: SourceLocation?, nulls: Nulls) throws {
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
    return Self.position(of: key, in: members)
  }

  /// The first member with a key: keys of another length, which are most of them, are not compared.
  private static func position(of key: String, in members: [Member]) -> Int? {
    let length = key.utf8.count
    for index in members.indices where members[index].key.utf8.count == length && members[index].key == key {
      return index
    }
    return nil
  }

  /// The value, undecoded, without taking it.
  func cell(_ key: String) -> Cell? { position(of: key).map { members[$0].cell } }

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
    if members[position].cell.isNull { return nil }
    return members[position].value
  }

  /// Takes a value that passes on as it is; null counts as none.
  mutating func pass(_ key: String) -> Cell? {
    guard let position = position(of: key) else { return nil }
    isTaken[position] = true
    let cell = members[position].cell
    return cell.isNull ? nil : cell
  }

  /// Takes a string that passes on as it is, or nil if there is none.
  mutating func passString(_ key: String) throws -> Cell? {
    guard let cell = pass(key) else { return nil }
    guard cell.isString else { throw wrongKind(key, cell.value, "a string") }
    return cell
  }

  /// Takes a number that passes on as it is, or nil if there is none; see ``takeNumber(_:)``.
  mutating func passNumber(_ key: String) throws -> Cell? {
    guard let position = position(of: key) else { return nil }
    let cell = members[position].cell
    if cell.isFiniteNumber { return pass(key) }
    return try takeNumber(key).map { Cell($0) }
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
    if value.isFiniteNumber { return value }
    if let number = Self.number(value) {
      textNumbers += 1
      return number
    }
    throw wrongKind(key, value, "a number")
  }

  /// A number, also one that stands in quotes, written as in JSON; nil for anything else.
  static func number(_ value: JSONValue) -> JSONValue? {
    if value.isFiniteNumber { return value }
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
  var leftovers: [Member] {
    members.indices
      .filter { !isTaken[$0] && !(nulls == .areEmptyCells && members[$0].cell.isNull) }
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
  ) -> [Member] {
    var parts: [Member] = []
    parts.reserveCapacity(8)
    for position in (range ?? 0..<members.count).clamped(to: 0..<members.count) where !isTaken[position] {
      let member = members[position]
      guard member.cell.isFiniteNumber else { continue }
      if except.contains(member.key) || !isReward(member.key) { continue }
      if RecordBuilder.isReserved(member.key), !mayBeNamed.contains(member.key) { continue }
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
    case .number where !value.isFiniteNumber: fault(key, "is too large for a 64-bit number")
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
