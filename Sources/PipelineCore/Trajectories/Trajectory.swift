// SPDX-License-Identifier: Apache-2.0

/// One prompt, one response, and everything that the stages have added so far.
///
/// Values with a property of their own (reward, advantage, pair, …) were decoded when the record was read. Every other
/// value, reserved or not, stays in ``record`` as bytes until ``value(of:)`` asks for it.
public struct Trajectory: Sendable {
  /// Shared by copies until one of them changes.
  @usableFromInline var contents: TrajectoryContents

  /// The line that this was read from; `{}` for a trajectory that a stage made.
  public var record: Record { contents.record }
  /// Unique within a batch.
  public var id: String { contents.id }
  /// The prompt's id; all rollouts of one prompt form a group.
  public var group: String { contents.group }

  /// The reward, finite; nil if there is none (not scored, failed, abstained, or NaN in an imported record).
  @inlinable public var reward: Double? {
    get { contents.stored.reward }
    set { changed(.reward).stored.reward = newValue }
  }
  /// The named parts of the reward, in order.
  @inlinable public var rewards: [RewardPart]? {
    get { contents.stored.rewards }
    set { changed(.rewards).stored.rewards = newValue }
  }
  /// The status of the reward.
  @inlinable public var rewardStatus: RewardStatus? {
    get { contents.stored.rewardStatus }
    set { changed(.rewardStatus).stored.rewardStatus = newValue }
  }
  /// The advantage; nil if it has none and is not trained on.
  @inlinable public var advantage: Double? {
    get { contents.stored.advantage }
    set { changed(.advantage).stored.advantage = newValue }
  }
  /// Advantages per response token, if the estimator gives them; `advantage` is then their mean.
  @inlinable public var advantages: [Double]? {
    get { contents.stored.advantages }
    set { changed(.advantages).stored.advantages = newValue }
  }
  /// The reward of the greedy response to the same prompt, for `remax`.
  @inlinable public var baseline: Double? {
    get { contents.stored.baseline }
    set { changed(.baseline).stored.baseline = newValue }
  }
  /// The pair in pairwise sampling.
  @inlinable public var pair: Pair? {
    get { contents.stored.pair }
    set { changed(.pair).stored.pair = newValue }
  }
  /// The factor of token losses; nil means 1.
  @inlinable public var lossWeight: Double? {
    get { contents.stored.lossWeight }
    set { changed(.lossWeight).stored.lossWeight = newValue }
  }
  /// The batch that an earlier stage put this trajectory in.
  @inlinable public var batch: Int? {
    get { contents.stored.batch }
    set { changed(.batch).stored.batch = newValue }
  }
  /// Positions of this trajectory in the shuffled batch, from 0.
  @inlinable public var draws: [Int]? {
    get { contents.stored.draws }
    set { changed(.draws).stored.draws = newValue }
  }
  /// The training step.
  @inlinable public var step: Int? {
    get { contents.stored.step }
    set { changed(.step).stored.step = newValue }
  }

  /// Which stored values differ from the record.
  public var changes: Changes { contents.changes }
  /// Other fields that a stage set, in the order in which they were first set; nil removes the field.
  public var overrides: [Override] { contents.overrides }

  /// Contents that no other trajectory shares, with a value noted as changed.
  @usableFromInline mutating func changed(_ value: Changes) -> TrajectoryContents {
    let own = ownContents()
    own.changes.insert(value)
    return own
  }

  private mutating func ownContents() -> TrajectoryContents {
    if !isKnownUniquelyReferenced(&contents) { contents = TrajectoryContents(copying: contents) }
    return contents
  }

  /// A field without a stored property, and the value a stage gave it.
  public struct Override: Sendable {
    /// Which field.
    public let field: Field
    /// The new value; nil removes the field.
    public var value: JSONValue?
  }

  /// The trajectory of a line.
  ///
  /// - Parameter changes: Which values differ from those of the line, for example a group that the reader assigned.
  public init(record: Record, id: String, group: String, stored: StoredValues, changes: Changes = []) {
    contents = TrajectoryContents(record: record, id: id, group: group, stored: stored, changes: changes)
  }

  /// A trajectory that was not read from a file.
  ///
  /// - Parameter fields: Values of fields without a stored property, for example `[.response: "…"]`.
  public init(id: String, group: String, reward: Double? = nil, fields: KeyValuePairs<Field, JSONValue> = [:]) {
    contents = TrajectoryContents(record: .empty, id: id, group: group, stored: StoredValues(), changes: [.id, .group])
    if let reward { self.reward = reward }
    for (field, value) in fields { set(field, to: value) }
  }

  /// The current value of a field without a stored property, or nil if there is none.
  ///
  /// - Throws: When the record can no longer be read.
  public func value(of field: Field) throws -> JSONValue? {
    if let override = overrides.first(where: { $0.field == field }) { return override.value }
    return try record.value(of: field)
  }

  /// Sets, or with nil removes, a field without a stored property.
  ///
  /// - Precondition: The field has no stored property; use that property where there is one.
  public mutating func set(_ field: Field, to value: JSONValue?) {
    precondition(!Changes.storedFields.contains(field), "set Trajectory's own property for \(field)")
    let own = ownContents()
    if let index = own.overrides.firstIndex(where: { $0.field == field }) {
      own.overrides[index].value = value
    } else {
      own.overrides.append(Override(field: field, value: value))
    }
  }

  /// Whether a field has a value, without decoding it.
  public func has(_ field: Field) -> Bool {
    if let stored = Changes.stored(field) { return has(stored: stored) }
    if let override = overrides.first(where: { $0.field == field }) { return override.value != nil }
    if let index = Field.reservedIndex[field] { return record.has(reserved: index) }
    return ((try? record.value(of: field)) ?? nil) != nil
  }

  /// Whether a stored property has a value.
  package func has(stored property: Changes) -> Bool {
    switch property {
    case .id, .group: true
    case .reward: reward != nil
    case .rewards: rewards != nil
    case .rewardStatus: rewardStatus != nil
    case .advantage: advantage != nil
    case .advantages: advantages != nil
    case .baseline: baseline != nil
    case .pair: pair != nil
    case .lossWeight: lossWeight != nil
    case .batch: batch != nil
    case .draws: draws != nil
    case .step: step != nil
    default: false
    }
  }
}

extension Trajectory {
  /// The response's text, or nil if the record has none.
  public var response: String? { get throws { try value(of: .response)?.stringValue } }

  /// The expected answer as text (a number keeps its digits), or nil if there is none.
  public var answer: String? { get throws { try value(of: .answer)?.scalarText } }

  /// Why the response ended (`stop`, `length`), or nil if the record does not say.
  public var finish: String? { get throws { try value(of: .finish)?.stringValue } }

  /// The number of response tokens, or nil if the record has none.
  ///
  /// Counted without decoding the tokens.
  public var tokenCount: Int? {
    get throws {
      if let override = overrides.first(where: { $0.field == .tokens }) { return override.value?.arrayValue?.count }
      return try record.elementCount(of: .tokens)
    }
  }
}
