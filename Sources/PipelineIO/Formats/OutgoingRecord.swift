// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// A record of ours while it is converted to a target format; what the format does not take is lost, and counted.
struct OutgoingRecord {
  private(set) var row: PeerRow
  /// The target's row, in order.
  private(set) var members: [JSONValue.Member] = []
  private var written: Set<String> = []
  private var extrasWritten: Set<String> = []
  var ledger: LossLedger
  let target: String

  init(_ record: JSONValue, target: String, ledger: LossLedger) throws {
    self.row = try PeerRow(record, what: "the record", at: nil)
    self.target = target
    self.ledger = ledger
  }

  func has(_ field: Field) -> Bool { (row.peek(field.rawValue) ?? .null) != .null }

  func peek(_ field: Field) -> JSONValue? { row.peek(field.rawValue) }

  /// Takes a field's value.
  mutating func take(_ field: Field) -> JSONValue? { row.take(field) }

  /// Takes an unknown key's value.
  mutating func take(_ key: String) -> JSONValue? { row.take(key) }

  /// Takes an object.
  mutating func takeObject(_ key: String) throws -> [JSONValue.Member]? { try row.takeObject(key) }

  /// Writes a column of the target; the first one with a name wins.
  ///
  /// - Returns: Whether the name was free.
  @discardableResult
  mutating func write(_ key: String, _ value: JSONValue) -> Bool {
    guard written.insert(key).inserted else { return false }
    members.append(JSONValue.Member(key, value))
    return true
  }

  /// Writes a column if there is a value.
  mutating func writeIfAny(_ key: String, _ value: JSONValue?) {
    if let value { write(key, value) }
  }

  /// Records that a member of `extra` is already in the row.
  mutating func markExtraWritten(_ name: String) { extrasWritten.insert(name) }

  mutating func lose(_ field: String, _ reason: String, count: Int = 1) {
    ledger.note(field, reason, count: count)
  }

  /// Takes `rewards`; if it is not an object, it is lost.
  mutating func takeParts() -> [JSONValue.Member] {
    guard let value = row.take(.rewards) else { return [] }
    if let parts = value.objectValue { return parts }
    lose("rewards", "it is \(value.kindDescription), not an object")
    return []
  }

  /// Writes each part of the reward as a separate column.
  mutating func writeParts(_ parts: [JSONValue.Member]) {
    for part in parts where !write(part.key, part.value) {
      lose("rewards.\(part.key)", "\(target) uses the name for something else")
    }
  }

  /// Takes `id` and `group` if the target keeps the group; only an id of another form is lost.
  mutating func takeIdentity() -> String {
    let id = row.take(.id)?.scalarText
    let group = row.take(.group)?.scalarText ?? ""
    if let id, !Self.isRegular(id, in: group) {
      lose("id", "\(target) has no ids: the next import makes GROUP/INDEX of them")
    }
    return group
  }

  /// Whether an id is `GROUP/INDEX`.
  static func isRegular(_ id: String, in group: String) -> Bool {
    guard id.hasPrefix(group + "/") else { return false }
    let index = id.utf8.dropFirst(group.utf8.count + 1)
    return !index.isEmpty && index.allSatisfy { (0x30...0x39).contains($0) }
  }

  /// Handles what was not taken: members of `extra` get their names back, unknown keys pass through, the rest is lost.
  mutating func finish(unknownKeys: UnknownKeys) {
    if let extra = row.take(.extra) {
      if let members = extra.objectValue {
        for member in members where !extrasWritten.contains(member.key) {
          pass(member, as: "extra.\(member.key)", unknownKeys)
        }
      } else {
        lose("extra", "it is \(extra.kindDescription), not an object")
      }
    }
    for member in row.leftovers {
      if RecordBuilder.isReserved(member.key) {
        if !member.cell.isNull { lose(member.key, "\(target) has no place for it") }
      } else {
        pass(.init(member.key, member.value), as: member.key, unknownKeys)
      }
    }
  }

  private mutating func pass(_ member: JSONValue.Member, as field: String, _ unknownKeys: UnknownKeys) {
    switch unknownKeys {
    case .pass(let except):
      if except.contains(member.key) || !write(member.key, member.value) {
        lose(field, "\(target) uses the name for something else")
      }
    case .drop: lose(field, "\(target) has no place for it")
    }
  }
}

/// Whether a format has room for unknown keys.
enum UnknownKeys {
  /// It has, except for names with a meaning in it.
  case pass(except: Set<String>)
  /// It has not.
  case drop
}
