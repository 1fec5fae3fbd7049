// SPDX-License-Identifier: Apache-2.0

extension Trajectory {
  /// The values with a property of their own as they were read, not counted as changes.
  ///
  /// There is one for each trajectory of a batch, so that it is kept small: optional numbers without the flag beside them, and what
  /// few records have in an object of its own.
  public struct StoredValues: Sendable {
    @usableFromInline var rewardNumber = PackedNumber()
    @usableFromInline var advantageNumber = PackedNumber()
    /// See ``Trajectory/rewards``.
    public var rewards: [RewardPart]?
    /// See ``Trajectory/draws``.
    public var draws: [Int]?
    private var rare: RareValues?
    /// The step, if it is neither missing nor rare.
    private var usualStep = Self.noUsualStep
    /// See ``Trajectory/rewardStatus``.
    public var rewardStatus: RewardStatus?
    /// See ``Trajectory/pair``.
    public var pair: Pair?

    private static let noUsualStep = Int32.min

    /// Nothing read.
    public init() {}

    /// See ``Trajectory/reward``.
    @inlinable public var reward: Double? {
      get { rewardNumber.value }
      set { rewardNumber.value = newValue }
    }

    /// See ``Trajectory/advantage``.
    @inlinable public var advantage: Double? {
      get { advantageNumber.value }
      set { advantageNumber.value = newValue }
    }

    /// See ``Trajectory/advantages``.
    public var advantages: [Double]? {
      get { rare?.values.advantages }
      set { setRare { $0.advantages = newValue } }
    }

    /// See ``Trajectory/baseline``.
    public var baseline: Double? {
      get { rare?.values.baseline }
      set { setRare { $0.baseline = newValue } }
    }

    /// See ``Trajectory/lossWeight``.
    public var lossWeight: Double? {
      get { rare?.values.lossWeight }
      set { setRare { $0.lossWeight = newValue } }
    }

    /// See ``Trajectory/batch``.
    public var batch: Int? {
      get { rare?.values.batch }
      set { setRare { $0.batch = newValue } }
    }

    /// See ``Trajectory/step``.
    public var step: Int? {
      get { usualStep == Self.noUsualStep ? rare?.values.step : Int(usualStep) }
      set {
        let usual = newValue.flatMap { Int32(exactly: $0) } ?? Self.noUsualStep
        usualStep = usual
        let rest = usual == Self.noUsualStep ? newValue : nil
        if rest != rare?.values.step { setRare { $0.step = rest } }
      }
    }

    private mutating func setRare(_ change: (inout RareValues.Values) -> Void) {
      var values = rare?.values ?? RareValues.Values()
      change(&values)
      rare = values == RareValues.Values() ? nil : RareValues(values)
    }
  }
}

/// A number or none, in the eight bytes of a number.
@usableFromInline
struct PackedNumber: Sendable {
  /// Of a number; those of a NaN that no computation gives stand for none.
  @usableFromInline var bits = none

  @usableFromInline static var none: UInt64 { 0x7FF0_6E6F_6E65_0001 }

  @usableFromInline
  init() {}

  @inlinable var value: Double? {
    get { bits == Self.none ? nil : Double(bitPattern: bits) }
    set { bits = newValue.map(\.bitPattern) ?? Self.none }
  }
}

/// Values that few trajectories have.
private final class RareValues: Sendable {
  struct Values: Sendable, Equatable {
    var advantages: [Double]?
    var baseline: Double?
    var lossWeight: Double?
    var batch: Int?
    var step: Int?
  }

  let values: Values

  init(_ values: Values) { self.values = values }
}
