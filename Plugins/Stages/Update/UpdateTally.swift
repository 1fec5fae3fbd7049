// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// The figures of a step's updates, under EasyR1's and verl's names.
struct UpdateTally {
  private let slots: [Int]
  private let examples: [Int: TrainingExample]
  private var figures: [MinibatchFigures] = []
  private var gradientNorms: [Double] = []
  private var paddings: [Double] = []
  private var learningRate = 0.0
  private var entropyThresholds: [Double] = []
  private var replayed: (ess: Double, limited: Double)?
  private var sampler: (gap: Double, ess: Double, limited: Double)?

  init(slots: [Int], examples: [Int: TrainingExample]) {
    self.slots = slots
    self.examples = examples
  }

  mutating func add(_ pass: MinibatchFigures, step: OptimizerStep, report: OptimizerReport) {
    figures.append(pass)
    gradientNorms.append(report.gradientNorm)
    if let padding = report.padding { paddings.append(padding) }
    learningRate = step.learningRate
  }

  /// Looks at the ratios of replayed tokens; each trajectory counts once.
  mutating func add(replayed correction: ImportanceCorrection) {
    replayed = ratios(correction, replayed: true).map { ($0.ess, $0.limited) }
  }

  /// Looks at how far the policy that sampled the other tokens is from the one before the step.
  mutating func add(sampled correction: ImportanceCorrection) { sampler = ratios(correction, replayed: false) }

  private func ratios(
    _ correction: ImportanceCorrection, replayed: Bool
  ) -> (gap: Double, ess: Double, limited: Double)? {
    var (gap, sum, squares, limited, count) = (0.0, 0.0, 0.0, 0, 0)
    for (_, example) in examples.sorted(by: { $0.key < $1.key }) where example.isOfEarlierStep == replayed {
      guard let sampled = example.sampled, let old = example.old,
        let found = correction.ratios(sampled: sampled, old: old)
      else { continue }
      for (one, other) in zip(sampled, old) { gap += abs(one - other) }
      for ratio in found.ratios { (sum, squares) = (sum + ratio, squares + ratio * ratio) }
      limited += found.limited
      count += sampled.count
    }
    guard count > 0, squares > 0 else { return nil }
    return (gap / Double(count), sum * sum / squares / Double(count), Double(limited) / Double(count))
  }

  mutating func add(entropyThreshold: Double) { entropyThresholds.append(entropyThreshold) }

  /// The mean of the KL divergence to the reference.
  var klMean: Double { mean { $0.klMean } }

  private func mean(_ value: (MinibatchFigures) -> Double) -> Double {
    figures.isEmpty ? 0 : figures.reduce(0) { $0 + value($1) } / Double(figures.count)
  }

  private func tokenShare(_ count: (MinibatchFigures) -> Int) -> Double {
    let tokens = figures.reduce(0) { $0 + $1.tokens }
    return tokens == 0 ? 0 : Double(figures.reduce(0) { $0 + count($1) }) / Double(tokens)
  }

  /// Reports all figures.
  ///
  /// - Parameter generated: How many rollouts the step began with.
  func report(to report: StageReport, generated: Int, memory: UpdateMemory, options: UpdateStage.Options) {
    report.metric("actor/pg_loss", mean { $0.loss })
    report.metric("actor/pg_clipfrac_higher", tokenShare { $0.clippedHigher })
    report.metric("actor/pg_clipfrac_lower", tokenShare { $0.clippedLower })
    report.metric("actor/ppo_kl", mean { $0.meanOldMinusNew })
    report.metric("actor/entropy_loss", mean { $0.meanSurprise })
    report.metric("actor/grad_norm", gradientNorms.reduce(0, +) / Double(max(1, gradientNorms.count)))
    if !paddings.isEmpty { report.metric("actor/padding", paddings.reduce(0, +) / Double(paddings.count)) }
    report.metric("actor/lr", learningRate)
    report.metric("actor/optimizer_steps", Double(memory.optimizerSteps))
    if options.entropyBonus > 0 { report.metric("actor/entropy", mean { $0.entropyMean }) }
    if options.contrast.reward > 0 { report.metric("actor/image_dependence", mean { $0.meanDependence }) }
    if !entropyThresholds.isEmpty {
      report.metric(
        "actor/entropy_threshold", entropyThresholds.reduce(0, +) / Double(entropyThresholds.count))
    }
    if options.kl.coefficient > 0 {
      report.metric("actor/kl_loss", mean { $0.klLoss })
      report.metric("actor/kl_coef", memory.kl.coefficient)
    }
    if let replayed {
      report.metric("actor/replay_ess", replayed.ess)
      report.metric("actor/replay_limited", replayed.limited)
    }
    if let sampler {
      report.metric("actor/sampler_gap", sampler.gap)
      report.metric("actor/sampler_ess", sampler.ess)
      report.metric("actor/sampler_limited", sampler.limited)
    }
    reportUtilization(to: report, generated: generated)
  }

  /// How much of what was generated and trained on gave a gradient.
  private func reportUtilization(to report: StageReport, generated: Int) {
    func isSilent(_ example: TrainingExample) -> Bool {
      example.advantage == 0 || (example.advantage < 0 && example.isCutOff)
    }
    let silent = slots.count { examples[$0].map(isSilent) ?? true }
    let withGradient = figures.reduce(into: Set<Int>()) { $0.formUnion($1.withGradient) }
    let slotCount = Double(max(1, slots.count))
    report.metric("actor/rollout_util_rate", 1 - Double(silent) / slotCount)
    report.metric("actor/token_util_rate", 1 - tokenShare { $0.silentTokens })
    report.metric("actor/rollout_gradient_rate", Double(slots.count { withGradient.contains($0) }) / slotCount)
    report.metric("data/rollout_util_rate", Double(withGradient.count) / Double(max(1, generated)))
    report.metric("data/trained_trajectories", Double(slots.count))
    report.metric("data/trained_tokens", Double(figures.reduce(0) { $0 + $1.tokens }))
    report.metric("data/trained_distinct", Double(Set(slots).count))
  }
}
