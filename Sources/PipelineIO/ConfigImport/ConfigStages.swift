// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// The stages that correspond to a configuration of EasyR1, Shuffle-R1 or verl.
struct ConfigStages {
  private(set) var stages: [JSONValue] = []
  /// The fields that the saved records must carry.
  private(set) var provides: [String] = []
  /// Why settings that were read have no counterpart.
  private(set) var explanations: [String: String] = [:]

  private let purpose: ConfigImport.Purpose

  init(_ settings: inout ConfigSettings, for purpose: ConfigImport.Purpose) throws {
    self.purpose = purpose
    try addReward(&settings)
    try addFilter(&settings)
    try addAdvantage(&settings)
    try addShuffle(&settings)
  }

  private mutating func add(_ use: String, with options: [JSONValue.Member]) {
    stages.append(["use": .string(use), "with": .object(options)])
  }

  /// EasyR1's and Shuffle-R1's `math` is ours; another function's scores must be in the records.
  private mutating func addReward(_ settings: inout ConfigSettings) throws {
    let keys = [
      "worker.reward.reward_function", "worker.reward.score_function", "worker.reward.compute_score",
    ]
    for key in keys {
      guard let name = settings.text(key) else { continue }
      guard name == "math" || name.hasSuffix("/math.py:compute_score") || name.hasSuffix("/math.py") else {
        explanations[key] =
          purpose == .replay
          ? "it is another program's function: the saved records must carry 'reward'"
          : "it is another program's function: 'boxed-answer' and 'format' stand in its place"
        continue
      }
      let kwargs = "worker.reward.reward_function_kwargs.format_weight"
      let format = try settings.number(kwargs) ?? 0.1
      add(
        "reward",
        with: [
          .init(
            "functions",
            [
              accuracy(weight: Self.rounded(1 - format)),
              ["use": "format", "weight": Self.rounded(format)],
            ])
        ])
      provides += ["response", "answer"]
      _ = settings.value("worker.reward.reward_type")
      return
    }
    if purpose == .replay {
      provides.append("reward")
    } else {
      add(
        "reward",
        with: [
          .init(
            "functions",
            [["use": "boxed-answer", "weight": 0.9, "name": "accuracy"], ["use": "format", "weight": 0.1]])
        ])
    }
  }

  /// For training, the score has the name that evaluations look for.
  private func accuracy(weight: JSONValue) -> JSONValue {
    let name: [JSONValue.Member] = purpose == .training ? [.init("name", "accuracy")] : []
    return .object([.init("use", "boxed-answer"), .init("weight", weight)] + name)
  }

  private mutating func addFilter(_ settings: inout ConfigSettings) throws {
    if try settings.flag("algorithm.online_filtering") {
      var options: [JSONValue.Member] = [
        .init("rule", "reward-band"),
        .init("low", .number(try settings.number("algorithm.filter_low") ?? 0.01)),
        .init("high", .number(try settings.number("algorithm.filter_high") ?? 0.99)),
      ]
      if let key = settings.text("algorithm.filter_key"), key != "overall" {
        options.append(.init("score", .string(key)))
        if provides == ["reward"] { provides.append("rewards") }
      }
      if purpose == .training {
        options.append(.init("max_attempts", .number(try attempts("trainer.max_try_make_batch", &settings))))
      }
      add("filter", with: options)
    } else {
      for key in ["filter_low", "filter_high", "filter_key"] where settings.has("algorithm.\(key)") {
        explanations["algorithm.\(key)"] = "algorithm.online_filtering is off"
      }
    }
    if try settings.flag("algorithm.filter_groups.enable") {
      var options: [JSONValue.Member] = [.init("rule", "zero-variance")]
      if purpose == .training {
        options.append(
          .init("max_attempts", .number(try attempts("algorithm.filter_groups.max_num_gen_batches", &settings))))
      }
      add("filter", with: options)
      let metric = settings.text("algorithm.filter_groups.metric")
      if let metric, !["score", "reward", "seq_reward", "seq_final_reward"].contains(metric) {
        explanations["algorithm.filter_groups.metric"] =
          "zero variance is judged by the reward, not by a part of it"
      }
    } else if settings.has("algorithm.filter_groups.metric") {
      explanations["algorithm.filter_groups.metric"] = "algorithm.filter_groups.enable is off"
    }
  }

  /// How many batches of prompts a step may take; 0 or less, which means no limit there, becomes 20, EasyR1's default.
  private func attempts(_ key: String, _ settings: inout ConfigSettings) throws -> Int {
    guard let count = try settings.number(key), count > 0 else { return 20 }
    return Int(count)
  }

  private mutating func addAdvantage(_ settings: inout ConfigSettings) throws {
    let key = "algorithm.adv_estimator"
    // EasyR1's default is grpo, verl's is gae.
    let name = settings.text(key) ?? (settings.has("actor_rollout_ref.rollout.n") ? "gae" : "grpo")
    let normalizes = "algorithm.norm_adv_by_std_in_grpo"
    let isUnnormalized = settings.has(normalizes) ? try !settings.flag(normalizes) : false
    var estimator: JSONValue
    switch name {
    case "grpo", "grpo_vectorized": estimator = isUnnormalized ? "dr-grpo" : "grpo"
    case "pairwise_purning", "pairwise_pruning": estimator = "grpo"
    case "rloo", "rloo_vectorized": estimator = "rloo"
    case "grpo_passk": estimator = "grpo-passk"
    case "remax":
      estimator = "remax"
      provides.append("baseline")
    case "reinforce_plus_plus":
      estimator = "reinforce-plus-plus"
      if let gamma = try settings.number("algorithm.gamma"), gamma != 1 {
        estimator = ["use": estimator, "with": ["gamma": .number(gamma)]]
      }
      provides.append("tokens")
    default:
      explanations[key] =
        name == "gae"
        ? "there is no value model: the saved records must carry 'advantage'"
        : "there is no such estimator: the saved records must carry 'advantage'"
      provides.append("advantage")
      return
    }
    if isUnnormalized, estimator != "dr-grpo" {
      explanations[normalizes] = "only 'grpo' divides by the standard deviation"
    }
    add("advantage", with: [.init("estimator", estimator)])
    try addSelection(isPaired: name.hasPrefix("pairwise"), &settings)
  }

  /// Shuffle-R1's `purning_ratio` is the fraction that is dropped.
  private mutating func addSelection(isPaired: Bool, _ settings: inout ConfigSettings) throws {
    let key = "worker.actor.purning_ratio"
    let dropped = try settings.number(key)
    guard isPaired else {
      if dropped != nil { explanations[key] = "only the estimator 'pairwise_purning' drops pairs" }
      return
    }
    let share = dropped ?? 0
    guard (0..<1).contains(share) else {
      throw PipelineError(.invalidData, "'\(key)' is \(share), it must lie in 0…1 and below 1")
    }
    add("pairwise-sample", with: [.init("keep", Self.rounded(1 - share))])
  }

  private mutating func addShuffle(_ settings: inout ConfigSettings) throws {
    let trainer = ["sampling_method", "sampling_coeff", "sampling_weight", "replay_times", "slice_sample"]
    guard try settings.flag("trainer.experience_replay") else {
      for key in trainer where settings.has("trainer.\(key)") {
        explanations["trainer.\(key)"] = "trainer.experience_replay is off"
      }
      return
    }
    var options: [JSONValue.Member] = [
      .init("rounds", .number(try settings.integer("trainer.replay_times") ?? 8))
    ]
    if let weight = settings.text("trainer.sampling_weight"), weight != "sum" {
      let names = ["max": "max", "mean": "mean", "pos": "positive"]
      if let name = names[weight] {
        options.append(.init("weight_by", .string(name)))
      } else {
        explanations["trainer.sampling_weight"] = "there is no such weight"
      }
    }
    if let method = settings.text("trainer.sampling_method"), method != "power" {
      switch method {
      case "softmax", "inverse": options.append(.init("weighting", .string(method)))
      case "log_softmax": options.append(.init("weighting", "log-softmax"))
      default:
        explanations["trainer.sampling_method"] = "there is no such weighting: 'power' stands in its place"
      }
      if method.hasSuffix("softmax") {
        explanations["trainer.sampling_method"] = "the peer's temperature changes over the run, ours stays"
      }
    }
    if let exponent = try settings.number("trainer.sampling_coeff"), exponent != 1 {
      options.append(.init("exponent", Self.rounded(exponent)))
    }
    if try settings.flag("trainer.slice_sample") {
      explanations["trainer.slice_sample"] = "there is no counterpart"
    }
    add("shuffle", with: options)
  }

  /// A number without the rounding error of a subtraction in its last digits.
  private static func rounded(_ value: Double) -> JSONValue {
    let scaled = (value * 1e12).rounded()
    return .number(scaled.isFinite ? scaled / 1e12 : value)
  }
}
