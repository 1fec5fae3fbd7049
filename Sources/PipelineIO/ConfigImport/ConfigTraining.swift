// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// The training that corresponds to a configuration of EasyR1, Shuffle-R1 or verl: policy, rollouts, updates,
/// checkpoints.
///
/// EasyR1's `worker.actor` and `worker.rollout` are verl's `actor_rollout_ref.actor` and `actor_rollout_ref.rollout`.
struct ConfigTraining {
  /// `policy` of the spec.
  let policy: JSONValue
  /// The stage before the reward.
  let rollout: JSONValue
  /// The stage after the selection.
  let update: JSONValue
  /// `training` of the spec.
  let training: JSONValue
  /// Members of `source` in addition to its batch.
  let source: [JSONValue.Member]
  /// Why settings that were read have no counterpart.
  private(set) var explanations: [String: String] = [:]

  init(_ settings: inout ConfigSettings, groups: Int?) throws {
    let model =
      settings.text("worker.actor.model.model_path") ?? settings.text("actor_rollout_ref.model.path") ?? "model"
    var backend: [JSONValue.Member] = [.init("model", .string(model))]
    let freezes = "worker.actor.model.freeze_vision_tower"
    if settings.has(freezes), try !settings.flag(freezes) { backend.append(.init("vision", "trained")) }
    policy = ["use": "bundled", "with": .object(backend)]
    source = try Self.source(&settings)
    let responseLength = try settings.integer("data.max_response_length")
    rollout = try Self.rollout(&settings, responseLength: responseLength)
    update = try Self.update(&settings, groups: groups, explanations: &explanations)
    training = try Self.training(&settings, responseLength: responseLength, explanations: &explanations)
  }

  private static func first(_ settings: inout ConfigSettings, _ keys: [String]) throws -> Double? {
    for key in keys { if let number = try settings.number(key) { return number } }
    return nil
  }

  /// Files as they are named; the user has to fetch and convert a split of a data set (`name@train`).
  private static func files(_ settings: inout ConfigSettings, _ key: String) -> JSONValue? {
    guard let value = settings.value(key) else { return nil }
    return value.arrayValue.map { .array($0) } ?? value.scalarText.map { .string($0) }
  }

  private static func source(_ settings: inout ConfigSettings) throws -> [JSONValue.Member] {
    var members: [JSONValue.Member] = [
      .init("prompts", files(&settings, "data.train_files") ?? "train.jsonl"), .init("provides", ["answer"]),
    ]
    if settings.has("data.shuffle"), try !settings.flag("data.shuffle") { members.append(.init("order", "file")) }
    let epochs = try settings.integer("trainer.total_epochs") ?? settings.integer("trainer.total_episodes")
    if let epochs, epochs > 0 { members.append(.init("epochs", .number(epochs))) }
    return members
  }

  private static func rollout(_ settings: inout ConfigSettings, responseLength: Int?) throws -> JSONValue {
    var sampling: [JSONValue.Member] = []
    func area(_ name: String) -> [String] { ["worker.rollout.\(name)", "actor_rollout_ref.rollout.\(name)"] }
    if let value = try first(&settings, area("temperature")) { sampling.append(.init("temperature", .number(value))) }
    if let value = try first(&settings, area("top_p")) { sampling.append(.init("top_p", .number(value))) }
    if let value = try first(&settings, area("top_k")), value > 0 {
      sampling.append(.init("top_k", .number(Int(value))))
    }
    if let responseLength { sampling.append(.init("max_tokens", .number(responseLength))) }
    var options: [JSONValue.Member] = []
    if let n = try first(&settings, area("n")) { options.append(.init("n", .number(Int(n)))) }
    options.append(.init("sampling", .object(sampling)))
    if try settings.flag("data.filter_overlong_prompts") { options.append(.init("too_long", "skip")) }
    return ["use": "rollout", "with": .object(options)]
  }

  private static func update(
    _ settings: inout ConfigSettings, groups: Int?, explanations: inout [String: String]
  ) throws -> JSONValue {
    func actor(_ names: String...) -> [String] {
      names.flatMap { ["worker.actor.\($0)", "actor_rollout_ref.actor.\($0)"] }
    }
    var options: [JSONValue.Member] = [.init("loss", try loss(&settings, actor, &explanations))]
    for key in actor("loss_agg_mode", "loss_avg_mode") {
      guard let mode = settings.text(key) else { continue }
      let names = ["token": "token-mean", "seq": "seq-mean-token-mean"]
      options.append(.init("aggregation", .string(names[mode] ?? mode)))
    }
    // Both are numbers of prompts.
    if let groups, let mini = try first(&settings, actor("global_batch_size", "ppo_mini_batch_size")), mini >= 1 {
      options.append(.init("minibatches", .number(max(1, groups / Int(mini)))))
    }
    if let epochs = try first(&settings, actor("ppo_epochs")), epochs > 1 {
      options.append(.init("epochs", .number(Int(epochs))))
    }
    var rate: [JSONValue.Member] = []
    if let value = try first(&settings, actor("optim.lr")) { rate.append(.init("rate", .number(value))) }
    if let value = try first(&settings, actor("optim.lr_warmup_steps")), value > 0 {
      rate.append(.init("warm_up_steps", .number(Int(value))))
    }
    if !rate.isEmpty { options.append(.init("learning_rate", .object(rate))) }
    var optimizer: [JSONValue.Member] = []
    if let value = try first(&settings, actor("optim.weight_decay")) {
      optimizer.append(.init("weight_decay", .number(value)))
    }
    if let value = try first(&settings, actor("max_grad_norm", "grad_clip")) {
      optimizer.append(.init("max_gradient_norm", .number(value)))
    }
    if !optimizer.isEmpty { options.append(.init("optimizer", .object(optimizer))) }
    if let kl = try kl(&settings, &explanations) { options.append(.init("kl", kl)) }
    return ["use": "update", "with": .object(options)]
  }

  private static func loss(
    _ settings: inout ConfigSettings, _ actor: (String...) -> [String], _ explanations: inout [String: String]
  ) throws -> JSONValue {
    var name = "clip"
    for key in actor("loss_type", "policy_loss.loss_mode") {
      guard let mode = settings.text(key) else { continue }
      let names = [
        "default": "clip", "vanilla": "clip", "gspo": "gspo", "gspo_token": "gspo-token", "cispo": "cispo",
        "sapo": "sapo",
      ]
      if let known = names[mode] {
        name = known
      } else {
        explanations[key] = "there is no such loss: 'clip' stands in its place"
      }
    }
    var options: [JSONValue.Member] = []
    let both = try first(&settings, actor("clip_ratio"))
    if let low = try first(&settings, actor("clip_ratio_low")) ?? both {
      options.append(.init("epsilon_low", .number(low)))
    }
    if let high = try first(&settings, actor("clip_ratio_high")) ?? both {
      options.append(.init("epsilon_high", .number(high)))
    }
    if let dual = try first(&settings, actor("clip_ratio_dual", "clip_ratio_c")) {
      options.append(.init("dual_clip", .number(dual)))
    }
    let takesLimits = ["clip", "gspo", "gspo-token"].contains(name)
    return options.isEmpty || !takesLimits ? .string(name) : ["use": .string(name), "with": .object(options)]
  }

  /// The penalty in the loss; the one in the reward is a stage that the user adds.
  private static func kl(
    _ settings: inout ConfigSettings, _ explanations: inout [String: String]
  ) throws -> JSONValue? {
    let isOff = try settings.flag("algorithm.disable_kl")
    let inLoss =
      try settings.flag("algorithm.use_kl_loss") || settings.flag("actor_rollout_ref.actor.use_kl_loss")
    let coefficient =
      try settings.number("algorithm.kl_coef") ?? settings.number("actor_rollout_ref.actor.kl_loss_coef")
    let kind = settings.text("algorithm.kl_penalty") ?? settings.text("actor_rollout_ref.actor.kl_loss_type")
    guard !isOff, let coefficient, coefficient > 0 else { return nil }
    guard inLoss else {
      explanations["algorithm.kl_coef"] =
        "the penalty in the reward is a stage of its own: add 'kl-penalty' before 'advantage'"
      return nil
    }
    let names = ["kl": "k1", "abs": "abs", "mse": "k2", "low_var_kl": "k3", "k1": "k1", "k2": "k2", "k3": "k3"]
    if let kind, names[kind] == nil {
      explanations["algorithm.kl_penalty"] = "there is no such estimator: 'k3' stands in its place"
    }
    return ["coefficient": .number(coefficient), "estimator": .string(kind.flatMap { names[$0] } ?? "k3")]
  }

  private static func training(
    _ settings: inout ConfigSettings, responseLength: Int?, explanations: inout [String: String]
  ) throws -> JSONValue {
    func first(_ keys: [String]) throws -> Int? {
      for key in keys { if let value = try settings.number(key) { return Int(value) } }
      return nil
    }
    var members: [JSONValue.Member] = []
    if let steps = try first(["trainer.max_steps", "trainer.total_training_steps"]), steps > 0 {
      members.append(.init("steps", .number(steps)))
    }
    // −1 means never; 0 saves and evaluates only at the end.
    var checkpoints: [JSONValue.Member] = []
    if let every = try first(["trainer.save_freq"]) { checkpoints.append(.init("every", .number(max(0, every)))) }
    if let keep = try first(["trainer.save_limit", "trainer.max_actor_ckpt_to_keep"]) {
      if keep > 0 {
        checkpoints.append(.init("keep", .number(keep)))
      } else {
        explanations["trainer.save_limit"] = "checkpoints are always limited in number: 'keep' says to how many"
      }
    }
    if !checkpoints.isEmpty { members.append(.init("checkpoints", .object(checkpoints))) }
    guard let prompts = files(&settings, "data.val_files") else { return .object(members) }
    var evaluation: [JSONValue.Member] = [.init("prompts", prompts)]
    if let every = try first(["trainer.val_freq", "trainer.test_freq"]) {
      evaluation.append(.init("every", .number(max(0, every))))
    }
    if settings.has("trainer.val_before_train"), try !settings.flag("trainer.val_before_train") {
      evaluation.append(.init("before", .bool(false)))
    }
    func area(_ name: String) -> [String] {
      ["worker.rollout.val_override_config.\(name)", "actor_rollout_ref.rollout.val_kwargs.\(name)"]
    }
    if let n = try first(area("n")) { evaluation.append(.init("samples", .number(n))) }
    var sampling: [JSONValue.Member] = []
    for (name, key) in [("temperature", "temperature"), ("top_p", "top_p")] {
      if let value = try Self.first(&settings, area(key)) { sampling.append(.init(name, .number(value))) }
    }
    if let responseLength { sampling.append(.init("max_tokens", .number(responseLength))) }
    if !sampling.isEmpty { evaluation.append(.init("sampling", .object(sampling))) }
    members.append(.init("evaluation", .object(evaluation)))
    return .object(members)
  }
}
