// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import PipelineCore
import PipelineIO

/// `shuffle-r1 logprobs`.
struct LogProbsCommand: AsyncParsableCommand {
  /// The fields that can be filled.
  enum Target: String, ExpressibleByArgument, CaseIterable {
    case logprobs
    case oldLogprobs = "old_logprobs"
    case refLogprobs = "ref_logprobs"
  }

  static let configuration = CommandConfiguration(
    commandName: "logprobs",
    abstract: "Fill in the log-probabilities of given responses under a model.",
    discussion: """
      Computes them for 'tokens', or for the tokenized 'response' if a record has no tokens; the tokens are then \
      written too. Records with the same prompt in the same batch are computed together.

        shuffle-r1 logprobs --model DIR < rollouts.jsonl > scored.jsonl
        shuffle-r1 logprobs --model REFERENCE --field ref_logprobs scored.jsonl

      By default, a record's log-probabilities are those at its own 'sampling.temperature', or at 1 if it has none or \
      was sampled greedily.
      """)

  @OptionGroup var model: ScoringModelArguments

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The temperature for all records. It is also written into records that do not say how they were sampled.",
      valueName: "number"))
  var temperature: Double?

  @Option(help: ArgumentHelp("The field to fill.", valueName: "field"))
  var field = Target.logprobs

  @OptionGroup var records: RecordArguments
  @OptionGroup var work: WorkOptions

  func validate() throws {
    if let temperature, !(temperature > 0 && temperature.isFinite) {
      throw ValidationError("--temperature is \(temperature), it must be above 0")
    }
  }

  func run() async throws {
    let stream = try RecordStream(records, work, noun: "trajectory", media: model.media.access) { _ in }
    defer { stream.line.clear() }
    stream.line.update("opening \(model.name)", share: nil)
    let policy = try await model.open(threads: work.threads, files: records.files)
    try await withClosing({ await policy.close() }) { try await score(with: policy, stream) }
  }

  private func score(with policy: Policy, _ stream: RecordStream) async throws {
    let scorer = LogProbScorer(
      source: try policy.required(.logProbs, \.logProbs), codec: try policy.required(.logProbs, \.codec),
      field: Field(field.rawValue), temperature: temperature.map { .fixed($0) } ?? .recorded)
    var (scored, tokens, others) = (0, 0, 0)
    try await stream.forEachBatch { batch, share in
      stream.line.update("\(scored) scored", share: share?.before)
      let outcomes = try await scorer.score(batch.trajectories, folder: RecordArguments.folder)
      var records: [Trajectory] = []
      for (trajectory, outcome) in zip(batch.trajectories, outcomes) {
        switch outcome {
        case .failed(let reason): try await stream.reader.reject(trajectory, because: reason)
        case .scored(let record, let recorded):
          records.append(record)
          tokens += try record.tokenCount ?? 0
          others += recorded == .other ? 1 : 0
        }
      }
      try await stream.write(records)
      scored += records.count
    }
    let warning = others > 0 ? ["sampled at another temperature than \(temperature ?? 1): \(others)"] : []
    await stream.summarise("logprobs: \(scored.of("trajectory")), \(tokens.of("token"))", warning)
  }
}
