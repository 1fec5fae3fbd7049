// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

/// How long a policy is trained, what is saved on the way, and how it is evaluated.
public struct TrainingOptions: ComponentOptions {
  /// The most steps; 0 for as many as the source's epochs give.
  public var steps = 0
  /// What is saved on the way.
  public var checkpoints = CheckpointOptions()
  /// How the policy is evaluated on the way.
  public var evaluation = EvaluationOptions()

  /// The defaults.
  public init() {}

  /// One line on each option.
  public static let help = [
    "steps": "The most steps; 0 for as many as the source's epochs give",
    "checkpoints": "What is saved on the way; a run continues from the newest",
    "evaluation": "How the policy is evaluated on prompts that it is not trained on",
  ]

  /// What is wrong with the values.
  public func problems() -> [OptionProblem] {
    steps < 0 ? [OptionProblem("steps", "is \(steps), it must be 0 or more")] : []
  }
}

/// What a training run saves on its way.
public struct CheckpointOptions: ComponentOptions {
  /// A checkpoint every so many steps; 0 for one at the end alone.
  public var every = 10
  /// How many of the newest stay.
  public var keep = 2
  /// Whether the one that evaluated best stays as well.
  public var keepBest = true

  /// The defaults.
  public init() {}

  /// One line on each option.
  public static let help = [
    "every": "Steps from one checkpoint to the next; 0 saves at the end alone",
    "keep": "How many of the newest stay",
    "keep_best": "Whether the one with the best val/ score stays as well, where the run evaluates",
  ]

  /// What is wrong with the values.
  public func problems() -> [OptionProblem] {
    var problems: [OptionProblem] = []
    if every < 0 { problems.append(OptionProblem("every", "is \(every), it must be 0 or more")) }
    if keep < 1 { problems.append(OptionProblem("keep", "is \(keep), it must be at least 1")) }
    return problems
  }
}

/// How a policy is evaluated while it is trained.
public struct EvaluationOptions: ComponentOptions {
  /// Files of prompts that are not trained on; none for no evaluation.
  public var prompts = SpecPaths()
  /// An evaluation every so many steps; 0 for one at the end alone.
  public var every = 10
  /// Whether the policy is evaluated before the first step too.
  public var before = true
  /// Responses to each prompt.
  public var samples = 8
  /// How responses are sampled.
  public var sampling = EvaluationOptions.defaultSampling
  /// What accuracy is the mean of: a part in `rewards`, or `reward`; empty for the part `accuracy`, or else `reward`.
  public var score = ""
  /// A field whose values are evaluated one by one as well; empty for none.
  public var by = ""
  /// How many prompts are used, from the first on; 0 for all.
  public var limit = 0

  private static var defaultSampling: SamplingOptions {
    var sampling = SamplingOptions()
    sampling.temperature = 0.5
    return sampling
  }

  /// The defaults: eight samples at temperature 0.5, as in the paper.
  public init() {}

  /// One line on each option.
  public static let help = [
    "prompts": "Files of prompts that are not trained on; none for no evaluation",
    "every": "Steps from one evaluation to the next; 0 evaluates at the end alone",
    "before": "Whether the policy is evaluated before the first step too",
    "samples": "Responses to each prompt",
    "sampling": "How responses are sampled",
    "score":
      "What accuracy is the mean of: a part in 'rewards', or 'reward'; empty for the part 'accuracy', or else 'reward'",
    "by": "A field, such as category, whose values are evaluated one by one as well",
    "limit": "How many prompts are used, from the first on; 0 for all",
  ]

  /// What is wrong with the values.
  public func problems() -> [OptionProblem] {
    var problems: [OptionProblem] = []
    if every < 0 { problems.append(OptionProblem("every", "is \(every), it must be 0 or more")) }
    if samples < 1 { problems.append(OptionProblem("samples", "is \(samples), it must be at least 1")) }
    if limit < 0 { problems.append(OptionProblem("limit", "is \(limit), it must be 0 or more")) }
    return problems
  }
}
