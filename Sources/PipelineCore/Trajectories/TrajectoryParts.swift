// SPDX-License-Identifier: Apache-2.0

/// One named part of a reward, such as `accuracy`.
public struct RewardPart: Sendable, Hashable {
  /// The name of the part.
  public var name: String
  /// The score of this part alone, before weights.
  public var score: Double

  /// Names a score.
  public init(_ name: String, _ score: Double) {
    self.name = name
    self.score = score
  }
}

/// The result of the attempt to score a trajectory.
public enum RewardStatus: String, Sendable, CaseIterable {
  /// It has a reward.
  case scored
  /// The reward function cannot tell; the trajectory has no reward.
  case abstained
  /// The reward function threw.
  case failed
  /// The reward function did not answer in time.
  case timedOut = "timed_out"
}

/// A trajectory's place in Pairwise Trajectory Sampling.
public struct Pair: Sendable, Hashable {
  /// Which member of the pair a trajectory is.
  public enum Side: String, Sendable, CaseIterable {
    /// The one with the higher advantage.
    case high
    /// The one with the lower advantage.
    case low
  }

  /// 0 for the pair of the group's best and worst, counting inwards.
  public var rank: Int
  /// Which member.
  public var side: Side
  /// `|A_high| + |A_low|` when the pair was formed, for readers of the record.
  ///
  /// Derived: the shuffle computes it from the advantages again, and warns where the two differ.
  public var weight: Double
  /// The id of the other member.
  public var partner: String

  /// Describes a trajectory's place in a pair.
  public init(rank: Int, side: Side, weight: Double, partner: String) {
    self.rank = rank
    self.side = side
    self.weight = weight
    self.partner = partner
  }
}

extension Trajectory {
  /// Which stored values of a trajectory differ from its record, as a set of flags.
  public struct Changes: OptionSet, Sendable {
    /// One bit for each stored value.
    public let rawValue: UInt16

    /// Wraps the bits.
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// See ``Trajectory/id``.
    public static let id = Changes(rawValue: 1 << 0)
    /// See ``Trajectory/group``.
    public static let group = Changes(rawValue: 1 << 1)
    /// See ``Trajectory/reward``.
    public static let reward = Changes(rawValue: 1 << 2)
    /// See ``Trajectory/rewards``.
    public static let rewards = Changes(rawValue: 1 << 3)
    /// See ``Trajectory/rewardStatus``.
    public static let rewardStatus = Changes(rawValue: 1 << 4)
    /// See ``Trajectory/advantage``.
    public static let advantage = Changes(rawValue: 1 << 5)
    /// See ``Trajectory/advantages``.
    public static let advantages = Changes(rawValue: 1 << 6)
    /// See ``Trajectory/baseline``.
    public static let baseline = Changes(rawValue: 1 << 7)
    /// See ``Trajectory/pair``.
    public static let pair = Changes(rawValue: 1 << 8)
    /// See ``Trajectory/lossWeight``.
    public static let lossWeight = Changes(rawValue: 1 << 9)
    /// See ``Trajectory/batch``.
    public static let batch = Changes(rawValue: 1 << 10)
    /// See ``Trajectory/draws``.
    public static let draws = Changes(rawValue: 1 << 11)
    /// See ``Trajectory/step``.
    public static let step = Changes(rawValue: 1 << 12)

    /// The fields that have a stored property, in the order of the bits.
    public static let storedFields: [Field] = [
      .id, .group, .reward, .rewards, .rewardStatus, .advantage, .advantages, .baseline, .pair, .lossWeight,
      .batch, .draws, .step,
    ]

    /// A stored value as it is written: its flag, its field, and the field's position in ``Field/reserved``.
    public struct StoredField: Sendable {
      /// The flag that marks it as changed.
      public let change: Changes
      /// Its field.
      public let field: Field
      /// The field's position in ``Field/reserved``.
      public let reservedIndex: Int
    }

    /// All stored values in the order in which they are written, that of ``Field/reserved``.
    public static let writeOrder: [StoredField] = storedFields.indices
      .map { bit in
        let field = storedFields[bit]
        let change = Changes(rawValue: 1 << UInt16(bit))
        return StoredField(change: change, field: field, reservedIndex: Field.reservedIndex[field] ?? 0)
      }
      .sorted { $0.reservedIndex < $1.reservedIndex }

    /// The flag of a field that has a stored property; nil for any other field.
    package static func stored(_ field: Field) -> Changes? {
      Field.reservedIndex[field].flatMap { flags[$0] }
    }

    /// The flags by the positions of their fields in ``Field/reserved``.
    private static let flags: [Changes?] = Field.reserved.map { field in
      storedFields.firstIndex(of: field).map { Changes(rawValue: 1 << UInt16($0)) }
    }

    /// The fields in this set, in the order of the bits.
    public var fields: [Field] {
      Self.storedFields.indices.filter { rawValue & (1 << UInt16($0)) != 0 }.map { Self.storedFields[$0] }
    }
  }
}
