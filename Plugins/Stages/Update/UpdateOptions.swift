// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

extension UpdateStage {
  /// The options.
  package struct Options: ComponentOptions {
    package var loss = ComponentReference("clip")
    package var aggregation = AggregationChoice.auto
    package var minibatches = 1
    package var epochs = 1
    package var learningRate = LearningRateSchedule()
    package var optimizer = OptimizerOptions()
    package var entropyBonus = 0.0
    package var highEntropy = HighEntropyTokens()
    package var contrast = ContrastOptions()
    package var kl = KLOptions()
    package var importance = ImportanceCorrection()
    package var replayed = ReplayedOptions()
    package var oldLogProbs = OldLogProbs.auto
    package var longest = 0
    package var divergenceLimit = 5.0

    /// The defaults.
    package init() {}

    /// Losses are named in `loss`.
    package static let componentKinds: [String: ComponentKind] = ["loss": .loss]

    /// The help for each option.
    package static let help = [
      "loss": "the loss, by name",
      "aggregation": "how the losses of tokens become one number; auto takes what the loss was published with",
      "minibatches": "optimizer steps that a batch is cut into; the published runs have 4",
      "epochs": "how often the batch is gone through",
      "learning_rate": "the learning rate; its steps are optimizer steps, of which a batch has epochs × minibatches",
      "optimizer": "AdamW, as in PyTorch",
      "entropy_bonus":
        "what the mean entropy of the tokens' distributions is multiplied by before it is subtracted from the loss; 0 for none",
      "high_entropy": "train on the tokens with the highest entropies alone; the stage 'entropies' must come before",
      "contrast": "use how much tokens depend on the image; the stage 'contrast' must come before",
      "kl":
        "a penalty in the loss for the distance to the initial policy of the run; off unless it has a coefficient",
      "importance":
        "a correction for rollouts sampled by another policy or engine; off by default, but for those of rollout_weights",
      "replayed":
        "how trajectories of earlier steps are trained on: those that the stage 'replay' has brought in, and those of groups that have "
        + "waited in 'waves' of 'rollout'",
      "old_log_probs": "auto takes the rollout's own if this policy sampled it; recompute computes all",
      "longest": "seq-mean-token-sum-norm: the longest permitted response; 0 to take it from the records' "
        + "sampling.max_tokens",
      "divergence_limit":
        "stop when the policy has moved by this many nats per token within a step; 0 never stops",
    ]

    /// The problems of the values.
    package func problems() -> [OptionProblem] {
      var problems: [OptionProblem] = []
      if minibatches < 1 { problems.append(OptionProblem("minibatches", "is \(minibatches), it must be at least 1")) }
      if epochs < 1 { problems.append(OptionProblem("epochs", "is \(epochs), it must be at least 1")) }
      if !(entropyBonus >= 0 && entropyBonus.isFinite) {
        problems.append(OptionProblem("entropy_bonus", "is \(entropyBonus), it must be 0 or more"))
      }
      if longest < 0 { problems.append(OptionProblem("longest", "is \(longest), it must be 0 or more")) }
      if !(divergenceLimit >= 0) {
        problems.append(OptionProblem("divergence_limit", "is \(divergenceLimit), it must be 0 or more"))
      }
      return problems
    }
  }

  /// An aggregation, or the one that the loss was published with.
  package enum AggregationChoice: String, Codable, Sendable, CaseIterable {
    /// The loss's own.
    case auto
    /// See ``LossAggregation/tokenMean``.
    case tokenMean = "token-mean"
    /// See ``LossAggregation/sequenceMeanTokenMean``.
    case sequenceMeanTokenMean = "seq-mean-token-mean"
    /// See ``LossAggregation/sequenceMeanTokenSum``.
    case sequenceMeanTokenSum = "seq-mean-token-sum"
    /// See ``LossAggregation/sequenceMeanTokenSumNorm``.
    case sequenceMeanTokenSumNorm = "seq-mean-token-sum-norm"

    /// The aggregation; nil for the loss's own.
    var chosen: LossAggregation? { LossAggregation(rawValue: rawValue) }
  }
}

/// AdamW, as set in a spec.
package struct OptimizerOptions: ComponentOptions, Hashable {
  package var beta1 = 0.9
  package var beta2 = 0.999
  package var epsilon = 1e-8
  package var weightDecay = 0.01
  package var decaying = OptimizerStep.Decaying.all
  package var visionRateFactor = 1.0
  package var maxGradientNorm = 1.0

  /// The defaults.
  package init() {}

  /// The help for each option.
  package static let help = [
    "beta1": "the decay of the first moment",
    "beta2": "the decay of the second moment",
    "epsilon": "the constant added to the root of the second moment",
    "weight_decay": "the decoupled weight decay",
    "decaying": "which weights decay: all, or only matrices",
    "vision_rate_factor": "the factor of the learning rate for the vision tower, if it is trained",
    "max_gradient_norm": "gradients of a larger norm are scaled down to it",
  ]

  /// The problems of the values.
  package func problems() -> [OptionProblem] {
    var problems: [OptionProblem] = []
    for (name, value) in [("beta1", beta1), ("beta2", beta2)] where !(value >= 0 && value < 1) {
      problems.append(OptionProblem(name, "is \(value), it must be at least 0 and less than 1"))
    }
    for (name, value) in [("epsilon", epsilon), ("max_gradient_norm", maxGradientNorm)] where !(value > 0) {
      problems.append(OptionProblem(name, "is \(value), it must be more than 0"))
    }
    for (name, value) in [("weight_decay", weightDecay), ("vision_rate_factor", visionRateFactor)]
    where !(value >= 0 && value.isFinite) {
      problems.append(OptionProblem(name, "is \(value), it must be 0 or more"))
    }
    return problems
  }

  func apply(to step: inout OptimizerStep) {
    step.beta1 = beta1
    step.beta2 = beta2
    step.epsilon = epsilon
    step.weightDecay = weightDecay
    step.decaying = decaying
    step.visionRateFactor = visionRateFactor
    step.maxGradientNorm = maxGradientNorm
  }
}
