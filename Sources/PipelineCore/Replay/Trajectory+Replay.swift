// SPDX-License-Identifier: Apache-2.0

extension Field {
  /// Where a trajectory of an earlier step comes from: `id`, `step` and `policy_version`; of a replayed one also its `store`, its `age`,
  /// and `run` if it was another one; of one whose group has waited the policy of its `waves`.
  public static let origin = Field("origin")
}

extension Trajectory {
  /// Whether this run brought it in from an earlier step, or from another run: replayed, or with a group that has waited.
  public var isOfEarlierStep: Bool { overrides.contains { $0.field == .origin && $0.value != nil } }

  /// Whether a stage such as `replay` brought it in.
  ///
  /// What has waited for the rest of its group is none: it is a rollout of this batch that was made before.
  public var isReplayed: Bool {
    overrides.contains { $0.field == .origin && $0.value.map { !$0.isOriginOfWaves } ?? false }
  }

  /// A stored trajectory as it comes into a batch: under another id, with where it comes from.
  ///
  /// - Parameters:
  ///   - id: Different from all ids of the batch.
  ///   - step: The step that it comes into.
  ///   - origin: The value of ``Field/origin``; it must have an `id` and a `step`.
  public func replayed(as id: String, step: Int, origin: JSONValue) -> Trajectory {
    var stored = StoredValues()
    (stored.reward, stored.rewards, stored.rewardStatus) = (reward, rewards, rewardStatus)
    (stored.advantage, stored.advantages, stored.baseline) = (advantage, advantages, baseline)
    var replayed = Trajectory(
      record: record, id: id, group: group, stored: stored, changes: changes.union([.id, .group]))
    for override in overrides { replayed.set(override.field, to: override.value) }
    replayed.step = step
    replayed.set(.origin, to: origin)
    return replayed
  }

  /// The same with its id and group in what is written of it: a prompt's record may leave its group out.
  package var naming: Trajectory {
    var named = Trajectory(
      record: record, id: id, group: group, stored: contents.stored, changes: changes.union([.id, .group]))
    for override in overrides { named.set(override.field, to: override.value) }
    return named
  }

  /// As it is stored: without what selection and the updates of its own step added.
  package func stored(step number: Int) -> Trajectory {
    var stored = self
    if stored.step == nil { stored.step = number }
    if stored.pair != nil { stored.pair = nil }
    if stored.lossWeight != nil { stored.lossWeight = nil }
    if stored.draws != nil { stored.draws = nil }
    if stored.has(.oldLogprobs) { stored.set(.oldLogprobs, to: nil) }
    for field in [Field.promptChoice, .rolloutWave] where stored.has(field) { stored.set(field, to: nil) }
    return stored
  }
}

extension JSONValue {
  /// Whether a value of ``Field/origin`` is of a rollout whose group has waited.
  var isOriginOfWaves: Bool { self["waves"] != nil }
}
