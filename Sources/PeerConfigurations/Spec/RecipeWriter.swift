// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Writes a recipe as a spec.
struct RecipeWriter {
  let recipe: Recipe

  /// A spec that trains a policy.
  var training: JSONValue {
    var spec = head
    var policy: Members = [.init("model", .string(recipe.model ?? "model"))]
    policy.set("vision", recipe.trainsVision ? "trained" : "frozen")
    policy.set("min_pixels", recipe.minPixels.map { .number($0) })
    policy.set("max_pixels", recipe.maxPixels.map { .number($0) })
    // Only the worker has adapters.
    if !recipe.lora.isEmpty { policy.set("lora", .object(recipe.lora)) }
    spec.set("policy", .stage(recipe.lora.isEmpty ? "bundled" : "worker", policy))
    var source: Members = [
      .init("prompts", .oneOrMany(recipe.prompts.isEmpty ? ["train.jsonl"] : recipe.prompts))
    ]
    if !recipe.columns.isEmpty { source.set("columns", .object(recipe.columns)) }
    source.set("format_prompt", recipe.formatPrompt)
    if recipe.rewardReads.contains("answer") { source.set("provides", ["answer"]) }
    if !recipe.isShuffled { source.set("order", "file") }
    source.set("epochs", recipe.epochs.map { .number($0) })
    source.set("batch", recipe.groups.map { ["groups": .number($0)] })
    spec.set("source", .object(source))
    spec.set("stages", .array(trainingStages))
    var training: Members = []
    training.set("steps", recipe.steps.map { .number($0) })
    if !recipe.checkpoints.isEmpty { training.set("checkpoints", .object(recipe.checkpoints)) }
    if !recipe.evaluation.isEmpty { training.set("evaluation", .object(recipe.evaluation)) }
    spec.set("training", .object(training))
    spec.set("output", ["rollouts": "selected.jsonl"])
    return .object(spec)
  }

  private var trainingStages: [JSONValue] {
    var rollout: Members = []
    rollout.set("n", recipe.n.map { .number($0) })
    if !recipe.sampling.isEmpty { rollout.set("sampling", .object(recipe.sampling)) }
    rollout.set("too_long", recipe.tooLong.map { .string($0) })
    rollout.set("max_prompt_tokens", recipe.maxPromptTokens.map { .number($0) })
    var stages: [JSONValue] = [.stage("rollout", rollout)]
    stages.append(.stage("reward", [.init("functions", .array(recipe.rewards))]))
    for filter in recipe.filters {
      var options = filter.options
      options.set("max_attempts", filter.attempts.map { .number($0) })
      stages.append(.stage("filter", options))
    }
    let instead = recipe.missingAdvantage.map { JSONValue.stage("advantage", [.init("estimator", .string($0))]) }
    stages += [recipe.klPenalty, instead ?? recipe.advantage].compactMap { $0 } + recipe.selection
    stages.append(.stage("update", recipe.update))
    return stages
  }

  /// A spec that selects from saved rollouts.
  var replay: JSONValue {
    var spec = head
    var stages: [JSONValue] = []
    var provides: [String] = []
    if !recipe.scoresReplays {
      provides.append("reward")
      if recipe.filters.contains(where: \.needsParts) { provides.append("rewards") }
    } else {
      stages.append(.stage("reward", [.init("functions", .array(recipe.rewards))]))
      provides += recipe.rewardReads
    }
    stages += recipe.filters.map { .stage("filter", $0.options) }
    stages += [recipe.advantage].compactMap { $0 } + recipe.selection
    var source: Members = [.init("rollouts", .string(recipe.rollouts ?? "rollouts.jsonl"))]
    source.set("provides", .array((provides + recipe.provides).map { .string($0) }))
    source.set("batch", recipe.groups.map { ["groups": .number($0)] })
    spec.set("source", .object(source))
    spec.set("stages", .array(stages))
    spec.set("output", ["rollouts": "selected.jsonl"])
    return .object(spec)
  }

  private var head: Members {
    var members: Members = []
    if !recipe.name.isEmpty { members.set("name", .string(recipe.name.joined(separator: "/"))) }
    members.set("seed", recipe.seed.map { .number($0) })
    return members
  }
}
