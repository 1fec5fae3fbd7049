// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// The fields of TRL's `GRPOConfig`, and of the scripts that go with it.
///
/// Sources: TRL, `trl/trainer/grpo_config.py`, `grpo_trainer.py` and `trl/scripts/grpo.py`.
struct TRLConversion {
  private var context: ConversionContext
  private let processes: Int
  /// Optimizer steps of one batch of rollouts.
  private var updates = 1

  /// - Throws: When a value has the wrong type, or the batch does not hold whole groups.
  static func convert(_ context: inout ConversionContext, processes: Int) throws {
    var conversion = TRLConversion(context, processes: processes)
    try conversion.run()
    context = conversion.context
  }

  private init(_ context: ConversionContext, processes: Int) {
    (self.context, self.processes) = (context, processes)
    self.context.settings.setDefaults(TRLDefaults.fields)
  }

  private mutating func run() throws {
    try convertData()
    try convertModel()
    let minibatches = try convertBatch()
    try convertRollout()
    try convertReward()
    try convertAdvantage()
    try convertUpdate(minibatches)
    try convertTraining()
    SettingReasons.trl.explainRest(&context)
  }

  private mutating func convertData() throws {
    context.recipe.name = [context.settings.text("run_name") ?? context.settings.text("output_dir")].compactMap { $0 }
    context.recipe.seed = try context.settings.integer("seed").map { max(0, $0) }
    context.recipe.prompts = context.prompts("dataset_name", as: "source.prompts")
    if context.recipe.prompts.isEmpty {
      context.findings.supply(
        "source.prompts", nil, "the configuration names no data set; a program loads it. Name a file with its prompts")
    }
    let split = context.settings.text("dataset_train_split") ?? "train"
    context.settings.use("dataset_config", "dataset_test_split")
    if split != "train" { context.findings.supply("source.prompts", .string(split), "take this split of the data set") }
    context.recipe.isShuffled = try context.settings.flag("shuffle_dataset") ?? true
    context.recipe.n = try context.settings.integer("num_generations")
  }

  private mutating func convertModel() throws {
    if try context.settings.flag("use_peft") == true {
      context.recipe.lora.set("rank", try context.settings.integer("lora_r").map { .number($0) })
      context.recipe.lora.set("alpha", try context.settings.number("lora_alpha").map { .tidy($0) })
      context.recipe.trainsVision = false
      context.differs("lora_target_modules", "adapters are on all matrices of the decoder's layers")
      context.differs("lora_dropout", "adapters have no dropout")
    } else {
      for name in ["lora_r", "lora_alpha", "lora_target_modules", "lora_dropout"] {
        context.silent(name, "use_peft is off")
      }
    }
    context.setModel("model_name_or_path")
  }

  /// A batch of rollouts is `generation_batch_size` completions, used for as many optimizer steps as it holds batches.
  private mutating func convertBatch() throws -> Int {
    let device = try context.settings.integer("per_device_train_batch_size") ?? 8
    let accumulation = try max(1, context.settings.integer("gradient_accumulation_steps") ?? 1)
    let perStep = device * processes
    var size = perStep * (try context.settings.integer("steps_per_generation") ?? accumulation)
    if let given = try context.settings.integer("generation_batch_size") { size = given }
    let n = max(1, context.recipe.n ?? 8)
    guard size >= n, size.isMultiple(of: n) else {
      throw PipelineError(
        .invalidData,
        "a batch of \(size) completions (per_device_train_batch_size × processes × steps_per_generation) does not hold whole "
          + "groups of num_generations (\(n)), which TRL refuses too; the number of processes is that of `accelerate launch "
          + "--num_processes`, or set generation_batch_size")
    }
    context.recipe.groups = size / n
    let minibatches = max(1, size / (perStep * accumulation))
    if processes == 1, context.settings.has("per_device_train_batch_size") {
      context.findings.differs(
        "per_device_train_batch_size", context.settings.givenValue("per_device_train_batch_size"),
        "one process is assumed; with more, source.batch.groups is as many times larger")
    }
    return minibatches
  }

  private mutating func convertRollout() throws {
    context.recipe.sampling.set("temperature", try context.settings.number("temperature").map { .tidy($0) })
    context.recipe.sampling.set("top_p", try context.settings.number("top_p").map { .tidy($0) })
    if let k = try context.settings.integer("top_k"), k > 0 { context.recipe.sampling.set("top_k", .number(k)) }
    context.recipe.sampling.set("max_tokens", try context.settings.integer("max_completion_length").map { .number($0) })
    for (name, neutral) in [("repetition_penalty", 1.0), ("min_p", 0.0)] {
      if let value = try context.settings.number(name), value != neutral {
        context.differs(name, "tokens are drawn without it")
      }
    }
  }
}

extension TRLConversion {
  private mutating func convertReward() throws {
    var wiring = RewardWiring()
    let names = context.settings.texts("reward_funcs")
    let weights = (context.settings.value("reward_weights")?.arrayValue ?? []).compactMap {
      Double($0.scalarText ?? "")
    }
    for (index, name) in names.enumerated() {
      add(name, weight: index < weights.count ? weights[index] : 1, to: &wiring)
    }
    if names.isEmpty {
      context.findings.differs(
        "reward_funcs", nil, "the configuration names no reward, a program passes it; 'math-answer' stands here")
      wiring.add("math-answer", name: "accuracy")
    }
    context.differs(
      "reward_model_name_or_path", "there is no reward model in the trainer; 'judge' asks one behind a server")
    if context.settings.text("multi_objective_aggregation") == "normalize_then_sum" {
      context.differs("multi_objective_aggregation", "rewards are added up before they are normalised")
    }
    context.recipe.rewards = wiring.functions
    context.recipe.rewardReads = wiring.reads
  }

  private mutating func add(_ name: String, weight: Double, to wiring: inout RewardWiring) {
    switch name {
    case "accuracy_reward", "reasoning_accuracy_reward":
      wiring.add(
        "math-answer", name: "accuracy", weight: weight, name == "accuracy_reward" ? [:] : ["thinking": "ignored"])
    case "think_format_reward": wiring.add("think-format", weight: weight)
    case "get_soft_overlong_punishment":
      wiring.add("soft-overlong", weight: weight, ["max_length": 1280, "cache": 256])
    default:
      let parts = name.split(separator: ".").map(String.init)
      let path = parts.count > 1 ? parts.dropLast().joined(separator: "/") + ".py" : "rewards.py"
      let file = context.file(path)
      if !file.exists {
        context.findings.supply(
          "stages.reward", .string(name), "there is no \(path) here; put the Python file where the spec names it")
      }
      wiring.addPython(file.path, function: parts.last ?? name, bridge: "trl", arguments: nil, weight: weight)
    }
  }

  private mutating func convertAdvantage() throws {
    let scale = context.settings.text("scale_rewards")?.lowercased() ?? "group"
    var estimator = "grpo"
    switch scale {
    case "group", "true": break
    case "none", "false": estimator = "dr-grpo"
    default:
      context.differs("scale_rewards", "the standard deviation is that of the group, not of the batch")
    }
    context.recipe.advantage = .stage("advantage", [.init("estimator", .string(estimator))])
    if try context.settings.flag("mask_truncated_completions") == true {
      // Behind the advantage: what is cut off counts in its group, and is not trained on.
      context.recipe.selection.append(.stage("filter", [.init("rule", "overlong")]))
    }
  }

  private mutating func convertUpdate(_ minibatches: Int) throws {
    let (loss, aggregation) = try loss()
    var update: Members = [.init("loss", loss), .init("aggregation", .string(aggregation))]
    if aggregation == "seq-mean-token-sum-norm" {
      update.set("longest", try context.settings.integer("max_completion_length").map { .number($0) })
    }
    update.set("minibatches", .number(minibatches))
    let iterations = try max(1, context.settings.integer("num_iterations") ?? 1)
    if iterations > 1 { update.set("epochs", .number(iterations)) }
    updates = minibatches * iterations
    update.set("learning_rate", try schedule())
    var optimizer: Members = []
    for (ours, theirs) in [
      ("beta1", "adam_beta1"), ("beta2", "adam_beta2"), ("epsilon", "adam_epsilon"), ("weight_decay", "weight_decay"),
      ("max_gradient_norm", "max_grad_norm"),
    ] { optimizer.set(ours, try context.settings.number(theirs).map { .number($0) }) }
    // transformers lets norms and biases be.
    if try context.settings.number("weight_decay") ?? 0 > 0 { optimizer.set("decaying", "matrices") }
    update.set("optimizer", .object(optimizer))
    if let name = context.settings.text("optim"), !name.hasPrefix("adamw_torch") {
      context.differs("optim", "the optimizer is AdamW in float32")
    }
    if let bonus = try context.settings.number("entropy_coef"), bonus != 0 {
      update.set("entropy_bonus", .number(bonus))
    }
    if let beta = try context.settings.number("beta"), beta > 0 {
      update.set("kl", ["coefficient": .number(beta), "estimator": "k3"])
    }
    context.recipe.update = update
    if try context.settings.flag("use_adaptive_entropy") == true {
      context.differs("use_adaptive_entropy", "the entropy's coefficient stays as it is")
    }
    if let share = try context.settings.number("top_entropy_quantile"), share < 1 {
      context.differs("top_entropy_quantile", "all tokens are trained on, not only those of high entropy")
    }
  }

  /// transformers' schedules, whose steps are optimizer steps.
  private mutating func schedule() throws -> JSONValue {
    let rate = try context.settings.number("learning_rate")
    let type = context.settings.text("lr_scheduler_type") ?? "linear"
    let arguments = context.settings.table("lr_scheduler_kwargs")
    func number(_ name: String) -> Double? { arguments?[name].flatMap { Double($0.scalarText ?? "") } }
    var shape = "constant"
    switch type {
    case "linear": shape = "linear"
    case "cosine", "cosine_with_min_lr": shape = "cosine"
    case "constant", "constant_with_warmup": break
    default: context.differs("lr_scheduler_type", "there is no such schedule; the rate is constant")
    }
    var members: Members = []
    members.set("rate", rate.map { .number($0) })
    if shape != "constant" { members.set("shape", .string(shape)) }
    if type != "constant" {
      let steps = try context.settings.number("warmup_steps") ?? 0
      // transformers 5 takes a share here too.
      let ratio = try steps > 0 && steps < 1 ? steps : context.settings.number("warmup_ratio") ?? 0
      if steps >= 1 {
        members.set("warm_up_steps", .number(Int(steps)))
      } else if ratio > 0 {
        members.set("warm_up_ratio", .tidy(ratio))
      }
    }
    let least = number("min_lr_rate") ?? number("min_lr").flatMap { floor in rate.map { $0 > 0 ? floor / $0 : 0 } }
    if shape == "cosine", let least, least > 0 { members.set("least_share", .tidy(least)) }
    return .object(members)
  }

  private mutating func loss() throws -> (JSONValue, String) {
    let type = context.settings.text("loss_type") ?? "dapo"
    let low = try context.settings.number("epsilon") ?? 0.2
    let high = try context.settings.number("epsilon_high") ?? low
    let delta = try context.settings.number("delta")
    let level = context.settings.text("importance_sampling_level") ?? "token"
    let positive = try context.settings.number("sapo_temperature_pos")
    let negative = try context.settings.number("sapo_temperature_neg")
    var options = LossOptions(low: low, high: high, dual: delta, positive: positive, negative: negative)
    let aggregations = [
      "grpo": "seq-mean-token-mean", "sapo": "seq-mean-token-mean", "bnpo": "token-mean", "dapo": "token-mean",
      "cispo": "token-mean", "dr_grpo": "seq-mean-token-sum-norm",
    ]
    let aggregation = aggregations[type] ?? "token-mean"
    switch type {
    case "cispo":
      // TRL's epsilon_high is the largest weight itself, and there is no least one.
      options.low = 1
      options.high = max(0, high - 1)
      return (options.loss("cispo"), aggregation)
    case "sapo": return (options.loss("sapo"), aggregation)
    case _ where aggregations[type] == nil: context.differs("loss_type", "there is no such loss; 'clip' stands here")
    default: break
    }
    switch level {
    case "sequence": return (options.loss("gspo"), aggregation)
    case "sequence_token": return (options.loss("gspo-token"), aggregation)
    default: return (options.loss("clip"), aggregation)
    }
  }

  /// Optimizer steps in steps of the run.
  private func inSteps(_ count: Int) -> Int { max(1, (count + updates - 1) / updates) }

  private mutating func convertTraining() throws {
    let steps = try context.settings.integer("max_steps") ?? -1
    if steps > 0 {
      context.recipe.steps = inSteps(steps)
      context.settings.use("num_train_epochs")
    } else if let epochs = try context.settings.number("num_train_epochs"), epochs > 0 {
      context.recipe.epochs = max(1, Int(epochs.rounded(.up)))
      if epochs != epochs.rounded() {
        context.differs("num_train_epochs", "epochs are whole here; training.steps ends a run within one")
      }
    }
    switch context.settings.text("save_strategy") ?? "steps" {
    case "no", "epoch": context.recipe.checkpoints.set("every", 0)
    default:
      if let every = try context.settings.number("save_steps"), every >= 1 {
        context.recipe.checkpoints.set("every", .number(inSteps(Int(every))))
      }
    }
    if let keep = try context.settings.integer("save_total_limit"), keep > 0 {
      context.recipe.checkpoints.set("keep", .number(keep))
    }
    try convertEvaluation()
  }

  private mutating func convertEvaluation() throws {
    let strategy = context.settings.text("eval_strategy") ?? "no"
    guard strategy != "no" else { return }
    context.findings.supply(
      "training.evaluation.prompts", nil, "TRL evaluates on a split of its data set; name a file with those prompts")
    let every = try strategy == "steps" ? context.settings.number("eval_steps") ?? 500 : 0
    context.recipe.evaluation.set("every", .number(every >= 1 ? inSteps(Int(every)) : 0))
    context.recipe.evaluation.set("before", .bool(try context.settings.flag("eval_on_start") == true))
    let samples = try context.settings.integer("num_generations_eval") ?? context.recipe.n
    context.recipe.evaluation.set("samples", samples.map { .number($0) })
    context.recipe.evaluation.set("sampling", .object(context.recipe.sampling))
  }
}
