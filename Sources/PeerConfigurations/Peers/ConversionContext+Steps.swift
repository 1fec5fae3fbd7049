// SPDX-License-Identifier: Apache-2.0
import PipelineCore

extension ConversionContext {
  /// Sets the estimator, with what it needs of records.
  mutating func setAdvantage(_ estimator: String, _ key: String, _ name: String) throws {
    var options: Members = []
    if estimator == "reinforce-plus-plus" {
      if let gamma = try settings.number("algorithm.gamma"), gamma != 1 { options.set("gamma", .tidy(gamma)) }
      recipe.provides.append("tokens")
      if recipe.klPenalty != nil {
        findings.differs(
          key, .string(name),
          "the peer subtracts the KL divergence from the reward token by token, here its sum is subtracted "
            + "at the response's end")
      }
    } else {
      settings.use("algorithm.gamma")
    }
    if estimator == "remax" {
      recipe.provides.append("baseline")
      recipe.missingAdvantage = "rloo"
      findings.differs(
        key, .string(name),
        "its baseline is the reward of a greedy response, which the 'rollout' stage does not sample: a training takes 'rloo' "
          + "in its place, and for a selection the records must carry 'baseline'")
    }
    recipe.advantage = .stage("advantage", [.init("estimator", .component(estimator, options))])
  }

  /// An estimator that there is not: saved records must carry the advantage, a training takes the nearest.
  mutating func explainMissingAdvantage(_ key: String, _ name: String) {
    let isGAE = name == "gae"
    recipe.provides.append("advantage")
    recipe.missingAdvantage = isGAE ? "reinforce-plus-plus" : "grpo"
    settings.use("algorithm.gamma", "algorithm.lam")
    findings.differs(
      key, .string(name),
      (isGAE ? "there is no value model" : "there is no such estimator")
        + "; a training takes '\(recipe.missingAdvantage ?? "")' in its place, and for a selection the records must carry "
        + "'advantage'")
  }

  /// When checkpoints are saved; −1 means never there, and only at the end here.
  mutating func setCheckpoints(every: String, keep: String) throws {
    if let every = try settings.integer(every) { recipe.checkpoints.set("every", .number(max(0, every))) }
    if let keep = try settings.integer(keep), keep > 0 { recipe.checkpoints.set("keep", .number(keep)) }
    silent(keep, "the newest two are kept unless checkpoints.keep says otherwise")
  }

  /// When and how the policy is evaluated.
  mutating func setEvaluation(_ files: [String], every key: String, samples: Int?, sampling: Members) throws {
    let every = try settings.integer(key) ?? -1
    let before = try settings.flag("trainer.val_before_train") ?? true
    guard !files.isEmpty, every > 0 || before else { return }
    recipe.evaluation.set("prompts", .oneOrMany(files))
    recipe.evaluation.set("every", .number(max(0, every)))
    if !before { recipe.evaluation.set("before", false) }
    recipe.evaluation.set("samples", samples.map { .number($0) })
    recipe.evaluation.set("sampling", .object(sampling))
  }
}
