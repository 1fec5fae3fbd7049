// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// A configuration of EasyR1, Shuffle-R1 or verl, converted to a pipeline spec.
///
/// The spec replays saved rollouts with the configuration's reward, filter, advantages, selection and shuffle, or
/// trains as the configuration does. Settings without a counterpart are listed, key by key, with the reason: nothing is
/// dropped silently.
///
/// Source: EasyR1, `examples/config.yaml` and `verl/trainer/config.py`; Shuffle-R1, `shuffle_r1/config.py`,
/// `verl/workers/actor/config.py` and `examples/qwen2_5_vl_3b.sh`; verl 0.9.1,
/// `verl/trainer/config/algorithm.py` and `core_algos.py`.
package struct ConfigImport: Sendable, Hashable {
  /// A setting without a counterpart.
  package struct Unmapped: Sendable, Hashable, CustomStringConvertible {
    /// The key with dots: `worker.actor.optim.lr`.
    package let path: String
    /// Its value.
    package let value: JSONValue
    /// Why it has no counterpart, without a full stop.
    package let reason: String

    /// Describes a setting.
    package init(_ path: String, _ value: JSONValue, _ reason: String) {
      self.path = path
      self.value = value
      self.reason = reason
    }

    /// `algorithm.lam = 1.0: …`.
    package var description: String { "\(path) = \(value.json): \(reason)" }
  }

  /// The purpose of the spec.
  package enum Purpose: Sendable, Hashable {
    /// Selecting from saved rollouts.
    case replay
    /// Training a policy.
    case training
  }

  /// The spec: `name`, `seed`, for training `policy` and `training`, `source`, `stages`, `output`.
  package let spec: JSONValue
  /// The settings that the spec does not contain, in the order of the configuration.
  package let unmapped: [Unmapped]

  /// Reads a configuration, given as the tree of its YAML file; scalars may be text.
  ///
  /// - Throws: ``PipelineError`` when it is not a table, or is neither EasyR1's nor verl's.
  package init(_ config: JSONValue, for purpose: Purpose = .replay) throws {
    guard config.objectValue != nil else {
      throw PipelineError(
        .invalidData, "the configuration is \(config.kindDescription), it must be a table of settings")
    }
    guard
      ["worker", "actor_rollout_ref", "algorithm", "data", "trainer"].contains(where: { config[$0] != nil })
    else {
      throw PipelineError(
        .invalidData,
        "the configuration has none of 'worker', 'actor_rollout_ref', 'algorithm', 'data' and 'trainer': it is "
          + "neither EasyR1's nor verl's")
    }
    var settings = ConfigSettings(config)
    let stages = try ConfigStages(&settings, for: purpose)
    let groups = try settings.integer("data.rollout_batch_size") ?? settings.integer("data.train_batch_size")
    let training = purpose == .training ? try ConfigTraining(&settings, groups: groups) : nil
    var spec: [JSONValue.Member] = []
    let name = ["trainer.project_name", "trainer.experiment_name"].compactMap { settings.text($0) }
    if !name.isEmpty { spec.append(.init("name", .string(name.joined(separator: "/")))) }
    if let seed = try settings.integer("data.seed") { spec.append(.init("seed", .number(seed))) }
    if let training { spec.append(.init("policy", training.policy)) }
    var source =
      training?.source ?? [
        .init(
          "rollouts",
          .string(settings.text("trainer.rollout_data_dir").map { $0 + "/*.jsonl" } ?? "rollouts.jsonl")),
        .init("provides", .array(stages.provides.map { .string($0) })),
      ]
    if let groups { source.append(.init("batch", ["groups": .number(groups)])) }
    spec.append(.init("source", .object(source)))
    spec.append(
      .init(
        "stages", .array([training?.rollout].compactMap { $0 } + stages.stages + [training?.update].compactMap { $0 })))
    if let training { spec.append(.init("training", training.training)) }
    spec.append(.init("output", ["rollouts": "selected.jsonl"]))
    self.spec = .object(spec)
    let explanations = stages.explanations.merging(training?.explanations ?? [:]) { first, _ in first }
    self.unmapped = settings.unmapped(explained: explanations, for: purpose)
  }
}
