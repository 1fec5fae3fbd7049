// SPDX-License-Identifier: Apache-2.0
import ComponentPrograms
import PipelineCore

extension Trajectory {
  /// Sets a field to the value that a program answered.
  ///
  /// - Throws: When the field is not among those allowed, or the value has the wrong type.
  mutating func assign(_ value: JSONValue, to field: Field, allowed: Set<Field>) throws {
    guard allowed.contains(field) else {
      throw ProgramFault("sets '\(field)', which is not among 'writes' of the spec")
    }
    switch field {
    case .reward: reward = try number(value, field)
    case .advantage: advantage = try number(value, field)
    case .baseline: baseline = try number(value, field)
    case .lossWeight: lossWeight = try number(value, field)
    case .advantages:
      advantages = value == .null ? nil : try (value.arrayValue ?? [.null]).map { try finite($0, field) }
    case .rewards:
      rewards = try (value.objectValue ?? []).map { RewardPart($0.key, try finite($0.value, field)) }
    case .rewardStatus:
      guard let status = RewardStatus(rawValue: value.stringValue ?? "") else {
        throw ProgramFault("sets 'reward_status' to \(value.json), which is no status")
      }
      rewardStatus = status
    default: set(field, to: value == .null ? nil : value)
    }
  }

  private func number(_ value: JSONValue, _ field: Field) throws -> Double? {
    value == .null ? nil : try finite(value, field)
  }

  private func finite(_ value: JSONValue, _ field: Field) throws -> Double {
    guard let number = value.doubleValue else {
      throw ProgramFault("sets '\(field)' to \(value.json), which is no finite number")
    }
    return number
  }
}
