// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Builds a record of our own format: reserved fields first, in their order, then unknown keys.
struct RecordBuilder {
  private static let order: [Field: Int] = Dictionary(
    uniqueKeysWithValues: Field.reserved.enumerated().map { ($1, $0) })

  private var fields: [(order: Int, member: JSONValue.Member)] = []
  private var unknown: [JSONValue.Member] = []
  private var extra: [JSONValue.Member] = []
  /// The parts of the reward, in the order of the original columns.
  private(set) var parts: [JSONValue.Member] = []
  /// Whether the reward was computed from its parts.
  private(set) var rewardIsSum = false
  /// Whether the response is the last of several messages.
  var isConversation = false
  /// The step that was set.
  private(set) var step: Int?

  /// Whether a key is a reserved one.
  static func isReserved(_ key: String) -> Bool { order[Field(key)] != nil }

  /// Sets a reserved field if there is a value.
  mutating func set(_ field: Field, _ value: JSONValue?) {
    guard let value, let order = Self.order[field] else { return }
    fields.append((order, JSONValue.Member(field.rawValue, value)))
    if field == .step { step = value.intValue }
  }

  /// A reserved field that was set.
  func value(of field: Field) -> JSONValue? { fields.first { $0.member.key == field.rawValue }?.member.value }

  /// Gives a reserved field another value.
  mutating func replace(_ field: Field, _ value: JSONValue) {
    fields.removeAll { $0.member.key == field.rawValue }
    set(field, value)
  }

  /// Adds named parts of the reward.
  mutating func addParts(_ parts: [JSONValue.Member]) { self.parts += parts }

  /// Takes over a key as it is; one with a reserved name moves to `extra`.
  ///
  /// What a peer calls `answer` or `response` means what it means with us, unless its format says otherwise.
  mutating func adopt(_ member: JSONValue.Member) {
    let field = Field(member.key)
    if field == .answer || field == .response && member.value.stringValue != nil, value(of: field) == nil {
      if member.value != .null { set(field, member.value) }
    } else if Self.isReserved(member.key) {
      extra.append(member)
    } else {
      unknown.append(member)
    }
  }

  /// Sets `reward` to the weighted sum of the parts; a single part of weight 1 keeps its digits.
  mutating func sumParts(weights: [String: Double]) {
    guard let sum = Self.sum(of: parts, weights: weights) else { return }
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
  func record(id: String, group: String) -> JSONValue {
    var all = fields
    func add(_ field: Field, _ value: JSONValue) {
      all.append((Self.order[field] ?? 0, JSONValue.Member(field.rawValue, value)))
    }
    add(.id, .string(id))
    add(.group, .string(group))
    if !parts.isEmpty { add(.rewards, .object(parts)) }
    if !extra.isEmpty { add(.extra, .object(extra)) }
    return .object(all.sorted { $0.order < $1.order }.map(\.member) + unknown)
  }
}
