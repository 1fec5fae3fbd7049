// SPDX-License-Identifier: Apache-2.0

/// One prompt, one response, and everything that the stages have added so far.
///
/// Values with a property of their own (reward, advantage, pair, …) were decoded when the record was read. Every other
/// value, reserved or not, stays in ``record`` as bytes until ``value(of:)`` asks for it.
public struct Trajectory: Sendable {
  /// The line that this was read from; `{}` for a trajectory that a stage made.
  public let record: Record
  /// Unique within a batch.
  public let id: String
  /// The prompt's id; all rollouts of one prompt form a group.
  public let group: String

  /// The reward, finite; nil if there is none (not scored, failed, abstained, or NaN in an imported record).
  public var reward: Double? { didSet { changes.insert(.reward) } }
  /// The named parts of the reward, in order.
  public var rewards: [RewardPart]? { didSet { changes.insert(.rewards) } }
  /// The status of the reward.
  public var rewardStatus: RewardStatus? { didSet { changes.insert(.rewardStatus) } }
  /// The advantage; nil if it has none and is not trained on.
  public var advantage: Double? { didSet { changes.insert(.advantage) } }
  /// Advantages per response token, if the estimator gives them; `advantage` is then their mean.
  public var advantages: [Double]? { didSet { changes.insert(.advantages) } }
  /// The reward of the greedy response to the same prompt, for `remax`.
  public var baseline: Double? { didSet { changes.insert(.baseline) } }
  /// The pair in pairwise sampling.
  public var pair: Pair? { didSet { changes.insert(.pair) } }
  /// The factor of token losses; nil means 1.
  public var lossWeight: Double? { didSet { changes.insert(.lossWeight) } }
  /// The batch that an earlier stage put this trajectory in.
  public var batch: Int? { didSet { changes.insert(.batch) } }
  /// Positions of this trajectory in the shuffled batch, from 0.
  public var draws: [Int]? { didSet { changes.insert(.draws) } }
  /// The training step.
  public var step: Int? { didSet { changes.insert(.step) } }

  /// Which stored values differ from the record.
  public private(set) var changes: Changes = []
  /// Other fields that a stage set, in the order in which they were first set; nil removes the field.
  public private(set) var overrides: [Override] = []

  /// A stored value as it was read, not counted as a change.
  public struct StoredValues: Sendable {
    /// See ``Trajectory/reward``.
    public var reward: Double?
    /// See ``Trajectory/rewards``.
    public var rewards: [RewardPart]?
    /// See ``Trajectory/rewardStatus``.
    public var rewardStatus: RewardStatus?
    /// See ``Trajectory/advantage``.
    public var advantage: Double?
    /// See ``Trajectory/advantages``.
    public var advantages: [Double]?
    /// See ``Trajectory/baseline``.
    public var baseline: Double?
    /// See ``Trajectory/pair``.
    public var pair: Pair?
    /// See ``Trajectory/lossWeight``.
    public var lossWeight: Double?
    /// See ``Trajectory/batch``.
    public var batch: Int?
    /// See ``Trajectory/draws``.
    public var draws: [Int]?
    /// See ``Trajectory/step``.
    public var step: Int?

    /// Nothing read.
    public init() {}
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
    self.changes = changes
    self.record = record
    self.id = id
    self.group = group
    self.reward = stored.reward
    self.rewards = stored.rewards
    self.rewardStatus = stored.rewardStatus
    self.advantage = stored.advantage
    self.advantages = stored.advantages
    self.baseline = stored.baseline
    self.pair = stored.pair
    self.lossWeight = stored.lossWeight
    self.batch = stored.batch
    self.draws = stored.draws
    self.step = stored.step
  }

  /// A trajectory that was not read from a file.
  ///
  /// - Parameter fields: Values of fields without a stored property, for example `[.response: "…"]`.
  public init(id: String, group: String, reward: Double? = nil, fields: KeyValuePairs<Field, JSONValue> = [:]) {
    self.record = .empty
    self.id = id
    self.group = group
    self.changes = [.id, .group]
    if let reward {
      self.reward = reward
      changes.insert(.reward)
    }
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
    if let index = overrides.firstIndex(where: { $0.field == field }) {
      overrides[index].value = value
    } else {
      overrides.append(Override(field: field, value: value))
    }
  }

  /// Whether a field has a value, without decoding it.
  public func has(_ field: Field) -> Bool {
    if let stored = Changes.stored(field) { return has(stored: stored) }
    if let override = overrides.first(where: { $0.field == field }) { return override.value != nil }
    if Field.reservedIndex[field] != nil { return record.member(of: field) != nil }
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
