// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// EasyR1's and Shuffle-R1's configurations.
///
/// Sources: EasyR1, `verl/trainer/ray_trainer.py`, `core_algos.py`, `verl/workers/fsdp_workers.py`; Shuffle-R1,
/// `shuffle_r1/ray_trainer.py`, `verl/workers/actor/dp_actor.py`, `verl/utils/dataset.py`.
struct EasyR1Conversion {
  private var context: ConversionContext
  private let isShuffleR1: Bool
  /// What parts of the reward are called behind the name of their function.
  private var partPrefix = ""

  /// - Throws: When a value has the wrong type.
  static func convert(_ context: inout ConversionContext) throws {
    var conversion = EasyR1Conversion(context)
    try conversion.run()
    context = conversion.context
  }

  private init(_ context: ConversionContext) {
    self.context = context
    isShuffleR1 = context.recipe.peer == .shuffleR1
    self.context.settings.setDefaults(isShuffleR1 ? EasyR1Defaults.shuffleR1 : EasyR1Defaults.easyR1)
  }

  private mutating func run() throws {
    try convertData()
    try convertModel()
    try convertRollout()
    try convertReward()
    try convertFilter()
    try convertKL()
    try convertAdvantage()
    try convertShuffle()
    try convertUpdate()
    try convertTraining()
    SettingReasons.easyR1.explainRest(&context)
  }

  private mutating func convertData() throws {
    context.setName()
    context.recipe.seed = try context.settings.integer("data.seed").map { max(0, $0) }
    context.recipe.prompts = context.prompts("data.train_files", as: "source.prompts")
    context.recipe.rollouts = context.settings.text("trainer.rollout_data_dir").map { $0 + "/*.jsonl" }
    context.recipe.isShuffled = try context.settings.flag("data.shuffle") ?? true
    context.recipe.groups = try context.settings.integer("data.rollout_batch_size")
    for (field, key) in [("prompt", "prompt_key"), ("answer", "answer_key"), ("images", "image_key")] {
      context.recipe.columns.set(field, context.settings.text("data.\(key)").map { .string($0) })
    }
    context.recipe.minPixels = try context.settings.integer("data.min_pixels")
    context.recipe.maxPixels = try context.settings.integer("data.max_pixels")
    try convertPrompt()
  }

  /// EasyR1 puts the prompt into a template; Shuffle-R1 puts its "system prompt" before the user's text.
  private mutating func convertPrompt() throws {
    if let path = context.settings.text("data.format_prompt") {
      let file = context.file(path)
      context.recipe.formatPrompt = ["file": .string(file.path)]
      if !file.exists {
        context.findings.supply(
          "source.format_prompt", .string(path), "there is no such file here; it is a part of the peer's examples")
      }
    }
    if let prompt = context.settings.text("data.system_prompt") {
      let text = prompt.trimmingCharacters(in: " \n\t\r")
      let needsRaw = ["{{", "{%", "{#"].contains { text.contains($0) }
      context.recipe.formatPrompt = .string((needsRaw ? "{% raw %}\(text){% endraw %}" : text) + " {{ content }}")
    }
    context.recipe.maxPromptTokens = try context.settings.integer("data.max_prompt_length")
  }

  private mutating func convertModel() throws {
    let model = "worker.actor.model"
    context.recipe.trainsVision = try context.settings.flag("\(model).freeze_vision_tower") == false
    if let rank = try context.settings.integer("\(model).lora.rank"), rank > 0 {
      context.recipe.lora.set("rank", .number(rank))
      context.recipe.lora.set("alpha", try context.settings.number("\(model).lora.alpha").map { .tidy($0) })
      explainAdapters()
    } else {
      for name in ["alpha", "target_modules", "exclude_modules"] {
        context.silent("\(model).lora.\(name)", "there are no adapters: lora.rank is 0")
      }
    }
    context.setModel("\(model).model_path")
  }

  private mutating func explainAdapters() {
    let key = "worker.actor.model.lora"
    context.settings.use("\(key).target_modules", "\(key).exclude_modules")
    if let targets = context.settings.text("\(key).target_modules"), targets != "all-linear" {
      context.differs("\(key).target_modules", "adapters are on all matrices of the decoder's layers")
    }
    if context.settings.text("\(key).exclude_modules") == nil {
      context.findings.differs(
        "\(key).exclude_modules", nil, "the peer has adapters on the vision tower too, here only the decoder has")
    }
  }

  private mutating func convertRollout() throws {
    let rollout = "worker.rollout"
    context.recipe.n = try context.settings.integer("\(rollout).n")
    let maxTokens = try context.settings.integer("data.max_response_length")
    context.recipe.sampling = try Self.sampling(&context.settings, rollout, overriddenBy: nil, maxTokens: maxTokens)
    if !isShuffleR1, try context.settings.flag("data.filter_overlong_prompts") == false {
      context.recipe.tooLong = "cut"
    } else {
      context.recipe.tooLong = isShuffleR1 ? "cut" : "skip"
    }
  }

  private static func sampling(
    _ settings: inout Settings, _ area: String, overriddenBy override: String?, maxTokens: Int?
  ) throws -> Members {
    func number(_ name: String) throws -> Double? {
      if let override, let value = try settings.number("\(override).\(name)") { return value }
      return try settings.number("\(area).\(name)")
    }
    var members: Members = []
    members.set("temperature", try number("temperature").map { .tidy($0) })
    members.set("top_p", try number("top_p").map { .tidy($0) })
    if let k = try number("top_k"), k > 0 { members.set("top_k", .number(Int(k))) }
    members.set("max_tokens", maxTokens.map { .number($0) })
    return members
  }
}

// Rewards, and what goes by them.

extension EasyR1Conversion {
  private mutating func convertReward() throws {
    var wiring = RewardWiring()
    let reward = "worker.reward"
    let keys = ["reward_function", "score_function", "compute_score"].map { "\(reward).\($0)" }
    context.settings.use("\(reward).reward_type")
    let arguments =
      context.settings.table("\(reward).reward_function_kwargs")
      ?? context.settings.table("\(reward).score_function_kwargs")
    let weight = arguments?["format_weight"].flatMap { Double($0.scalarText ?? "") }
    let name = keys.compactMap { context.settings.text($0) }.first
    switch name {
    case nil:
      context.findings.differs(
        "\(reward).reward_function", nil,
        "the configuration names no reward; 'math-answer' on what is boxed stands here")
      wiring.addMath(formatWeight: 0, ignoresSpaces: false)
    case "math": wiring.addMath(formatWeight: weight ?? 0.1, ignoresSpaces: false)
    case "r1v": wiring.addAnswerTags(formatWeight: weight ?? 0.5)
    case let name?: addFunction(name, arguments, formatWeight: weight ?? 0.1, to: &wiring)
    }
    context.recipe.rewards = wiring.functions
    context.recipe.scoresReplays = name != nil && wiring.prefix.isEmpty
    context.recipe.rewardReads = wiring.reads
    partPrefix = wiring.prefix
  }

  /// `FILE:FUNCTION`: through the bridge, but EasyR1's own example `math.py` where the file is not here.
  private mutating func addFunction(
    _ name: String, _ arguments: JSONValue?, formatWeight: Double, to wiring: inout RewardWiring
  ) {
    let parts = name.split(separator: ":", omittingEmptySubsequences: false)
    let path = parts.count > 1 ? parts.dropLast().joined(separator: ":") : name
    let file = context.file(path)
    if !file.exists, path.hasSuffix("reward_function/math.py") || path == "math.py" {
      context.findings.silent(
        "worker.reward.reward_function", .string(name),
        "the file is not here; 'math-answer' and 'boxed-format' score as EasyR1's example of this name does")
      return wiring.addMath(formatWeight: formatWeight, ignoresSpaces: true)
    }
    if !file.exists {
      context.findings.supply(
        "stages.reward", .string(name), "there is no such file here; put the Python file where the spec names it")
    }
    wiring.addPython(
      file.path, function: parts.count > 1 ? String(parts[parts.count - 1]) : "main", bridge: "easyr1",
      arguments: arguments)
  }

  private mutating func convertFilter() throws {
    let key = "algorithm.online_filtering"
    if try context.settings.flag(key) == true {
      var options: Members = [.init("rule", "reward-band")]
      options.set("low", try context.settings.number("algorithm.filter_low").map { .number($0) })
      options.set("high", try context.settings.number("algorithm.filter_high").map { .number($0) })
      var needsParts = false
      if let part = context.settings.text("algorithm.filter_key"), part != "overall" {
        options.set("score", .string(partPrefix + part))
        needsParts = true
      }
      context.recipe.filters.append(
        .init(options: options, attempts: try attempts("trainer.max_try_make_batch"), needsParts: needsParts))
      context.differs(
        "data.mini_rollout_batch_size",
        "each attempt at a full batch takes rollout_batch_size prompts, not as many as this")
    } else {
      for name in ["filter_low", "filter_high", "filter_key"] {
        context.silent("algorithm.\(name)", "algorithm.online_filtering is off")
      }
      context.silent("trainer.max_try_make_batch", "algorithm.online_filtering is off")
    }
    try convertGroupFilter()
  }

  /// Earlier versions' and Shuffle-R1's filter.
  private mutating func convertGroupFilter() throws {
    let key = "algorithm.filter_groups"
    guard try context.settings.flag("\(key).enable") == true else {
      for name in ["metric", "max_num_gen_batches"] { context.silent("\(key).\(name)", "\(key).enable is off") }
      return
    }
    context.recipe.filters.append(
      .init(options: [.init("rule", "zero-variance")], attempts: try attempts("\(key).max_num_gen_batches")))
    if let metric = context.settings.text("\(key).metric"), !["score", "reward", "seq_reward"].contains(metric) {
      context.differs("\(key).metric", "zero variance is judged by the reward, not by a part of it")
    }
  }

  /// How many batches of prompts a step may take; 0 or less means no limit there.
  private mutating func attempts(_ key: String) throws -> Int {
    guard let count = try context.settings.integer(key), count > 0 else { return 1_000_000 }
    return count
  }

  /// In the loss where `use_kl_loss` says so, otherwise in the reward.
  private mutating func convertKL() throws {
    let coefficient = try context.settings.number("algorithm.kl_coef") ?? 0
    let name = context.settings.text("algorithm.kl_penalty") ?? "kl"
    let isOff = try context.settings.flag("algorithm.disable_kl") == true || coefficient == 0
    let isInLoss = try context.settings.flag("algorithm.use_kl_loss") == true
    let type = context.settings.text("algorithm.kl_type")
    let target = try context.settings.number("algorithm.kl_target")
    let horizon = try context.settings.number("algorithm.kl_horizon")
    if isOff { return }
    guard let estimator = PeerNames.klEstimator(name) else {
      return context.findings.differs(
        "algorithm.kl_penalty", .string(name), "the KL divergence over the whole vocabulary is not computed; left out")
    }
    var options: Members = [.init("coefficient", .number(coefficient)), .init("estimator", .string(estimator))]
    if isInLoss { return context.recipe.update.set("kl", .object(options)) }
    if type == "adaptive" {
      options.set("controller", "adaptive")
      options.set("target", target.map { .number($0) })
      options.set("horizon", horizon.map { .number($0) })
    }
    context.recipe.klPenalty = .stage("kl-penalty", options)
  }

  private mutating func convertAdvantage() throws {
    let key = "algorithm.adv_estimator"
    let name = context.settings.text(key) ?? "grpo"
    guard let estimator = PeerNames.advantage(name, dividesByDeviation: true) else {
      return context.explainMissingAdvantage(key, name)
    }
    try context.setAdvantage(estimator, key, name)
    context.settings.use("algorithm.lam")
    try convertSelection(isPaired: name.hasPrefix("pairwise"))
  }

  /// Shuffle-R1's `purning_ratio` is the fraction that is dropped.
  private mutating func convertSelection(isPaired: Bool) throws {
    let key = "worker.actor.purning_ratio"
    let share = try context.settings.number(key) ?? 0
    guard isPaired else { return context.silent(key, "only the estimator 'pairwise_purning' drops pairs") }
    guard (0..<1).contains(share) else {
      throw PipelineError(.invalidData, "'\(key)' is \(share), it must lie in 0…1 and below 1")
    }
    context.recipe.selection.append(.stage("pairwise-sample", [.init("keep", .tidy(1 - share))]))
  }

  private mutating func convertShuffle() throws {
    let names = ["sampling_method", "sampling_coeff", "sampling_weight", "replay_times", "slice_sample"]
    guard try context.settings.flag("trainer.experience_replay") == true else {
      for name in names { context.silent("trainer.\(name)", "trainer.experience_replay is off") }
      return
    }
    var options: Members = []
    options.set("rounds", try context.settings.integer("trainer.replay_times").map { .number($0) })
    let weights = ["max": "max", "mean": "mean", "pos": "positive"]
    if let weight = context.settings.text("trainer.sampling_weight"), weight != "sum" {
      options.set("weight_by", weights[weight].map { .string($0) })
      if weights[weight] == nil {
        context.differs("trainer.sampling_weight", "there is no such weight; 'sum' stands here")
      }
    }
    if let method = context.settings.text("trainer.sampling_method"), method != "power" {
      switch method {
      case "softmax", "inverse": options.set("weighting", .string(method))
      case "log_softmax": options.set("weighting", "log-softmax")
      default: context.differs("trainer.sampling_method", "there is no such weighting; 'power' stands here")
      }
      if method.hasSuffix("softmax") {
        context.differs("trainer.sampling_method", "the peer's temperature changes over the run, ours stays")
      }
    }
    if let exponent = try context.settings.number("trainer.sampling_coeff"), exponent != 1 {
      options.set("exponent", .tidy(exponent))
    }
    if try context.settings.flag("trainer.slice_sample") == true {
      context.differs("trainer.slice_sample", "there is no counterpart")
    }
    context.recipe.selection.append(.stage("shuffle", options))
  }
}

// The update, and what stands beside the steps.

extension EasyR1Conversion {
  private mutating func convertUpdate() throws {
    let actor = "worker.actor"
    let kl = context.recipe.update
    var update: Members = [.init("loss", try loss())]
    if !isShuffleR1 {
      let mode = context.settings.text("\(actor).loss_avg_mode") ?? "token"
      update.set("aggregation", mode == "seq" ? "seq-mean-token-mean" : "token-mean")
    } else {
      update.set("aggregation", "token-mean")
    }
    let mini = try context.settings.integer("\(actor).global_batch_size")
    update.set("minibatches", context.minibatches(context.recipe.groups, mini).map { .number($0) })
    if let epochs = try context.settings.integer("\(actor).ppo_epochs"), epochs > 1 {
      update.set("epochs", .number(epochs))
    }
    update.set("learning_rate", try schedule())
    let norm = try context.settings.number("\(actor).max_grad_norm")
    update.set(
      "optimizer",
      try context.optimizer(
        betas: "\(actor).optim.betas", weightDecay: "\(actor).optim.weight_decay", gradientNorm: norm))
    context.recipe.update = update + kl
  }

  private mutating func schedule() throws -> JSONValue {
    let optimizer = "worker.actor.optim"
    let shape = context.settings.text("\(optimizer).lr_scheduler_type") ?? "constant"
    context.settings.use("\(optimizer).warmup_style")
    if let style = context.settings.text("\(optimizer).warmup_style"), style != "constant" {
      context.differs(
        "\(optimizer).warmup_style", "Shuffle-R1 reads it nowhere: its rate is constant behind the warm-up")
    }
    if context.settings.text("\(optimizer).strategy") == "adamw_bf16" {
      context.differs("\(optimizer).strategy", "the optimizer computes in float32 here")
    }
    return context.schedule(
      rate: try context.settings.number("\(optimizer).lr"),
      warmUpSteps: try context.settings.integer("\(optimizer).lr_warmup_steps"),
      warmUpRatio: try context.settings.number("\(optimizer).lr_warmup_ratio"), shape: shape,
      leastShare: try context.settings.number("\(optimizer).min_lr_ratio"))
  }

  private mutating func loss() throws -> JSONValue {
    let actor = "worker.actor"
    if isShuffleR1 {
      let limit = try context.settings.number("\(actor).clip_ratio").map { JSONValue.number($0) }
      for name in ["clip_ratio_low", "clip_ratio_high", "use_dapo"] {
        context.silent("\(actor).\(name)", "Shuffle-R1's update reads clip_ratio alone")
      }
      return ["use": "clip", "with": ["epsilon_low": limit ?? 0.2, "epsilon_high": limit ?? 0.2]]
    }
    let names = ["default": "clip", "gspo": "gspo", "gspo_token": "gspo-token", "cispo": "cispo", "sapo": "sapo"]
    let mode = context.settings.text("\(actor).loss_type") ?? "default"
    if names[mode] == nil { context.differs("\(actor).loss_type", "there is no such loss; 'clip' stands here") }
    let name = names[mode] ?? "clip"
    let both = try context.settings.has("\(actor).clip_ratio") ? context.settings.number("\(actor).clip_ratio") : nil
    let low = try both ?? context.settings.number("\(actor).clip_ratio_low")
    let high = try both ?? context.settings.number("\(actor).clip_ratio_high")
    let dual = try context.settings.number("\(actor).clip_ratio_dual")
    let positive = try context.settings.number("\(actor).tau_positive")
    let negative = try context.settings.number("\(actor).tau_negative")
    return LossOptions(low: low, high: high, dual: dual, positive: positive, negative: negative).loss(name)
  }

  private mutating func convertTraining() throws {
    context.recipe.epochs = try context.settings.integer(
      isShuffleR1 ? "trainer.total_episodes" : "trainer.total_epochs")
    if context.recipe.epochs ?? 0 < 1 { context.recipe.epochs = nil }
    if let steps = try context.settings.integer("trainer.max_steps"), steps > 0 { context.recipe.steps = steps }
    try context.setCheckpoints(every: "trainer.save_freq", keep: "trainer.save_limit")
    let files = context.prompts("data.val_files", as: "training.evaluation.prompts")
    let override = "worker.rollout.val_override_config"
    let samples = try context.settings.integer("\(override).n") ?? context.recipe.n
    let sampling = try Self.sampling(
      &context.settings, "worker.rollout", overriddenBy: override,
      maxTokens: context.settings.integer("data.max_response_length"))
    try context.setEvaluation(files, every: "trainer.val_freq", samples: samples, sampling: sampling)
  }
}
