// SPDX-License-Identifier: Apache-2.0
public import ArgumentParser
import Foundation
import PipelineAnalysis
public import PipelineCore
import PipelineIO
import PipelineRuntime

/// `shuffle-r1 generate`.
struct GenerateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Sample a model's responses: prompts in, rollouts out.",
    discussion: """
      A prompt is a record with 'id' and 'prompt', a row of a known data set, or of any with --map; or a record with 'prompt_tokens' (image placeholders already expanded) and \
      'images', which needs no tokenizer. Each rollout is its prompt's record with the id GROUP/INDEX and with \
      'response', 'tokens', 'logprobs', 'finish', 'sampling' and 'prompt_tokens'. Paths of images are relative to the \
      folder of the file that contains them.

        shuffle-r1 generate --model DIR --n 16 < prompts.jsonl > rollouts.jsonl
        shuffle-r1 generate --model DIR --temperature 0 --stop '</answer>' test.jsonl
        shuffle-r1 generate --server http://127.0.0.1:8000/v1 --model NAME --n 16 \\
          --output rollouts.jsonl prompts.jsonl

      The seed of a rollout is derived from --seed, its group and its index, so that other prompts do not change it. \
      Rounding, however, depends on what is computed together: another --batch-groups or other prompts can change the \
      last digits of a log-probability, and occasionally a token. A prompt is too long if it has more tokens than the \
      model's context less --max-tokens.

      Requests to a server consist of text. Rollouts have tokens and log-probabilities only if the server returns them \
      and --policy asks for them. Answers are kept in FILE.cache until the file of --output is complete. A command \
      that was stopped and is started again does not repeat requests that were answered.
      """)

  @OptionGroup var model: SampledModelArguments
  @OptionGroup var sampling: SamplingArguments

  @Option(
    name: [.customShort("n"), .customLong("n")], parsing: .unconditional,
    help: ArgumentHelp("The number of rollouts for each prompt.", valueName: "count"))
  var count = 1

  @Option(parsing: .unconditional, help: ArgumentHelp("The seed of all random draws.", valueName: "number"))
  var seed: UInt64 = 1

  @Option(
    help: ArgumentHelp(
      "What to do with prompts that are too long: 'error' makes them bad records, 'skip' leaves them out, 'cut' "
        + "shortens their text, but never an image.", valueName: "policy"))
  var tooLong = RolloutSampler.TooLong.error

  @OptionGroup var prompts: PromptArguments
  @OptionGroup var records: RecordArguments
  @OptionGroup var work: WorkOptions

  func validate() throws {
    if !(1...1 << 16).contains(count) { throw ValidationError("--n is \(count), it must lie in 1…\(1 << 16)") }
  }

  func run() async throws {
    let stream = try RecordStream(records, work, noun: "prompt", media: model.media.access) { options in
      options.kind = .prompts
      try prompts.apply(to: &options)
    }
    defer { stream.line.clear() }
    stream.line.update("opening \(model.name)", share: nil)
    var options = RolloutSampler.Options()
    options.sampling = sampling.options
    options.count = count
    options.seed = seed
    options.tooLong = tooLong
    let output = records.output == "-" ? nil : records.output
    let policy = try await model.open(threads: work.threads, output: output, files: records.files)
    try await withClosing({ await policy.close() }) { try await generate(with: policy, options, stream, output) }
  }

  private func generate(
    with policy: Policy, _ options: RolloutSampler.Options, _ stream: RecordStream, _ output: String?
  ) async throws {
    let source = try policy.required(.generation, \.sampler)
    let sampler = RolloutSampler(sampler: source, options: options)
    let line = stream.line
    let count = count
    var tally = Tally()
    defer { if Task.isCancelled, let output { AnswersBeside(output).sayWhatIsKept() } }
    try await stream.forEachBatch { batch, share in
      let done = tally
      let total = batch.count * count
      let outcomes = try await sampler.rollouts(of: batch.trajectories, folder: RecordArguments.folder) { progress in
        let part = Double(progress.responses) / Double(total)
        line.update(
          "\(done.rollouts + progress.responses) rollouts, \(done.speed(with: progress))\(progress.remark)",
          share: share.map { $0.before + ($0.after - $0.before) * part })
      }
      var rollouts: [Trajectory] = []
      for (prompt, outcome) in zip(batch.trajectories, outcomes) {
        switch outcome {
        case .failed(let reason): try await stream.reader.reject(prompt, because: reason)
        case .skipped: tally.skipped += 1
        case .rollouts(let made, let length):
          rollouts += made
          tally.prompts += 1
          tally.cut += length == .cut ? 1 : 0
        }
      }
      try await stream.write(rollouts)
      tally.rollouts += rollouts.count
      for rollout in rollouts { tally.tokens += try rollout.tokenCount ?? 0 }
    }
    var left: [String] = []
    if tally.skipped > 0 { left.append("too long, left out: \(tally.skipped)") }
    if tally.cut > 0 { left.append("too long, cut: \(tally.cut)") }
    left += await source.remarks()
    var made = "generate: \(tally.prompts.of("prompt")), \(tally.rollouts.of("rollout")), "
    if tally.tokens > 0 { made += tally.tokens.of("token") + ", " }
    await stream.summarise(made + tally.speed(with: .init(responses: 0, tokens: 0)), left)
    if let output { AnswersBeside(output).remove() }
  }

  private struct Tally {
    var prompts = 0
    var rollouts = 0
    var tokens = 0
    var skipped = 0
    var cut = 0
    let started = ContinuousClock().now

    /// In tokens, or in rollouts if tokens are not counted.
    func speed(with more: GenerationProgress) -> String {
      let seconds = max((ContinuousClock().now - started).inSeconds, 1e-3)
      let tokens = tokens + more.tokens
      if tokens > 0 { return "\(Int(Double(tokens) / seconds)) tokens/s" }
      return "\(NumberText.short(Double(rollouts + more.responses) / seconds, digits: 3)) rollouts/s"
    }
  }
}

extension RolloutSampler.TooLong: ExpressibleByArgument {}

/// How tokens are drawn.
struct SamplingArguments: ParsableArguments {
  private static let defaults = SamplingOptions()

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The sampling temperature; 0 always takes the most probable token.", valueName: "number"))
  var temperature = defaults.temperature

  @OptionGroup var tokens: TokenArguments

  var options: SamplingOptions { tokens.options(temperature: temperature) }

  func validate() throws { try TokenArguments.check(options) }
}

/// Which tokens are drawn, apart from the temperature, and what ends a response.
struct TokenArguments: ParsableArguments {
  private static let defaults = SamplingOptions()

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Draw only from the most probable tokens whose probabilities add up to this.", valueName: "share"))
  var topP = defaults.topP

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Draw only from the n most probable tokens; 0 for all.", valueName: "n"))
  var topK = defaults.topK

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Draw no end token before the response has this many tokens.", valueName: "n"))
  var minTokens = defaults.minTokens

  @Option(parsing: .unconditional, help: ArgumentHelp("Cut a response off at this many tokens.", valueName: "n"))
  var maxTokens = defaults.maxTokens

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp("End a response when its text contains this; may be repeated.", valueName: "text"))
  var stop: [String] = []

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "End a response at this token, in addition to the model's own; may be repeated.", valueName: "id"))
  var stopToken: [Int] = []

  func options(temperature: Double) -> SamplingOptions {
    var options = SamplingOptions()
    options.temperature = temperature
    options.topP = topP
    options.topK = topK
    options.minTokens = minTokens
    options.maxTokens = maxTokens
    options.nameOfMaxTokens = "--max-tokens"
    options.stop = stop
    options.stopTokens = stopToken
    return options
  }

  /// - Throws: The problems of the values, by the names of their options.
  static func check(_ options: SamplingOptions) throws {
    guard let problem = options.problems().first else { return }
    throw ValidationError("--\(problem.path.replacing("_", with: "-")) \(problem.message)")
  }
}
