// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Reads the members of one object of `config.json`, and collects the faults.
struct ConfigReader {
  let path: String
  /// The prefix of a key in messages: `vision_config.` or nothing.
  let prefix: String
  let object: JSONValue
  private(set) var errors: [PipelineError] = []

  init(path: String, prefix: String = "", object: JSONValue) {
    self.path = path
    self.prefix = prefix
    self.object = object
  }

  /// A member that exists and is not null.
  func value(_ key: String) -> JSONValue? {
    guard let value = object[key], value != .null else { return nil }
    return value
  }

  mutating func report(_ message: String) { errors.append(PipelineError(.invalidData, "\(path): \(message)")) }

  /// An integer in a range; without a default it is required.
  ///
  /// The ranges are far larger than any model needs, and keep every product of a tensor's sizes within an `Int`.
  mutating func integer(_ key: String, in range: ClosedRange<Int> = 1...1 << 20, default other: Int? = nil) -> Int {
    guard let value = value(key) else {
      if other == nil { report("'\(prefix)\(key)' is missing") }
      return other ?? range.lowerBound
    }
    guard let number = value.intValue, range.contains(number) else {
      report("'\(prefix)\(key)' is \(value.json.shortenedForMessage), it must be an integer in \(range)")
      return range.lowerBound
    }
    return number
  }

  /// A positive number; without a default it is required.
  mutating func number(_ key: String, default other: Double? = nil) -> Double {
    guard let value = value(key) else {
      if other == nil { report("'\(prefix)\(key)' is missing") }
      return other ?? 1
    }
    guard let number = value.doubleValue, number > 0 else {
      report("'\(prefix)\(key)' is \(value.json.shortenedForMessage), it must be a positive number")
      return other ?? 1
    }
    return number
  }

  /// Whether something is so, or nil where the file does not say.
  mutating func flag(_ key: String) -> Bool? {
    guard let value = value(key) else { return nil }
    guard case .bool(let flag) = value else {
      report("'\(prefix)\(key)' is \(value.json.shortenedForMessage), it must be true or false")
      return nil
    }
    return flag
  }

  /// One of some words.
  mutating func choice<Choice: RawRepresentable<String>>(
    _ key: String, of supported: [Choice], default other: Choice
  ) -> Choice {
    expect(key, in: supported.map { .string($0.rawValue) }, default: .string(other.rawValue))
    return supported.first { $0.rawValue == value(key)?.stringValue } ?? other
  }

  mutating func integers(_ key: String, default other: [Int]? = nil) -> [Int] {
    guard let value = value(key) else {
      if other == nil { report("'\(prefix)\(key)' is missing") }
      return other ?? []
    }
    guard let numbers = value.arrayValue?.map(\.intValue), numbers.allSatisfy({ $0.map { $0 >= 0 } ?? false }) else {
      report("'\(prefix)\(key)' is \(value.json.shortenedForMessage), it must be an array of integers")
      return []
    }
    return numbers.compactMap { $0.map { min($0, 1 << 30) } }
  }

  /// Checks a member that may only have certain values.
  mutating func expect(_ key: String, in supported: [JSONValue], default other: JSONValue) {
    let found = value(key) ?? other
    if supported.contains(found) { return }
    report(
      "'\(prefix)\(key)' is \(found.json.shortenedForMessage), which is not supported; supported: "
        + supported.map(\.json).joined(separator: ", "))
  }

  /// Checks a number that may only have one value, in any notation.
  mutating func expect(_ key: String, number: Double) {
    guard let found = value(key), found.doubleValue != number else { return }
    let supported = Int(exactly: number).map { "\($0)" } ?? "\(number)"
    report(
      "'\(prefix)\(key)' is \(found.json.shortenedForMessage), which is not supported; supported: \(supported)")
  }

  mutating func absorb(_ other: ConfigReader) { errors.append(contentsOf: other.errors) }
}
