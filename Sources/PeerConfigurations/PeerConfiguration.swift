// SPDX-License-Identifier: Apache-2.0
package import PipelineCore
package import PipelineSpec

/// A configuration of EasyR1, Shuffle-R1, verl or TRL, converted to a pipeline spec.
///
/// The input is a YAML or JSON file, a shell script that starts a training with `key=value` settings, or a Python program
/// with a `GRPOConfig`. What it leaves out is what the peer would use, by the defaults that its sources publish. The spec
/// replays saved rollouts with the configuration's reward, filter, advantages, selection and shuffle, or trains as the
/// configuration does. What differs, what has to be supplied, and what changes no result is listed.
package struct PeerConfiguration: Sendable {
  /// The purpose of the spec.
  package enum Purpose: Sendable, Hashable {
    /// Selecting from saved rollouts.
    case replay
    /// Training a policy.
    case training
  }

  /// Whose configuration it is.
  package let peer: Peer
  /// The spec.
  package let spec: JSONValue
  /// What its reader should know, in the order of the configuration.
  package let findings: [Finding]

  /// Converts a file.
  ///
  /// - Parameters:
  ///   - file: The file's path, for its kind and for messages.
  ///   - text: Its contents.
  ///   - overrides: Settings that come after it: `key=value`, or TRL's `--name value`.
  ///   - purpose: What the spec is for.
  ///   - surroundings: Where files that it names are looked for.
  /// - Throws: ``PipelineError`` when it is none of these, or a value has the wrong type.
  package init(
    file: String, text: SpecText, overrides: [String] = [], for purpose: Purpose,
    surroundings: Surroundings = Surroundings()
  ) throws {
    let reader = try ConfigurationReader(file: file, text: text, overrides: overrides, surroundings: surroundings)
    peer = reader.peer ?? .verl
    var context = ConversionContext(
      settings: reader.settings, findings: reader.findings, recipe: Recipe(peer), surroundings: surroundings)
    switch peer {
    case .easyR1, .shuffleR1: try EasyR1Conversion.convert(&context)
    case .verl: try VerlConversion.convert(&context, usesMegatron: reader.usesMegatron)
    case .trl: try TRLConversion.convert(&context, processes: reader.processes)
    }
    let writer = RecipeWriter(recipe: context.recipe)
    switch purpose {
    case .training: (spec, findings) = (writer.training, context.findings.all)
    case .replay: (spec, findings) = (writer.replay, Self.forReplay(context))
    }
  }

  /// For a selection, all that belongs to training is one matter.
  private static func forReplay(_ context: ConversionContext) -> [Finding] {
    let kept = context.findings.all.filter { finding in
      finding.kind != .supply && isSelection(finding.path)
        && (context.recipe.scoresReplays || !isReward(finding.path))
    }
    let named = Set(kept.map(\.path))
    let rest = context.settings.paths.filter { path in
      (!isSelection(path) || isReward(path) && !context.recipe.scoresReplays) && !named.contains(path)
        && context.settings.givenValue(path) != .null
    }
    return kept
      + rest.map {
        Finding(
          .silent, $0, context.settings.givenValue($0),
          isReward($0) ? "saved records carry the reward" : "it belongs to training: --train imports that")
      }
  }

  private static func isReward(_ path: String) -> Bool {
    ["worker.reward", "custom_reward_function", "reward"].contains { path.hasPrefix($0) }
  }

  /// Whether a setting decides what a selection keeps.
  private static func isSelection(_ path: String) -> Bool {
    let prefixes = [
      "algorithm.adv_estimator", "algorithm.gamma", "algorithm.online_filtering", "algorithm.filter",
      "algorithm.norm_adv",
      "worker.reward", "worker.actor.purning_ratio", "custom_reward_function", "reward", "trainer.experience_replay",
      "trainer.sampling_", "trainer.replay_times", "trainer.slice_sample", "trainer.rollout_data_dir",
      "trainer.project_name",
      "trainer.experiment_name", "data.seed", "data.rollout_batch_size", "data.train_batch_size", "scale_rewards",
      "multi_objective_aggregation", "mask_truncated_completions",
    ]
    return prefixes.contains { path.hasPrefix($0) }
  }
}
