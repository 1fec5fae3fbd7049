// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Computes the entropy of the distribution that each response token was drawn from, under the policy as it is now.
///
/// Entropies are `−Σ p log p` over the whole vocabulary, in nats, at temperature 1, before top-k and top-p: one pass of the
/// policy over the responses, as for old log-probabilities. They are stored in `entropies`, beside `logprobs`, and saved with
/// the rollouts. Stages and estimators that read them need this stage before them, or records that carry them.
package struct EntropiesStage: Stage {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "entropies", summary: "Computes the entropy of each response token's distribution under the policy",
    rules: [
      DropRule(
        "unusable", because: "its entropies cannot be computed: its record, or what it names, does not fit the policy")
    ],
    metrics: [
      MetricAbout("mean", unit: "nats per token", "mean entropy of the response tokens"),
      MetricAbout("max", unit: "nats", "the largest entropy of a token", combining: .maximum),
      MetricAbout("already_known", unit: "trajectories", "kept the entropies that they came with", combining: .sum),
    ])

  /// What to do with a record that has entropies.
  package enum Existing: String, Codable, Sendable, CaseIterable {
    /// They are computed anew.
    case recompute
    /// They stay.
    case keep
  }

  /// The options.
  package struct Options: ComponentOptions {
    package var existing = Existing.recompute

    /// The defaults.
    package init() {}

    /// The help for each option.
    package static let help = [
      "existing": "whether records that carry entropies keep them, or get those of this policy (recompute)"
    ]
  }

  /// Nothing but a response, as text or tokens.
  package let reads: Set<Field> = []
  /// The fields of responses and their prompts.
  package let readsIfPresent: Set<Field> = [
    .prompt, .response, .tokens, .sampling, .finish, .promptTokens, .images, .entropies,
  ]
  /// The entropies, and tokens where a record has none.
  package let writes: Set<Field> = [.entropies, .tokens]
  /// Entropies.
  package let needs: Set<PolicyAbility> = [.entropies]
  private let options: Options

  /// Makes the stage.
  package init(options: Options = Options(), assembly: Assembly) { self.options = options }

  /// Computes the entropies.
  ///
  /// - Throws: When there is no policy, or no record can be used.
  package func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {
    let source = try context.training.entropies
    let wanted = batch.trajectories.indices.filter { options.existing == .recompute || !batch[$0].has(.entropies) }
    context.report.metric("already_known", Double(batch.count - wanted.count), combining: .sum)
    var faults: [Int: String] = [:]
    if !wanted.isEmpty {
      context.training.progressed("entropies of \(wanted.count) trajectories", share: nil)
      let outcomes = try await LogProbScorer(entropies: source, codec: context.training.codec)
        .score(wanted.map { batch[$0] }, folder: { $0.folder })
      for (index, outcome) in zip(wanted, outcomes) {
        switch outcome {
        case .scored(let trajectory, _): batch[index] = trajectory
        case .failed(let reason): faults[index] = reason
        }
      }
    }
    try dropFaults(faults, from: &batch, wanted: wanted.count, context)
    try report(batch, to: context.report)
  }

  private func dropFaults(
    _ faults: [Int: String], from batch: inout TrajectoryBatch, wanted: Int, _ context: StageContext
  ) throws {
    guard let first = faults.min(by: { $0.key < $1.key }) else { return }
    let id = batch[first.key].id.quotedForMessage
    if faults.count == wanted {
      throw PipelineError(
        .invalidData,
        "of none of the \(wanted) trajectories can entropies be computed; the first, \(id): \(first.value)")
    }
    context.report.warn(
      "unusable",
      "of \(faults.count) of \(wanted) trajectories entropies cannot be computed; the first, \(id): \(first.value)",
      count: faults.count)
    batch.drop(stage: context.stage) { faults[$0] == nil ? nil : "unusable" }
  }

  private func report(_ batch: TrajectoryBatch, to report: StageReport) throws {
    var sum = 0.0
    var count = 0
    var greatest = 0.0
    for trajectory in batch.trajectories {
      for value in try trajectory.value(of: .entropies)?.arrayValue ?? [] {
        guard let entropy = value.doubleValue else { continue }
        sum += entropy
        count += 1
        greatest = max(greatest, entropy)
      }
    }
    if count == 0 { return }
    report.metric("mean", sum / Double(count))
    report.metric("max", greatest, combining: .maximum)
  }
}
