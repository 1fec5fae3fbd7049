// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// A trajectory in the form that the update needs.
///
/// All arrays except `tokens` have one element for each token that is trained on.
struct TrainingExample: Sendable {
  /// The prompt in tokens.
  let prompt: EncodedPrompt
  /// All tokens of the response.
  let tokens: [Int32]
  /// Which of them are trained on.
  let trained: [Int]
  /// The positions at which log-probabilities are taken.
  let temperature: Double
  /// The advantage of each token.
  let advantages: [Double]
  /// The trajectory's own advantage.
  let advantage: Double
  /// Log-probabilities under the policy that sampled them, if the correction needs them.
  let sampled: [Double]?
  /// Log-probabilities before the first update; nil if the loss does not use them.
  let old: [Double]?
  /// Log-probabilities under the reference.
  let reference: [Double]?
  /// Entropies of the tokens' distributions, if tokens are chosen by them.
  let entropies: [Double]?
  /// Log-probabilities with black parts in its images, if they are used.
  let contrast: ContrastFigures?
  /// The factor of its token losses.
  let lossWeight: Double
  /// Whether it comes from an earlier step or another run.
  let isOfEarlierStep: Bool
  /// Whether it was cut off by the length limit.
  let isCutOff: Bool
  /// The longest that it could have been.
  let longest: Int
}

/// Converts trajectories to examples, and computes what they lack.
struct TrainingExamples {
  let stage: UpdateStage
  let codec: any TokenCodec
  let logProbs: any LogProbSource
  let context: StageContext
  private let tokenizer: RecordTokenizer

  /// - Throws: When there is no policy that shows tokens and log-probabilities.
  init(stage: UpdateStage, context: StageContext) throws {
    (self.stage, self.context) = (stage, context)
    (codec, logProbs) = (try context.training.codec, try context.training.logProbs)
    tokenizer = RecordTokenizer(codec: codec)
  }

  /// The examples of all trajectories that can be trained on, by their positions in the batch.
  ///
  /// A trajectory that cannot be used leaves the batch by the rule `unusable`.
  /// - Throws: When none can be used, or the policy fails as a whole.
  func collect(from batch: inout TrajectoryBatch) async throws -> [Int: TrainingExample] {
    let hasDraws = batch.trajectories.contains { $0.draws != nil }
    let wanted = (0..<batch.count).filter { index in
      (hasDraws ? batch[index].draws?.isEmpty == false : true)
        && (!stage.loss.reads.contains(.advantage) || batch[index].advantage != nil)
    }
    var faults: [Int: String] = [:]
    var records: [Int: TokenizedRecord] = [:]
    for index in wanted {
      switch try await tokenizer.outcome(of: batch[index], folder: batch[index].folder) {
      case .usable(let record): records[index] = record
      case .unusable(let reason): faults[index] = reason
      }
    }
    if stage.loss.usesOldLogProbs || stage.options.contrast.isOn {
      let unknown = try wanted.filter { try faults[$0] == nil && !knowsOldLogProbs(batch[$0]) }
      try await score(unknown, of: &batch, with: logProbs, as: .oldLogprobs, "old log-probabilities", &faults)
    }
    if stage.options.kl.coefficient > 0 {
      let reference = try context.training.reference
      let unknown = wanted.filter { faults[$0] == nil && !batch[$0].has(.refLogprobs) && hasPenalty(batch[$0]) }
      try await score(unknown, of: &batch, with: reference, as: .refLogprobs, "reference log-probabilities", &faults)
    }
    var examples: [Int: TrainingExample] = [:]
    for index in wanted where faults[index] == nil {
      guard let record = records[index] else { continue }
      do {
        examples[index] = try example(batch[index], record)
      } catch let error as PipelineError where error.code == .invalidData || error.code == .inputOutput {
        faults[index] = error.description
      }
    }
    try dropFaults(faults, from: &batch, wanted: wanted.count)
    return faults.isEmpty ? examples : Self.renumbered(examples, without: faults)
  }

  private func dropFaults(_ faults: [Int: String], from batch: inout TrajectoryBatch, wanted: Int) throws {
    guard let first = faults.min(by: { $0.key < $1.key }) else { return }
    let id = batch[first.key].id.quotedForMessage
    if faults.count == wanted {
      throw PipelineError(
        .invalidData, "none of the \(wanted) trajectories can be trained on; the first, \(id): \(first.value)")
    }
    batch.drop(stage: context.stage) { faults[$0] == nil ? nil : "unusable" }
    context.report.warn(
      "unusable", "\(faults.count) of \(wanted) trajectories cannot be trained on; the first, \(id): \(first.value)",
      count: faults.count)
  }

  private static func renumbered(
    _ examples: [Int: TrainingExample], without faults: [Int: String]
  ) -> [Int: TrainingExample] {
    let gone = faults.keys.sorted()
    return Dictionary(
      uniqueKeysWithValues: examples.map { index, example in (index - gone.count { $0 < index }, example) })
  }

  /// Whether the KL penalty of the loss holds for it.
  private func hasPenalty(_ trajectory: Trajectory) -> Bool {
    stage.options.kl.coefficient > 0 && (stage.options.replayed.kl || !trajectory.isOfEarlierStep)
  }

  /// Whether the log-probabilities that it was stored with are the old ones.
  private func startsFromStored(_ trajectory: Trajectory) -> Bool {
    trajectory.isOfEarlierStep && stage.options.replayed.oldLogProbs == .stored
  }

  /// Whether the current policy sampled it, so that the log-probabilities that came with it are the old ones.
  private func knowsOldLogProbs(_ trajectory: Trajectory) throws -> Bool {
    if startsFromStored(trajectory) { return true }
    guard stage.options.oldLogProbs == .auto, [.auto, .none].contains(stage.options.importance.level),
      trajectory.has(.logprobs), trajectory.has(.tokens)
    else { return false }
    // Sampled with a noisy image, it is trained on with the clean one.
    if try trajectory.value(of: .sampling)?["images"] != nil { return false }
    if try hasOtherWeights(trajectory) { return false }
    return try trajectory.value(of: .policyVersion)?.intValue == context.training.policyVersion
  }

  /// Whether it was sampled with weights in another format than that of log-probabilities.
  private func hasOtherWeights(_ trajectory: Trajectory) throws -> Bool {
    try trajectory.value(of: .sampling)?["weights"] != nil
  }

  /// Whether its tokens' losses are corrected for the policy that sampled them.
  private func isCorrected(_ trajectory: Trajectory) throws -> Bool {
    if trajectory.isOfEarlierStep { return stage.options.replayed.importance.level != .none }
    guard trajectory.has(.logprobs) else { return false }
    switch stage.options.importance.level {
    case .none: return false
    case .auto: return try hasOtherWeights(trajectory)
    case .token, .sequence: return true
    }
  }

  /// Computes log-probabilities and stores them in the records.
  private func score(
    _ indices: [Int], of batch: inout TrajectoryBatch, with source: any LogProbSource, as field: Field, _ what: String,
    _ faults: inout [Int: String]
  ) async throws {
    if indices.isEmpty { return }
    context.training.progressed("\(what) of \(indices.count) trajectories", share: nil)
    let outcomes = try await LogProbScorer(source: source, codec: codec, field: field)
      .score(indices.map { batch[$0] }, tokenizer: tokenizer, folder: { $0.folder })
    for (index, outcome) in zip(indices, outcomes) {
      switch outcome {
      case .scored(let trajectory, _): batch[index] = trajectory
      case .failed(let reason): faults[index] = reason
      }
    }
  }

  private func example(_ trajectory: Trajectory, _ record: TokenizedRecord) throws -> TrainingExample {
    let tokens = record.tokens
    let mask = try trajectory.lossMask(count: tokens.count)
    let trained = mask.indices.filter { mask[$0] }
    func numbers(_ field: Field) throws -> [Double] {
      let all = try trajectory.numbers(of: field, count: tokens.count)
      return trained.count == all.count ? all : trained.map { all[$0] }
    }
    let advantages = try Self.advantages(trajectory, trained, count: tokens.count)
    let usesOld = stage.loss.usesOldLogProbs
    let isKnown = try knowsOldLogProbs(trajectory)
    let source: Field = trajectory.has(.oldLogprobs) && !isKnown ? .oldLogprobs : .logprobs
    let isOfEarlierStep = trajectory.isOfEarlierStep
    let corrects = try isCorrected(trajectory)
    if isOfEarlierStep, corrects || startsFromStored(trajectory), !trajectory.has(.logprobs) {
      throw PipelineError(
        .invalidData,
        "it comes from an earlier step without 'logprobs', those of the policy that sampled it, which 'replayed' goes by; use "
          + "trajectories that have them, or set replayed.old_log_probs to recompute and replayed.importance.level to none"
      )
    }
    return TrainingExample(
      prompt: record.prompt, tokens: tokens, trained: trained, temperature: record.temperature,
      advantages: advantages, advantage: trajectory.advantage ?? 0,
      sampled: corrects ? try numbers(.logprobs) : nil, old: usesOld ? try numbers(source) : nil,
      reference: hasPenalty(trajectory) ? try numbers(.refLogprobs) : nil,
      entropies: stage.options.highEntropy.isOn ? try numbers(.entropies) : nil,
      contrast: stage.options.contrast.isOn
        ? ContrastFigures(logProbs: try numbers(.logprobsContrast), clean: try numbers(source)) : nil,
      lossWeight: trajectory.lossWeight ?? 1, isOfEarlierStep: isOfEarlierStep,
      isCutOff: try trajectory.finish == "length",
      longest: max(try trajectory.value(of: .sampling)?["max_tokens"]?.intValue ?? 0, tokens.count, 1))
  }

  private static func advantages(_ trajectory: Trajectory, _ trained: [Int], count: Int) throws -> [Double] {
    guard let all = trajectory.advantages else {
      return Array(repeating: trajectory.advantage ?? 0, count: trained.count)
    }
    guard all.count == count else {
      throw PipelineError(
        .invalidData,
        "'advantages' has \(all.count) numbers for a response of \(count) tokens; it must have one for each")
    }
    return trained.map { all[$0] }
  }
}
