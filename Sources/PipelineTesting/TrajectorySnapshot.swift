// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Everything that a stage can change about a trajectory, in a comparable form.
struct TrajectorySnapshot: Equatable {
  let id: String
  let group: String
  let values: [Field: JSONValue]
  private let storage: ObjectIdentifier
  private let offset: UInt64

  init(_ trajectory: Trajectory) {
    id = trajectory.id
    group = trajectory.group
    storage = ObjectIdentifier(trajectory.record.chunk)
    offset = trajectory.record.offset
    var values: [Field: JSONValue] = [:]
    values[.reward] = trajectory.reward.map { .number($0) }
    values[.rewards] = trajectory.rewards.map { parts in
      .object(parts.map { .init($0.name, .number($0.score)) })
    }
    values[.rewardStatus] = trajectory.rewardStatus.map { .string($0.rawValue) }
    values[.advantage] = trajectory.advantage.map { .number($0) }
    values[.advantages] = trajectory.advantages.map { .array($0.map { .number($0) }) }
    values[.baseline] = trajectory.baseline.map { .number($0) }
    values[.pair] = trajectory.pair.map {
      [
        "rank": .number($0.rank), "side": .string($0.side.rawValue), "weight": .number($0.weight),
        "partner": .string($0.partner),
      ]
    }
    values[.lossWeight] = trajectory.lossWeight.map { .number($0) }
    values[.batch] = trajectory.batch.map { .number($0) }
    values[.draws] = trajectory.draws.map { .array($0.map { .number($0) }) }
    values[.step] = trajectory.step.map { .number($0) }
    for override in trajectory.overrides { values[override.field] = override.value ?? .null }
    self.values = values
  }

  /// The fields whose values differ from those of an earlier snapshot, sorted; without removed fields.
  func fieldsSet(since earlier: TrajectorySnapshot) -> [String] {
    values.filter { earlier.values[$0.key] != $0.value }.map(\.key.rawValue).sorted()
  }

  /// Whether both come from the same line of the input, so that unknown fields are the same bytes.
  func isSameRecord(as earlier: TrajectorySnapshot) -> Bool {
    storage == earlier.storage && offset == earlier.offset
  }

  /// Whether both are equal, apart from rounding.
  func isClose(to other: TrajectorySnapshot) -> Bool {
    id == other.id && group == other.group && values.count == other.values.count
      && values.allSatisfy { field, value in other.values[field].map { Self.isClose(value, $0) } ?? false }
  }

  /// Numbers may differ by 1e-9 of their size: sums over a batch round differently in another order.
  private static func isClose(_ left: JSONValue, _ right: JSONValue) -> Bool {
    switch (left, right) {
    case (.number, .number):
      guard let left = left.doubleValue, let right = right.doubleValue else { return left == right }
      return abs(left - right) <= 1e-9 * max(1, abs(left), abs(right))
    case (.array(let left), .array(let right)):
      return left.count == right.count && zip(left, right).allSatisfy { isClose($0, $1) }
    case (.object(let left), .object(let right)):
      return left.count == right.count
        && zip(left, right).allSatisfy { $0.key == $1.key && isClose($0.value, $1.value) }
    default: return left == right
    }
  }
}
