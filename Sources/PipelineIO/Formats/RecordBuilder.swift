// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Builds a record of our own format: reserved fields first, in their order, then unknown keys.
struct RecordBuilder {
  /// The place of a key among the reserved fields; nil for any other key.
  static func order(of key: String) -> Int? { Field.reservedIndex[key: key] }

  private var fields: [(order: Int, cell: Cell)] = []
  private var unknown: [PeerRow.Member] = []
  private var extra: [PeerRow.Member] = []
  /// The parts of the reward, in the order of the original columns.
  private(set) var parts: [PeerRow.Member] = []
  /// Whether the reward was computed from its parts.
  private(set) var rewardIsSum = false
  /// Whether the response is the last of several messages.
  var isConversation = false
  /// The step that was set.
  private(set) var step: Int?

  /// Whether a key is a reserved one.
  static func isReserved(_ key: String) -> Bool { order(of: key) != nil }

  /// Sets a reserved field if there is a value.
  mutating func set(_ field: Field, _ value: JSONValue?) {
    if let value { set(field, Cell(value)) }
  }

  /// Sets a reserved field if there is a value.
  mutating func set(_ field: Field, _ cell: Cell?) {
    guard let cell, let order = Self.order(of: field.rawValue) else { return }
    fields.append((order, cell))
    if field == .step { step = cell.value.intValue }
  }

  /// A reserved field that was set.
  func value(of field: Field) -> JSONValue? { cell(of: field)?.value }

  /// A reserved field that was set, undecoded.
  func cell(of field: Field) -> Cell? {
    guard let order = Self.order(of: field.rawValue) else { return nil }
    return fields.first { $0.order == order }?.cell
  }

  /// Whether a reserved field was set.
  func has(_ field: Field) -> Bool { cell(of: field) != nil }

  /// Gives a reserved field another value.
  mutating func replace(_ field: Field, _ value: JSONValue) {
    let order = Self.order(of: field.rawValue)
    fields.removeAll { $0.order == order }
    set(field, value)
  }

  /// Adds named parts of the reward.
  mutating func addParts(_ parts: [PeerRow.Member]) { self.parts += parts }

  /// Adds named parts of the reward.
  mutating func addParts(_ parts: [JSONValue.Member]) {
    self.parts += parts.map { PeerRow.Member($0.key, Cell($0.value)) }
  }

  /// Takes over a key as it is; one with a reserved name moves to `extra`.
  ///
  /// What a peer calls `answer` or `response` means what it means with us, unless its format says otherwise.
  mutating func adopt(_ member: PeerRow.Member) {
    let isAnswer = member.key == Field.answer.rawValue
    if isAnswer || member.key == Field.response.rawValue && member.cell.isString, !has(Field(member.key)) {
      if !member.cell.isNull { set(Field(member.key), member.cell) }
    } else if Self.isReserved(member.key) {
      extra.append(member)
    } else {
      unknown.append(member)
    }
  }

  /// Takes over a key and a value that was made; see ``adopt(_:)-(PeerRow.Member)``.
  mutating func adopt(_ member: JSONValue.Member) { adopt(PeerRow.Member(member.key, Cell(member.value))) }

  /// Sets `reward` to the weighted sum of the parts; a single part of weight 1 keeps its digits.
  mutating func sumParts(weights: [String: Double]) {
    guard let sum = Self.sum(of: parts.map { .init($0.key, $0.value) }, weights: weights) else { return }
    set(.reward, sum)
    rewardIsSum = true
  }

  static func sum(of parts: [JSONValue.Member], weights: [String: Double]) -> JSONValue? {
    if parts.count == 1, weights[parts[0].key] ?? 1 == 1 { return parts[0].value }
    let scores = parts.compactMap { part in part.value.doubleValue.map { $0 * (weights[part.key] ?? 1) } }
    let sum = JSONValue.number(scores.reduce(0, +))
    if scores.isEmpty || sum == .null { return nil }
    return sum
  }

  /// The record.
  func record(id: String, group: String) -> ImportedRecord {
    var fields = fields
    func add(_ field: Field, _ cell: Cell) {
      if let order = Self.order(of: field.rawValue) { fields.append((order, cell)) }
    }
    add(.id, Cell(.string(id)))
    add(.group, Cell(.string(group)))
    if !parts.isEmpty { add(.rewards, Cell(parts)) }
    if !extra.isEmpty { add(.extra, Cell(extra)) }
    fields.sort { $0.order < $1.order }
    var members: [PeerRow.Member] = []
    members.reserveCapacity(fields.count + unknown.count)
    for field in fields { members.append(PeerRow.Member(Field.reserved[field.order].rawValue, field.cell)) }
    members += unknown
    return ImportedRecord(members: members)
  }
}
