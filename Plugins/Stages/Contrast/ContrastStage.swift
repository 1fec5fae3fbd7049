// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Computes the log-probabilities of the responses once more, with images of which a part is black.
///
/// They are stored in `logprobs_contrast`: how much the probability of a token falls without parts of the image says how much it
/// depends on the image. Each square of 14 × 14 pixels is black with a probability; the choice is one for all rollouts of a
/// prompt in a step. A response to a prompt without an image gets the log-probabilities that it has anyway.
///
/// Source: VPPO and PAPO; what `update` makes of it is its option `contrast`.
// Differs from VPPO: squares are of the image in the size that the model sees; there, of the image in the file.
package struct ContrastStage: Stage {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "contrast", summary: "Computes log-probabilities with images of which a part is black",
    papers: [
      Paper("Spotlight on Token Perception for Multimodal Reinforcement Learning (VPPO)", arXiv: "2510.09285"),
      Paper("Perception-Aware Policy Optimization for Multimodal Reasoning (PAPO)", arXiv: "2507.06448"),
    ],
    rules: [
      DropRule(
        "unusable",
        because: "its log-probabilities cannot be computed: its record, or what it names, does not fit the policy")
    ],
    metrics: [
      MetricAbout(
        "difference", unit: "nats per token", "mean log-probability with the image minus without parts of it"),
      MetricAbout("without_image", unit: "trajectories", "responses to prompts without an image", combining: .sum),
    ])

  /// The options.
  package struct Options: ComponentOptions {
    package var black = 0.5

    /// The defaults.
    package init() {}

    /// The help for each option.
    package static let help = [
      "black": "the probability that a square of 14 × 14 pixels is black; VPPO: 0.5, PAPO: 0.6"
    ]

    /// The problems of the values.
    package func problems() -> [OptionProblem] { [.unless("black", black, in: 0...1)].compactMap { $0 } }
  }

  /// Nothing but a response, as text or tokens.
  package let reads: Set<Field> = []
  /// The fields of responses and their prompts.
  package let readsIfPresent: Set<Field> = [
    .prompt, .response, .tokens, .logprobs, .sampling, .finish, .promptTokens, .images,
  ]
  /// The log-probabilities, and tokens where a record has none.
  package let writes: Set<Field> = [.logprobsContrast, .tokens]
  /// Log-probabilities, and changed images.
  package let needs: Set<PolicyAbility> = [.logProbs, .imageChanges]
  private let options: Options

  /// Makes the stage.
  package init(options: Options = Options(), assembly: Assembly) { self.options = options }

  /// Computes the log-probabilities.
  ///
  /// - Throws: When there is no policy, or no record can be used.
  package func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {
    if batch.isEmpty { return }
    _ = try context.training.imageChanging
    context.training.progressed("log-probabilities of \(batch.count) trajectories without parts of images", share: nil)
    let scorer = LogProbScorer(
      source: try context.training.logProbs, codec: try context.training.codec, field: .logprobsContrast)
    let black = options.black
    let outcomes = try await scorer.score(batch.trajectories, folder: { $0.folder }) { prompt, trajectory in
      prompt.changingImages { place in
        // One choice for each image of a prompt in a step.
        var random = context.random(context.groupKey(trajectory.group), UInt64(place))
        return .blackPatches(probability: black, seed: random.next())
      }
    }
    var faults: [Int: String] = [:]
    for (index, outcome) in outcomes.enumerated() {
      switch outcome {
      case .scored(let trajectory, _): batch[index] = trajectory
      case .failed(let reason): faults[index] = reason
      }
    }
    try dropFaults(faults, from: &batch, context)
    try report(batch, to: context.report)
  }

  private func dropFaults(
    _ faults: [Int: String], from batch: inout TrajectoryBatch, _ context: StageContext
  ) throws {
    guard let first = faults.min(by: { $0.key < $1.key }) else { return }
    let id = batch[first.key].id.quotedForMessage
    if faults.count == batch.count {
      throw PipelineError(
        .invalidData,
        "of none of the \(batch.count) trajectories can log-probabilities be computed; the first, \(id): \(first.value)"
      )
    }
    context.report.warn(
      "unusable",
      "of \(faults.count) of \(batch.count) trajectories log-probabilities cannot be computed; the first, \(id): "
        + first.value, count: faults.count)
    batch.drop(stage: context.stage) { faults[$0] == nil ? nil : "unusable" }
  }

  private func report(_ batch: TrajectoryBatch, to report: StageReport) throws {
    var sum = 0.0
    var count = 0
    var withoutImage = 0
    for trajectory in batch.trajectories {
      if try PolicyPrompt(trajectory, folder: trajectory.folder).imageCount == 0 { withoutImage += 1 }
      guard let contrast = try trajectory.value(of: .logprobsContrast)?.arrayValue, trajectory.has(.logprobs),
        let plain = try? trajectory.numbers(of: .logprobs, count: contrast.count)
      else { continue }
      for (value, other) in zip(plain, contrast) { sum += value - (other.doubleValue ?? value) }
      count += contrast.count
    }
    if count > 0 { report.metric("difference", sum / Double(count)) }
    report.metric("without_image", Double(withoutImage), combining: .sum)
  }
}
