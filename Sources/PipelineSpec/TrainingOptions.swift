// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// How long a policy is trained, what is saved during training, and how it is evaluated.
package struct TrainingOptions: ComponentOptions {
  /// The maximum number of steps; 0 for as many as the source's epochs give.
  package var steps = 0
  /// What is saved during training.
  package var checkpoints = CheckpointOptions()
  /// How the policy is evaluated during training.
  package var evaluation = EvaluationOptions()

  /// The defaults.
  package init() {}

  /// One line for each option.
  package static let help = [
    "steps": "The maximum number of steps; 0 for as many as the source's epochs give",
    "checkpoints": "What is saved during training; a run continues from the newest",
    "evaluation": "How the policy is evaluated on prompts that it is not trained on",
  ]

  /// The problems of the values.
  package func problems() -> [OptionProblem] {
    steps < 0 ? [OptionProblem("steps", "is \(steps), it must be 0 or more")] : []
  }
}

/// What a training run saves.
package struct CheckpointOptions: ComponentOptions {
  /// The number of steps between checkpoints; 0 for only one at the end.
  package var every = 10
  /// How many of the newest are kept.
  package var keep = 2
  /// Whether the one with the best evaluation is kept too.
  package var keepBest = true

  /// The defaults.
  package init() {}

  /// One line for each option.
  package static let help = [
    "every": "The number of steps between checkpoints; 0 for only one at the end",
    "keep": "How many of the newest are kept",
    "keep_best": "Whether the one with the best val/ score is kept too, if the run evaluates",
  ]

  /// The problems of the values.
  package func problems() -> [OptionProblem] {
    var problems: [OptionProblem] = []
    if every < 0 { problems.append(OptionProblem("every", "is \(every), it must be 0 or more")) }
    if keep < 1 { problems.append(OptionProblem("keep", "is \(keep), it must be at least 1")) }
    return problems
  }
}

/// How a policy is evaluated during training.
package struct EvaluationOptions: ComponentOptions {
  /// Files of prompts that are not trained on; none for no evaluation.
  package var prompts = SpecPaths()
  /// The format of their records.
  package var format = "auto"
  /// Which column holds which field, for rows of no known format; none for those of the source.
  package var columns: [String: String] = [:]
  /// The number of steps between evaluations; 0 for only one at the end.
  package var every = 10
  /// Whether the policy is evaluated before the first step too.
  package var before = true
  /// The number of responses to each prompt.
  package var samples = 8
  /// How responses are sampled.
  package var sampling = EvaluationOptions.defaultSampling
  /// The score whose mean is the accuracy: a part in `rewards`, or `reward`; empty for the part `accuracy`, or else
  /// `reward`.
  package var score = ""
  /// A field whose values are also evaluated separately; empty for none.
  package var by = ""
  /// The number of prompts to use, from the first on; 0 for all.
  package var limit = 0

  private static var defaultSampling: SamplingOptions {
    var sampling = SamplingOptions()
    sampling.temperature = 0.5
    return sampling
  }

  /// The defaults: eight samples at temperature 0.5, as in the paper.
  package init() {}

  /// One line for each option.
  package static let help = [
    "prompts": "Files of prompts that are not trained on; none for no evaluation",
    "format": "The format of their records; 'auto' recognizes it, or takes the source's 'columns'",
    "columns": "Which column holds which field, for rows of no known format; those of the source if it is empty",
    "every": "The number of steps between evaluations; 0 for only one at the end",
    "before": "Whether the policy is evaluated before the first step too",
    "samples": "Responses to each prompt",
    "sampling": "How responses are sampled",
    "score":
      "The score whose mean is the accuracy: a part in 'rewards', or 'reward'; empty for the part 'accuracy', or else 'reward'",
    "by": "A field, such as category, whose values are also evaluated separately",
    "limit": "How many prompts are used, from the first on; 0 for all",
  ]

  /// The problems of the values.
  package func problems() -> [OptionProblem] {
    var problems: [OptionProblem] = []
    problems += SourceOptions.columnProblems(columns)
    if every < 0 { problems.append(OptionProblem("every", "is \(every), it must be 0 or more")) }
    if samples < 1 { problems.append(OptionProblem("samples", "is \(samples), it must be at least 1")) }
    if limit < 0 { problems.append(OptionProblem("limit", "is \(limit), it must be 0 or more")) }
    return problems
  }
}
