// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// A trajectory on its way to a program, as a line of JSON.
package struct ProgramRequest: Sendable {
  /// The trajectory's id, which identifies the answer.
  package let id: String
  private let line: [UInt8]

  /// Lists of tokens: large, and rarely needed.
  private static let tokenLists: Set<Field> = [
    .tokens, .logprobs, .oldLogprobs, .refLogprobs, .logprobsContrast, .entropies, .promptTokens, .advantages,
    .lossMask,
  ]

  /// Encodes a trajectory.
  ///
  /// - Parameters:
  ///   - fields: The fields to send in addition to the id; empty for all except lists of tokens.
  ///   - always: Fields to send even if `fields` does not name them.
  ///   - members: Further members, which replace those of the trajectory with the same names.
  package init(
    _ trajectory: Trajectory, fields: Set<Field>, always: Set<Field> = [], members: [JSONValue.Member] = []
  ) throws {
    id = trajectory.id
    var further = members
    if let count = try trajectory.tokenCount { further.append(.init("response_length", .number(count))) }
    further.append(.init("id", .string(trajectory.id)))
    var line: [UInt8] = []
    try trajectory.writeJSON(
      to: &line,
      fields: {
        always.contains($0) || (fields.isEmpty ? !Self.tokenLists.contains($0) : fields.contains($0))
      }, further: further)
    line.removeLast()
    self.line = line
  }

  /// Encodes a message that is about no trajectory.
  ///
  /// - Parameter members: Its members, the first of which is `id`.
  package init(id: String, members: [JSONValue.Member]) {
    self.id = id
    var line: [UInt8] = []
    JSONValue.object(members).write(to: &line)
    line.removeLast()
    self.line = line
  }

  /// Appends the line, with the number of lines of its batch that follow.
  package func write(to output: inout [UInt8], left: Int) {
    output.append(contentsOf: line)
    output.append(contentsOf: ",\"batch_left\":\(left)}\n".utf8)
  }
}

/// A line written by a program.
package enum ProgramMessage {
  /// The program is ready.
  ///
  /// - Parameter together: Whether it answers a batch as a whole, so that the time limit is the sum.
  case ready(together: Bool)
  /// An answer about a trajectory.
  case answer(id: String, JSONValue)
  /// What the program is to get back when it is started again.
  case state(JSONValue)
  /// Anything else.
  case garbage

  /// Reads a line.
  package init(_ line: ArraySlice<UInt8>) {
    let value = line.withUnsafeBytes { try? JSONValue(parsing: $0) }
    guard let value, case .object = value else {
      self = .garbage
      return
    }
    if let id = value["id"]?.scalarText {
      self = .answer(id: id, Self.keepingNonFinite(value, line))
    } else if let state = value["state"] {
      self = .state(state)
    } else if value["ready"] == .bool(true) {
      self = .ready(together: value["together"] == .bool(true))
    } else {
      self = .garbage
    }
  }

  /// A bare NaN or Infinity was read as null; in a score and its parts it must not be taken for null.
  private static func keepingNonFinite(_ value: JSONValue, _ line: ArraySlice<UInt8>) -> JSONValue {
    guard var members = value.objectValue, line.contains(UInt8(ascii: "N")) || line.contains(UInt8(ascii: "I")) else {
      return value
    }
    line.withUnsafeBytes { bytes in
      for index in members.indices where ["score", "parts"].contains(members[index].key) {
        guard let raw = range(of: members[index].key, in: bytes) else { continue }
        members[index].value = restored(members[index].value, UnsafeRawBufferPointer(rebasing: bytes[raw]))
      }
    }
    return .object(members)
  }

  private static func restored(_ value: JSONValue, _ bytes: UnsafeRawBufferPointer) -> JSONValue {
    if case .object(var members) = value {
      for index in members.indices {
        guard let raw = range(of: members[index].key, in: bytes) else { continue }
        members[index].value = restored(members[index].value, UnsafeRawBufferPointer(rebasing: bytes[raw]))
      }
      return .object(members)
    }
    let text = String(decoding: bytes, as: UTF8.self)
    return value == .null && text != "null" ? .number(text) : value
  }

  private static func range(of key: String, in bytes: UnsafeRawBufferPointer) -> Range<Int>? {
    var found: Range<Int>?
    try? RecordWalk.forEachMember(in: bytes) { name, range in
      if name == key { found = found ?? range }
      return true
    }
    return found
  }
}

extension RewardOutcome {
  /// Reads an answer: `{"id": …, "score": 0.5, "parts": {…}}`, or `"abstain"` or `"error"` with a reason.
  ///
  /// - Throws: ``ProgramFault`` for an invalid score, and for an error that the program reports.
  package init(answer: JSONValue) throws {
    if let reason = answer["error"] { throw ProgramFault(reason.scalarText ?? reason.json) }
    if let reason = answer["abstain"], reason != .bool(false), reason != .null {
      self = .abstained(reason.stringValue ?? "it abstains")
      return
    }
    guard let score = answer["score"] else { throw ProgramFault("answered without 'score', 'abstain' or 'error'") }
    if score == .null {
      self = .abstained("its score is null")
      return
    }
    var parts: [RewardPart] = []
    for part in answer["parts"]?.objectValue ?? [] where part.value != .null {
      parts.append(RewardPart(part.key, try Self.number(part.value, "the part '\(part.key)'")))
    }
    self = .scored(try Self.number(score, "its score"), parts: parts)
  }

  private static func number(_ value: JSONValue, _ what: String) throws -> Double {
    switch value {
    case .bool(let flag): return flag ? 1 : 0
    case .number(let text):
      guard let number = value.doubleValue else { throw ProgramFault("\(what) is \(text), which is not finite") }
      return number
    default: throw ProgramFault("\(what) is \(value.kindDescription), it must be a number")
    }
  }
}

/// What is wrong with a program's answer, or with the program.
package struct ProgramFault: Error, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}
