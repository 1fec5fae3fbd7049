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
  /// The factor of its token losses.
  let lossWeight: Double
  /// Whether it was cut off by the length limit.
  let isCutOff: Bool
  /// The longest that it could have been.
  let longest: Int
}

/// Converts trajectories to examples, and computes what they lack.
struct TrainingExamples {
  let stage: UpdateStage
  let policy: any Policy
  let context: StageContext

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
    if stage.loss.usesOldLogProbs {
      let unknown = try wanted.filter { try !knowsOldLogProbs(batch[$0]) }
      try await score(unknown, of: &batch, with: policy, as: .oldLogprobs, "old log-probabilities", &faults)
    }
    if stage.options.kl.coefficient > 0 {
      guard let reference = context.training.reference else {
        throw PipelineError(.invalidSpec, "its 'kl' needs a reference policy; run it from a spec that names a policy")
      }
      let unknown = wanted.filter { faults[$0] == nil && !batch[$0].has(.refLogprobs) }
      try await score(unknown, of: &batch, with: reference, as: .refLogprobs, "reference log-probabilities", &faults)
    }
    var examples: [Int: TrainingExample] = [:]
    for index in wanted where faults[index] == nil {
      do {
        examples[index] = try await example(batch[index])
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

  /// Whether the current policy sampled it, so that the log-probabilities that came with it are the old ones.
  private func knowsOldLogProbs(_ trajectory: Trajectory) throws -> Bool {
    guard stage.options.oldLogProbs == .auto, stage.options.importance.level == .none,
      trajectory.has(.logprobs), trajectory.has(.tokens)
    else { return false }
    return try trajectory.value(of: .policyVersion)?.intValue == context.training.policyVersion
  }

  /// Computes log-probabilities and stores them in the records.
  private func score(
    _ indices: [Int], of batch: inout TrajectoryBatch, with policy: any Policy, as field: Field, _ what: String,
    _ faults: inout [Int: String]
  ) async throws {
    if indices.isEmpty { return }
    context.training.progressed("\(what) of \(indices.count) trajectories", share: nil)
    let outcomes = try await LogProbScorer(policy: policy, field: field)
      .score(indices.map { batch[$0] }, folder: { $0.folder })
    for (index, outcome) in zip(indices, outcomes) {
      switch outcome {
      case .scored(let trajectory, _): batch[index] = trajectory
      case .failed(let reason): faults[index] = reason
      }
    }
  }

  private func example(_ trajectory: Trajectory) async throws -> TrainingExample {
    let prompt = try await policy.encode(PolicyPrompt(trajectory, folder: trajectory.folder))
    let tokens = try await tokens(of: trajectory)
    let trained = try Self.trained(trajectory, count: tokens.count)
    func numbers(_ field: Field) throws -> [Double] {
      let all = try trajectory.numbers(of: field, count: tokens.count)
      return trained.count == all.count ? all : trained.map { all[$0] }
    }
    let sampling = try trajectory.value(of: .sampling)
    let temperature = sampling?["temperature"]?.doubleValue ?? 1
    let advantages = try Self.advantages(trajectory, trained, count: tokens.count)
    let usesOld = stage.loss.usesOldLogProbs
    let isKnown = try knowsOldLogProbs(trajectory)
    let source: Field = trajectory.has(.oldLogprobs) && !isKnown ? .oldLogprobs : .logprobs
    let corrects = stage.options.importance.level != .none && trajectory.has(.logprobs)
    return TrainingExample(
      prompt: prompt, tokens: tokens, trained: trained, temperature: temperature == 0 ? 1 : temperature,
      advantages: advantages, advantage: trajectory.advantage ?? 0,
      sampled: corrects ? try numbers(.logprobs) : nil, old: usesOld ? try numbers(source) : nil,
      reference: stage.options.kl.coefficient > 0 ? try numbers(.refLogprobs) : nil,
      lossWeight: trajectory.lossWeight ?? 1, isCutOff: try trajectory.finish == "length",
      longest: max(sampling?["max_tokens"]?.intValue ?? 0, tokens.count, 1))
  }

  private func tokens(of trajectory: Trajectory) async throws -> [Int32] {
    if let tokens = try trajectory.tokenIDs(of: .tokens) { return tokens }
    guard let response = try trajectory.response else {
      throw PipelineError(.invalidData, "the record has neither 'tokens' nor 'response'")
    }
    return try await policy.encode(response: response, finish: trajectory.finish == "length" ? .length : .stop)
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

  /// The tokens that `loss_mask` selects for training.
  private static func trained(_ trajectory: Trajectory, count: Int) throws -> [Int] {
    guard let mask = try trajectory.value(of: .lossMask), mask != .null else { return Array(0..<count) }
    guard let elements = mask.arrayValue, elements.count == count else {
      throw PipelineError(
        .invalidData,
        "'loss_mask' must be an array of \(count) truth values, one for each token of the response, found "
          + "\(mask.arrayValue.map { "\($0.count) elements" } ?? mask.kindDescription)")
    }
    return try elements.enumerated().compactMap { index, element in
      switch element {
      case .bool(let isTrained): return isTrained ? index : nil
      default:
        guard let number = element.doubleValue, number == 0 || number == 1 else {
          throw PipelineError(
            .invalidData, "'loss_mask' holds \(element.json.shortenedForMessage), it must hold true, false, 1 and 0")
        }
        return number == 1 ? index : nil
      }
    }
  }
}

extension Trajectory {
  /// One number for each token.
  fileprivate func numbers(of field: Field, count: Int) throws -> [Double] {
    let values = try value(of: field)?.arrayValue ?? []
    guard values.count == count else {
      throw PipelineError(
        .invalidData,
        "'\(field)' has \(values.count) numbers for a response of \(count) tokens; it must have one for each")
    }
    return try values.map { value in
      guard let number = value.doubleValue else {
        throw PipelineError(.invalidData, "'\(field)' holds \(value.json.shortenedForMessage), it must hold numbers")
      }
      return number
    }
  }
}
