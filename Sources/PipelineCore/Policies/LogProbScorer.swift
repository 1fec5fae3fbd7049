// SPDX-License-Identifier: Apache-2.0

/// Computes the log-probabilities of given responses with a policy, and sets them in the records.
///
/// A ``RecordTokenizer`` converts records to tokens; `tokens` is set in records without it. Responses to the same prompt are
/// computed together.
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

  private let source: any LogProbSource
  private let codec: any TokenCodec
  private let field: Field
  private let temperature: Temperature

  /// A scorer.
  ///
  /// - Parameters:
  ///   - codec: The codec of the tokens that `source` takes.
  ///   - field: `logprobs`, `old_logprobs` or `ref_logprobs`.
  public init(
    source: any LogProbSource, codec: any TokenCodec, field: Field = .logprobs, temperature: Temperature = .recorded
  ) {
    self.source = source
    self.codec = codec
    self.field = field
    self.temperature = temperature
  }

  /// A scorer that sets `entropies`, which do not depend on a temperature.
  ///
  /// - Parameter codec: The codec of the tokens that `source` takes.
  public init(entropies source: any EntropySource, codec: any TokenCodec) {
    self.init(source: EntropiesAsScores(source: source), codec: codec, field: .entropies)
  }

  /// Scores records together, and says what became of each, in order.
  ///
  /// What is wrong with one record or its images is that record's failure alone.
  /// - Parameters:
  ///   - tokenizer: One of the same codec that may have encoded the records' prompts already.
  ///   - folder: The folder that relative paths of a record's images start from.
  ///   - changing: What a record's prompt is before it is scored, such as one with changed images.
  public func score(
    _ trajectories: [Trajectory], tokenizer: RecordTokenizer? = nil, folder: (Trajectory) -> String = { _ in "" },
    changing: (EncodedPrompt, Trajectory) -> EncodedPrompt = { prompt, _ in prompt }
  ) async throws -> [Outcome] {
    let tokenizer = tokenizer ?? RecordTokenizer(codec: codec)
    var work = Work(count: trajectories.count)
    for (index, trajectory) in trajectories.enumerated() {
      switch try await tokenizer.outcome(of: trajectory, folder: folder(trajectory)) {
      case .usable(let record):
        work.add(
          index, prompt: changing(record.prompt, trajectory), record.tokens, temperature: usedTemperature(record))
      case .unusable(let reason): work.results[index] = .failed(reason)
      }
    }
    for batch in work.batches { try await compute(batch, &work) }
    return try trajectories.enumerated().map { index, trajectory in
      switch work.results[index] {
      case .failed(let reason): .failed(reason)
      case .computed(let logProbs): try outcome(trajectory, work.tokens[index], logProbs)
      }
    }
  }

  /// What it computes, in messages.
  private var noun: (singular: String, plural: String) {
    field == .entropies ? ("an entropy", "entropies") : ("a log-probability", "log-probabilities")
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
    enum Result {
      case computed([Float])
      case failed(String)
    }

    var batches: [Batch] = []
    var tokens: [[Int32]]
    var results: [Result]

    init(count: Int) {
      tokens = Array(repeating: [], count: count)
      results = Array(repeating: .computed([]), count: count)
    }

    mutating func add(_ index: Int, prompt: EncodedPrompt, _ response: [Int32], temperature: Double) {
      tokens[index] = response
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

  private func usedTemperature(_ record: TokenizedRecord) -> Double {
    if case .fixed(let temperature) = temperature { temperature } else { record.temperature }
  }

  /// Asks for all at once; where that fails, for ever smaller parts, to find the one that is to blame.
  private func compute(_ batch: Batch, _ work: inout Work) async throws {
    if batch.groups.isEmpty { return }
    do {
      let found = try await source.logProbs(of: batch.groups.map(work.group), temperature: batch.temperature)
      for (group, found) in zip(batch.groups, found) {
        for (member, logProbs) in zip(group.members, found) {
          guard logProbs.count == work.tokens[member].count else {
            throw PipelineError(.plugIn, "the policy gave another number of \(noun.plural) than there are tokens")
          }
          work.results[member] = .computed(logProbs)
        }
      }
    } catch let error as PipelineError where error.isAboutARecord {
      let parts: [[Group]]
      if batch.groups.count > 1 {
        parts = batch.groups.map { [$0] }
      } else if let only = batch.groups.first, only.members.count > 1 {
        parts = only.members.map { [Group(prompt: only.prompt, members: [$0])] }
      } else {
        for member in batch.groups.flatMap(\.members) { work.results[member] = .failed(error.description) }
        return
      }
      for part in parts {
        try await compute(Batch(temperature: batch.temperature, groups: part), &work)
      }
    }
  }

  private func outcome(_ trajectory: Trajectory, _ tokens: [Int32], _ logProbs: [Float]) throws -> Outcome {
    if logProbs.contains(where: { !$0.isFinite }) {
      return .failed("\(noun.singular) of the response is not finite")
    }
    var trajectory = trajectory
    var relation = RecordedTemperature.same
    if case .fixed(let temperature) = temperature {
      if let recorded = try trajectory.samplingTemperature {
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
