// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// verl's configurations.
///
/// Sources: verl, `verl/trainer/ppo/ray_trainer.py` and `core_algos.py`, `verl/workers/fsdp_workers.py`.
struct VerlConversion {
  private var context: ConversionContext
  private let usesMegatron: Bool

  private static let actor = "actor_rollout_ref.actor"
  private static let rollout = "actor_rollout_ref.rollout"
  private static let model = "actor_rollout_ref.model"

  /// - Throws: When a value has the wrong type.
  static func convert(_ context: inout ConversionContext, usesMegatron: Bool) throws {
    var conversion = VerlConversion(context, usesMegatron: usesMegatron)
    try conversion.run()
    context = conversion.context
  }

  private init(_ context: ConversionContext, usesMegatron: Bool) {
    self.context = context
    self.usesMegatron =
      usesMegatron || context.settings.paths.contains { $0.hasPrefix(Self.actor + ".megatron.") }
      || context.settings.givenValue(Self.actor + ".strategy") == "megatron"
    self.context.settings.setDefaults(VerlDefaults.fsdp)
  }

  private mutating func run() throws {
    try convertData()
    try convertModel()
    try convertRollout()
    try convertReward()
    try convertFilter()
    try convertKL()
    try convertAdvantage()
    try convertUpdate()
    try convertTraining()
    SettingReasons.verl.explainRest(&context)
  }

  private mutating func convertData() throws {
    context.setName()
    context.recipe.seed = try context.settings.integer("data.seed").map { max(0, $0) }
    context.recipe.prompts = context.prompts("data.train_files", as: "source.prompts")
    context.recipe.rollouts = context.settings.text("trainer.rollout_data_dir").map { $0 + "/*.jsonl" }
    context.recipe.isShuffled = try context.settings.flag("data.shuffle") ?? true
    context.recipe.groups = try context.settings.integer("data.train_batch_size")
    // Rows in verl's own layout are recognised; keys that are named are followed.
    if context.settings.has("data.prompt_key") || context.settings.has("data.image_key") {
      context.recipe.columns.set("prompt", context.settings.text("data.prompt_key").map { .string($0) })
      context.recipe.columns.set("answer", "reward_model.ground_truth")
      context.recipe.columns.set("images", context.settings.text("data.image_key").map { .string($0) })
    }
    context.recipe.maxPromptTokens = try context.settings.integer("data.max_prompt_length")
    if try context.settings.integer("data.train_max_samples") ?? -1 > 0 {
      context.differs("data.train_max_samples", "all prompts of the files are used; shorten the file to use fewer")
    }
    if try context.settings.flag("algorithm.filter_groups.enable") == true {
      context.differs(
        "data.gen_batch_size", "each attempt at a full batch takes train_batch_size prompts, not as many as this")
    } else {
      context.silent("data.gen_batch_size", "algorithm.filter_groups.enable is off")
    }
  }

  private mutating func convertModel() throws {
    context.recipe.trainsVision = try context.settings.flag("\(Self.actor).freeze_vision_tower") == false
    // Megatron's adapters have a table of their own.
    let nested = "\(Self.model).lora"
    let rank =
      try context.settings.integer("\(nested).rank") ?? context.settings.integer("\(Self.model).lora_rank") ?? 0
    let alpha = try context.settings.number("\(nested).alpha") ?? context.settings.number("\(Self.model).lora_alpha")
    if rank > 0 {
      context.recipe.lora.set("rank", .number(rank))
      context.recipe.lora.set("alpha", alpha.map { .tidy($0) })
      explainAdapters()
    } else {
      for name in ["target_modules", "exclude_modules", "lora_adapter_path"] {
        context.silent("\(Self.model).\(name)", "there are no adapters: lora_rank is 0")
      }
    }
    context.setModel("\(Self.model).path")
  }

  private mutating func explainAdapters() {
    let targets = context.settings.text("\(Self.model).target_modules")
    if let targets, targets != "all-linear" {
      context.differs("\(Self.model).target_modules", "adapters are on all matrices of the decoder's layers")
    }
    if context.settings.text("\(Self.model).exclude_modules")?.contains("visual") != true {
      context.findings.differs(
        "\(Self.model).exclude_modules", nil, "verl has adapters on the vision tower too, here only the decoder has")
    }
    context.differs("\(Self.model).lora_adapter_path", "training starts with new adapters")
  }

  private mutating func convertRollout() throws {
    context.recipe.n = try context.settings.integer("\(Self.rollout).n")
    let maxTokens = try maxTokens()
    context.recipe.sampling = try sampling(Self.rollout, maxTokens: maxTokens)
    let skips = try context.settings.flag("data.filter_overlong_prompts") == true
    let truncation = context.settings.text("data.truncation") ?? "error"
    context.recipe.tooLong = skips ? "skip" : truncation == "error" ? "error" : "cut"
    if try context.settings.flag("\(Self.rollout).multi_turn.enable") == true {
      context.differs(
        "\(Self.rollout).multi_turn.enable", "a rollout is one response: no tools and no turns of an environment")
    }
  }

  private mutating func maxTokens() throws -> Int? {
    try context.settings.has("\(Self.rollout).response_length")
      ? context.settings.integer("\(Self.rollout).response_length")
      : context.settings.integer("data.max_response_length")
  }

  private mutating func sampling(_ area: String, maxTokens: Int?, isGreedy: Bool = false) throws -> Members {
    var members: Members = []
    let temperature = try context.settings.number("\(area).temperature")
    members.set("temperature", isGreedy ? 0 : temperature.map { .tidy($0) })
    members.set("top_p", try context.settings.number("\(area).top_p").map { .tidy($0) })
    if let k = try context.settings.integer("\(area).top_k"), k > 0 { members.set("top_k", .number(k)) }
    members.set("max_tokens", maxTokens.map { .number($0) })
    return members
  }
}

// Rewards, and what goes by them.

extension VerlConversion {
  private mutating func convertReward() throws {
    var wiring = RewardWiring()
    let keys = ["custom_reward_function", "reward.custom_reward_function"]
    let custom = keys.first { context.settings.has("\($0).path") } ?? keys[0]
    if let path = context.settings.text("\(custom).path") {
      let file = context.file(path)
      if !file.exists {
        context.findings.supply(
          "stages.reward", .string(path), "there is no such file here; put the Python file where the spec names it")
      }
      wiring.addPython(
        file.path, function: context.settings.text("\(custom).name") ?? "compute_score", bridge: "verl",
        arguments: context.settings.table("\(custom).reward_kwargs"))
    } else {
      addDefaultReward(to: &wiring)
    }
    try addOverlong(to: &wiring)
    if try context.settings.flag("reward_model.enable") == true {
      context.differs(
        "reward_model.enable", "there is no reward model in the trainer; 'judge' asks one behind a server")
    }
    context.recipe.rewards = wiring.functions
    context.recipe.rewardReads = wiring.reads
  }

  /// verl scores by the `data_source` of each row.
  private mutating func addDefaultReward(to wiring: inout RewardWiring) {
    let isGeometry = context.recipe.prompts.contains { $0.contains("geo3k") || $0.contains("geometry3k") }
    if isGeometry {
      wiring.addMath(formatWeight: 0.1, ignoresSpaces: false)
    } else {
      wiring.add("math-answer", name: "accuracy", ["unknown": "zero"])
    }
    context.findings.differs(
      "custom_reward_function.path", nil,
      "verl scores by each row's data_source with functions of its own; here "
        + (isGeometry
          ? "'math-answer' and 'boxed-format' score as its function for geometry3k does"
          : "'math-answer' scores all: see that the answers are mathematical"))
  }

  /// DAPO's punishment of long responses.
  private mutating func addOverlong(to wiring: inout RewardWiring) throws {
    let areas = ["reward_model.reward_kwargs", "reward.reward_kwargs", "reward_model"]
    guard
      let area = areas.first(where: {
        context.settings.has("\($0).overlong_buffer_cfg") || context.settings.has("\($0).overlong_buffer")
      })
    else { return }
    let key =
      context.settings.has("\(area).overlong_buffer_cfg") ? "\(area).overlong_buffer_cfg" : "\(area).overlong_buffer"
    context.settings.use("\(key).log")
    guard try context.settings.flag("\(key).enable") == true else {
      for name in ["len", "penalty_factor"] { context.silent("\(key).\(name)", "\(key).enable is off") }
      return context.silent("\(area).max_resp_len", "\(key).enable is off")
    }
    let longest = try context.settings.integer("\(area).max_resp_len") ?? maxTokens() ?? 512
    let cache = try context.settings.integer("\(key).len") ?? 0
    let weight = try context.settings.number("\(key).penalty_factor") ?? 1
    wiring.add("soft-overlong", weight: weight, ["max_length": .number(longest), "cache": .number(cache)])
    context.findings.differs(
      "\(key).penalty_factor", context.settings.givenValue("\(key).penalty_factor"),
      "verl's scores of DAPO's data are −1 and 1, ours are 0 and 1: give 'accuracy' the weight 2 for the same proportion"
    )
  }

  private mutating func convertFilter() throws {
    let key = "algorithm.filter_groups"
    guard try context.settings.flag("\(key).enable") == true else {
      for name in ["metric", "max_num_gen_batches"] { context.silent("\(key).\(name)", "\(key).enable is off") }
      return
    }
    let count = try context.settings.integer("\(key).max_num_gen_batches") ?? 0
    context.recipe.filters.append(
      .init(options: [.init("rule", "zero-variance")], attempts: count > 0 ? count : 1_000_000))
    let ours = ["score", "reward", "seq_reward", "seq_final_reward"]
    if let metric = context.settings.text("\(key).metric"), !ours.contains(metric) {
      context.differs("\(key).metric", "zero variance is judged by the reward, not by a part of it")
    }
  }

  /// In the reward, in the loss, or both.
  private mutating func convertKL() throws {
    if try context.settings.flag("algorithm.use_kl_in_reward") == true {
      var options: Members = []
      options.set("coefficient", try context.settings.number("algorithm.kl_ctrl.kl_coef").map { .number($0) })
      let name = context.settings.text("algorithm.kl_penalty") ?? "kl"
      options.set("estimator", .string(estimator(name, "algorithm.kl_penalty")))
      if context.settings.text("algorithm.kl_ctrl.type") == "adaptive" {
        options.set("controller", "adaptive")
        options.set("target", try context.settings.number("algorithm.kl_ctrl.target_kl").map { .number($0) })
        options.set("horizon", try context.settings.number("algorithm.kl_ctrl.horizon").map { .number($0) })
      }
      context.recipe.klPenalty = .stage("kl-penalty", options)
    } else {
      for name in ["kl_penalty", "kl_ctrl.type", "kl_ctrl.kl_coef", "kl_ctrl.target_kl", "kl_ctrl.horizon"] {
        context.silent("algorithm.\(name)", "algorithm.use_kl_in_reward is off")
      }
    }
    guard try context.settings.flag("\(Self.actor).use_kl_loss") == true else {
      for name in ["kl_loss_coef", "kl_loss_type"] { context.silent("\(Self.actor).\(name)", "use_kl_loss is off") }
      return
    }
    let coefficient = try context.settings.number("\(Self.actor).kl_loss_coef") ?? 0
    let name = context.settings.text("\(Self.actor).kl_loss_type") ?? "low_var_kl"
    guard coefficient > 0 else { return }
    context.recipe.update.set(
      "kl",
      [
        "coefficient": .number(coefficient), "estimator": .string(estimator(name, "\(Self.actor).kl_loss_type")),
      ])
  }

  private mutating func estimator(_ name: String, _ key: String) -> String {
    if name.hasSuffix("+") {
      context.differs(key, "the loss has k2's gradient, as there, but its figure is k2's too")
    }
    if let known = PeerNames.klEstimator(name) { return known }
    context.differs(key, "there is no such estimator; 'k3' stands here")
    return "k3"
  }

  private mutating func convertAdvantage() throws {
    let key = "algorithm.adv_estimator"
    let name = context.settings.text(key) ?? "gae"
    let divides = try context.settings.flag("algorithm.norm_adv_by_std_in_grpo") ?? true
    guard let estimator = PeerNames.advantage(name, dividesByDeviation: divides) else {
      return context.explainMissingAdvantage(key, name)
    }
    if !divides, estimator != "dr-grpo" {
      context.silent("algorithm.norm_adv_by_std_in_grpo", "only 'grpo' divides by the standard deviation")
    }
    try context.setAdvantage(estimator, key, name)
    context.settings.use("algorithm.lam")
  }
}

// The update, and what stands beside the steps.

extension VerlConversion {
  private mutating func convertUpdate() throws {
    let kl = context.recipe.update
    let (loss, aggregation) = try loss()
    var update: Members = [.init("loss", loss), .init("aggregation", .string(aggregation))]
    if aggregation == "seq-mean-token-sum-norm" {
      let longest = try context.settings.integer("\(Self.actor).loss_scale_factor") ?? maxTokens()
      update.set("longest", longest.map { .number($0) })
      context.differs(
        "\(Self.actor).loss_agg_mode",
        "verl does not divide by the number of responses, so that its gradients are larger, and are clipped earlier")
    }
    let mini = try context.settings.integer("\(Self.actor).ppo_mini_batch_size")
    update.set("minibatches", context.minibatches(context.recipe.groups, mini).map { .number($0) })
    if let epochs = try context.settings.integer("\(Self.actor).ppo_epochs"), epochs > 1 {
      update.set("epochs", .number(epochs))
    }
    update.set("learning_rate", try schedule())
    let optimizer = "\(Self.actor).optim"
    let norm =
      try context.settings.has("\(Self.actor).grad_clip")
      ? context.settings.number("\(Self.actor).grad_clip") : context.settings.number("\(optimizer).clip_grad")
    update.set(
      "optimizer",
      try context.optimizer(betas: "\(optimizer).betas", weightDecay: "\(optimizer).weight_decay", gradientNorm: norm))
    if let bonus = try context.settings.number("\(Self.actor).entropy_coeff"), bonus != 0 {
      update.set("entropy_bonus", .number(bonus))
    }
    context.recipe.update = update + kl
    try convertCorrection()
  }

  private mutating func schedule() throws -> JSONValue {
    let optimizer = "\(Self.actor).optim"
    let rate = try context.settings.number("\(optimizer).lr")
    var shape = context.settings.text("\(optimizer).lr_scheduler_type") ?? "constant"
    var least = try context.settings.number("\(optimizer).min_lr_ratio")
    context.settings.use("\(optimizer).warmup_style")
    if context.settings.has("\(optimizer).warmup_style"), let style = context.settings.text("\(optimizer).warmup_style")
    {
      shape = style
    }
    if usesMegatron {
      shape = context.settings.text("\(optimizer).lr_decay_style") ?? "constant"
      let floor = try context.settings.number("\(optimizer).min_lr") ?? 0
      least = rate.map { $0 > 0 ? floor / $0 : 0 }
      context.differs(
        "\(optimizer).lr_decay_steps", "the rate falls over the whole run; learning_rate.total_steps changes that")
    }
    if !["constant", "linear", "cosine"].contains(shape) {
      context.findings.differs(
        "\(optimizer).lr_decay_style", .string(shape), "there is no such schedule; the rate is constant")
      shape = "constant"
    }
    if let cycles = try context.settings.number("\(optimizer).num_cycles"), cycles != 0.5, shape == "cosine" {
      context.differs("\(optimizer).num_cycles", "the rate falls along half a wave")
    }
    return context.schedule(
      rate: rate, warmUpSteps: try context.settings.integer("\(optimizer).lr_warmup_steps"),
      warmUpRatio: try context.settings.number("\(optimizer).lr_warmup_steps_ratio"), shape: shape, leastShare: least)
  }

  /// The loss, and its aggregation: verl's gspo and sapo have one of their own.
  private mutating func loss() throws -> (JSONValue, String) {
    let key = "\(Self.actor).policy_loss.loss_mode"
    let names = ["vanilla": "clip", "gspo": "gspo", "cispo": "cispo", "sapo": "sapo"]
    let mode = context.settings.text(key) ?? "vanilla"
    if names[mode] == nil { context.findings.differs(key, .string(mode), "there is no such loss; 'clip' stands here") }
    let name = names[mode] ?? "clip"
    var low = try context.settings.number("\(Self.actor).clip_ratio_low")
    var high = try context.settings.number("\(Self.actor).clip_ratio_high")
    let both = try context.settings.number("\(Self.actor).clip_ratio")
    // Null, as older versions have it, means clip_ratio.
    if low == nil { low = both }
    if high == nil { high = both }
    if context.settings.has("\(Self.actor).clip_ratio"), both != low || both != high {
      context.differs(
        "\(Self.actor).clip_ratio",
        "verl goes by clip_ratio_low and clip_ratio_high, of which the default is 0.2; versions before those went by this"
      )
    }
    // Only the plain loss has verl's dual clip.
    let dual = name == "clip" ? try context.settings.number("\(Self.actor).clip_ratio_c") : nil
    let positive = try context.settings.number("\(Self.actor).tau_pos")
    let negative = try context.settings.number("\(Self.actor).tau_neg")
    if name != "clip" { context.silent("\(Self.actor).clip_ratio_c", "only the plain loss has a dual clip") }
    var aggregation = context.settings.text("\(Self.actor).loss_agg_mode") ?? "token-mean"
    if ["gspo", "sapo"].contains(name) {
      if aggregation != "seq-mean-token-mean" {
        context.silent("\(Self.actor).loss_agg_mode", "verl's \(name) takes seq-mean-token-mean whatever it says")
      }
      aggregation = "seq-mean-token-mean"
    }
    let options = LossOptions(low: low, high: high, dual: dual, positive: positive, negative: negative)
    return (options.loss(name), aggregation)
  }

  /// verl's correction for another engine's probabilities.
  private mutating func convertCorrection() throws {
    let key = "algorithm.rollout_correction"
    let level = context.settings.text("\(key).rollout_is")
    let cap = try context.settings.number("\(key).rollout_is_threshold")
    if let level, ["token", "sequence"].contains(level) {
      var options: Members = [.init("level", .string(level)), .init("mode", "truncate")]
      options.set("cap", cap.map { .number($0) })
      context.recipe.update.set("importance", .object(options))
    } else {
      context.silent("\(key).rollout_is_threshold", "rollout_is is off")
    }
    for name in ["rollout_rs", "rollout_is_batch_normalize", "bypass_mode"]
    where context.settings.text("\(key).\(name)").map({ $0 != "false" && $0 != "False" }) == true {
      context.differs("\(key).\(name)", "there is no counterpart")
    }
    if try context.settings.flag("\(key).bypass_mode") != true {
      context.silent("\(key).loss_type", "bypass_mode is off")
    }
  }

  private mutating func convertTraining() throws {
    if let epochs = try context.settings.integer("trainer.total_epochs"), epochs > 0 { context.recipe.epochs = epochs }
    if let steps = try context.settings.integer("trainer.total_training_steps"), steps > 0 {
      context.recipe.steps = steps
    }
    try context.setCheckpoints(every: "trainer.save_freq", keep: "trainer.max_actor_ckpt_to_keep")
    let files = context.prompts("data.val_files", as: "training.evaluation.prompts")
    let area = "\(Self.rollout).val_kwargs"
    let isGreedy = try context.settings.flag("\(area).do_sample") != true
    let sampling = try sampling(area, maxTokens: maxTokens(), isGreedy: isGreedy)
    try context.setEvaluation(
      files, every: "trainer.test_freq", samples: context.settings.integer("\(area).n"), sampling: sampling)
  }
}
