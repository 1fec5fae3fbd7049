// SPDX-License-Identifier: Apache-2.0

/// Computes the log-probabilities of given responses with a policy, and sets them in the records.
///
/// The tokens are those of `tokens`, or of the tokenised `response` where there are none; `tokens` is then set too.
/// Responses to the same prompt are computed together.
public struct LogProbScorer: Sendable {
  /// Where log-probabilities are taken.
  public enum Temperature: Sendable, Hashable {
    /// Where each record was sampled: its `sampling.temperature`, or else 1. For greedy ones, whose temperature is 0, it
    /// is 1 as well.
    case recorded
    /// At this one, above 0. Records that do not say how they were sampled get it as their `sampling.temperature`.
    case fixed(Double)
  }

  /// What became of a record.
  public enum Outcome: Sendable {
    /// It has its log-probabilities.
    case scored(Trajectory, recorded: RecordedTemperature)
    /// It could not be used, and why.
    case failed(String)
  }

  /// Whether a record says that it was sampled at the temperature of its log-probabilities.
  public enum RecordedTemperature: Sendable {
    /// It does, or says nothing.
    case same
    /// It was sampled at another one.
    case other
  }

  private let policy: any Policy
  private let field: Field
  private let temperature: Temperature

  /// A scorer.
  ///
  /// - Parameter field: `logprobs`, `old_logprobs` or `ref_logprobs`.
  public init(policy: any Policy, field: Field = .logprobs, temperature: Temperature = .recorded) {
    self.policy = policy
    self.field = field
    self.temperature = temperature
  }

  /// Scores records together, and says what became of each, in order.
  ///
  /// What is wrong with one record or its images is that record's failure alone.
  /// - Parameter folder: The folder that relative paths of a record's images start from.
  public func score(
    _ trajectories: [Trajectory], folder: (Trajectory) -> String = { _ in "" }
  ) async throws -> [Outcome] {
    var work = Work(facts: await policy.facts, count: trajectories.count)
    for (index, trajectory) in trajectories.enumerated() {
      try Task.checkCancellation()
      do {
        try await prepare(trajectory, at: index, folder(trajectory), &work)
      } catch let error as PipelineError where error.isAboutARecord {
        work.results[index] = .failure(error)
      }
    }
    for batch in work.batches { try await compute(batch, &work) }
    return try trajectories.enumerated().map { index, trajectory in
      switch work.results[index] {
      case .failure(let error): .failed(error.description)
      case .success(let logProbs): try outcome(trajectory, work.tokens[index], logProbs)
      }
    }
  }

  /// A prompt and the records whose responses are to be scored with it.
  private struct Group {
    let prompt: EncodedPrompt
    var members: [Int] = []
  }

  /// Groups at one temperature.
  private struct Batch {
    let temperature: Double
    var groups: [Group] = []
    var positions: [EncodedPrompt: Int] = [:]
  }

  private struct Work {
    let facts: PolicyFacts
    var prompts: [PolicyPrompt: Result<EncodedPrompt, PipelineError>] = [:]
    var batches: [Batch] = []
    var tokens: [[Int32]]
    var results: [Result<[Float], PipelineError>]

    init(facts: PolicyFacts, count: Int) {
      self.facts = facts
      tokens = Array(repeating: [], count: count)
      results = Array(repeating: .success([]), count: count)
    }

    mutating func add(_ index: Int, _ prompt: EncodedPrompt, temperature: Double) {
      let batch = batches.firstIndex { $0.temperature == temperature } ?? batches.count
      if batch == batches.count { batches.append(Batch(temperature: temperature)) }
      let group = batches[batch].positions[prompt] ?? batches[batch].groups.count
      if group == batches[batch].groups.count {
        batches[batch].positions[prompt] = group
        batches[batch].groups.append(Group(prompt: prompt))
      }
      batches[batch].groups[group].members.append(index)
    }

    func group(_ group: Group) -> ResponseGroup {
      ResponseGroup(prompt: group.prompt, responses: group.members.map { tokens[$0] })
    }
  }

  private func prepare(_ trajectory: Trajectory, at index: Int, _ folder: String, _ work: inout Work) async throws {
    let prompt = try PolicyPrompt(trajectory, folder: folder)
    let tokens = try await tokens(of: trajectory, work.facts)
    let encoded: EncodedPrompt
    if let known = work.prompts[prompt] {
      encoded = try known.get()
    } else {
      do {
        encoded = try await policy.encode(prompt)
        work.prompts[prompt] = .success(encoded)
      } catch let error as PipelineError {
        work.prompts[prompt] = .failure(error)
        throw error
      }
    }
    if let odd = tokens.first(where: { Int($0) >= work.facts.vocabularySize }) {
      throw PipelineError(
        .invalidData,
        "the response holds the token id \(odd), but the vocabulary ends at \(work.facts.vocabularySize - 1)")
    }
    if encoded.tokens.count + tokens.count > work.facts.contextLength {
      throw PipelineError(
        .invalidData,
        "prompt and response have \(encoded.tokens.count + tokens.count) tokens, more than the model's context of "
          + "\(work.facts.contextLength)")
    }
    work.tokens[index] = tokens
    work.add(index, encoded, temperature: try usedTemperature(trajectory))
  }

  private func tokens(of trajectory: Trajectory, _ facts: PolicyFacts) async throws -> [Int32] {
    if let tokens = try trajectory.tokenIDs(of: .tokens) { return tokens }
    guard let response = try trajectory.response else {
      throw PipelineError(.invalidData, "the record has neither 'tokens' nor 'response'")
    }
    guard facts.tokenizer == .present else {
      throw PipelineError(.invalidData, "the record has no 'tokens', and the model has no tokenizer to make them with")
    }
    return try await policy.encode(response: response, finish: trajectory.finish == "length" ? .length : .stop)
  }

  private func recordedTemperature(_ trajectory: Trajectory) throws -> Double? {
    guard let value = try trajectory.value(of: .sampling)?["temperature"], value != .null else { return nil }
    guard let number = value.doubleValue, number >= 0 else {
      throw PipelineError(
        .invalidData, "'sampling.temperature' is \(value.json.shortenedForMessage), it must be a number from 0 on")
    }
    return number
  }

  private func usedTemperature(_ trajectory: Trajectory) throws -> Double {
    if case .fixed(let temperature) = temperature { return temperature }
    let recorded = try recordedTemperature(trajectory) ?? 1
    return recorded == 0 ? 1 : recorded
  }

  /// Asks for all at once; where that fails, for ever smaller parts, to find the one that is to blame.
  private func compute(_ batch: Batch, _ work: inout Work) async throws {
    if batch.groups.isEmpty { return }
    do {
      let found = try await policy.logProbs(of: batch.groups.map(work.group), temperature: batch.temperature)
      for (group, found) in zip(batch.groups, found) {
        for (member, logProbs) in zip(group.members, found) {
          guard logProbs.count == work.tokens[member].count else {
            throw PipelineError(.plugIn, "the policy gave another number of log-probabilities than there are tokens")
          }
          work.results[member] = .success(logProbs)
        }
      }
    } catch let error as PipelineError where error.isAboutARecord {
      let parts: [[Group]]
      if batch.groups.count > 1 {
        parts = batch.groups.map { [$0] }
      } else if let only = batch.groups.first, only.members.count > 1 {
        parts = only.members.map { [Group(prompt: only.prompt, members: [$0])] }
      } else {
        for member in batch.groups.flatMap(\.members) { work.results[member] = .failure(error) }
        return
      }
      for part in parts {
        try await compute(Batch(temperature: batch.temperature, groups: part), &work)
      }
    }
  }

  private func outcome(_ trajectory: Trajectory, _ tokens: [Int32], _ logProbs: [Float]) throws -> Outcome {
    if logProbs.contains(where: { !$0.isFinite }) {
      return .failed("a log-probability of the response is not finite")
    }
    var trajectory = trajectory
    var relation = RecordedTemperature.same
    if case .fixed(let temperature) = temperature {
      if let recorded = try recordedTemperature(trajectory) {
        relation = recorded == temperature ? .same : .other
      } else {
        let others = try trajectory.value(of: .sampling)?.objectValue?.filter { $0.key != "temperature" } ?? []
        trajectory.set(.sampling, to: .object([.init("temperature", .number(temperature))] + others))
      }
    }
    if try trajectory.value(of: .tokens).map({ $0 == .null }) ?? true { trajectory.set(.tokens, to: .tokenIDs(tokens)) }
    trajectory.set(field, to: .floats(logProbs))
    return .scored(trajectory, recorded: relation)
  }
}
