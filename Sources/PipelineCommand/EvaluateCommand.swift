// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Files
import Foundation
import PipelineAnalysis
import PipelineCore
import PipelineIO
import PipelineRuntime
import PipelineSpec

/// `shuffle-r1 evaluate`.
struct EvaluateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measure how well a model answers questions.",
    discussion: """
      Samples responses to every prompt, scores them, and reports accuracy with its 95 % interval and pass@k, over all \
      questions and by category. A prompt is a record as for `generate`, with the fields that the scoring reads: \
      'answer'.

        shuffle-r1 evaluate --model DIR --prompts test.jsonl --by category
        shuffle-r1 evaluate --model DIR --prompts test.jsonl --greedy -o out.jsonl
        shuffle-r1 evaluate --model DIR --prompts test.jsonl --reward numeric --json
        shuffle-r1 evaluate --model DIR --prompts test.jsonl --spec pipeline.json
        shuffle-r1 evaluate --server URL --model NAME --prompts test.jsonl

      Accuracy is the mean, over questions, of the mean score of a question's responses. The interval takes into \
      account that responses to the same question are alike: eight responses to one question tell less than one \
      response to each of eight. pass@k is the probability that at least one of k responses is right. A response \
      without a score is counted as such, never as 0.

      All prompts are checked before the first response is sampled. The seeds differ from those of `generate` and of \
      training, and are the same for every model, so that models are compared on the same draws.

      With --server, answers are kept in FILE.cache until the file of --output is complete. A command that was stopped \
      and is started again does not repeat requests that were answered.
      """)

  @OptionGroup var model: SampledModelArguments

  @Option(help: ArgumentHelp("The questions, with their answers; '-' for standard input.", valueName: "file"))
  var prompts: String

  @Option(parsing: .unconditional, help: ArgumentHelp("Ask only the first n questions.", valueName: "n"))
  var limit: Int?

  @OptionGroup var reading: PromptArguments
  @OptionGroup var sampling: EvaluationSamplingArguments
  @OptionGroup var scoring: ScoringArguments

  @Option(name: .shortAndLong, help: ArgumentHelp("Write the scored responses to this file.", valueName: "file"))
  var output: String?

  @Flag(help: "Replace the files of --output and --bad-records if they exist.")
  var force = false

  @Option(
    help: ArgumentHelp(
      "What to do with prompts that are too long: 'error' makes them bad records, 'skip' leaves them out, 'cut' "
        + "shortens their text, but never an image.", valueName: "policy"))
  var tooLong = RolloutSampler.TooLong.error

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Continue without up to n prompts that cannot be used. With fewer questions, accuracy is not comparable.",
      valueName: "n"))
  var maxBadRecords = 0

  @Option(help: ArgumentHelp("Write lines that cannot be used to this file.", valueName: "file"))
  var badRecords: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The number of prompts that are computed and written together.", valueName: "n"))
  var batchGroups = Evaluator.Options().chunk

  @OptionGroup var report: ReportOptions
  @OptionGroup var work: WorkOptions

  func validate() throws {
    if let limit, limit < 1 { throw ValidationError("--limit is \(limit), it must be at least 1") }
    if batchGroups < 1 { throw ValidationError("--batch-groups is \(batchGroups), it must be at least 1") }
    if maxBadRecords < 0 { throw ValidationError("--max-bad-records is \(maxBadRecords), it must be at least 0") }
    for (option, path) in [("--output", output), ("--bad-records", badRecords)] {
      if path == "-" {
        throw ValidationError("\(option) names standard output, where the report goes; name a file")
      }
      if path?.isEmpty == true { throw ValidationError("\(option) is empty; name a file") }
    }
    if let output, let badRecords, RealPath(badRecords).components == RealPath(output).components {
      throw ValidationError("--output and --bad-records name the same file; give each its own")
    }
  }

  func run() async throws {
    let pipeline = try scoring.pipeline()
    let stages = try scoring.stages(of: pipeline)
    try await withClosing({ for stage in stages { await stage.close() } }) {
      try await evaluate(scoring: stages, as: pipeline)
    }
  }

  private func evaluate(scoring stages: [NamedStage], as pipeline: AssembledPipeline?) async throws {
    let line = ProgressLine(quiet: work.quiet)
    defer { line.clear() }
    let existing: OutputFile.Existing = force ? .replace : .refuse
    let responses = try output.map {
      try ResponseFile(
        path: $0, existing: existing, threads: work.threads, imageRoots: model.media.imageRoot)
    }
    let badRecordsFile = try badRecords.map { try OutputFile(path: $0, existing: existing) }
    if prompts == "-", isatty(0) == 1, !work.quiet { Terminal.say("reading from the terminal; end with Ctrl-D") }
    // If no bad prompt is allowed, the error is sufficient.
    let observer = TerminalObserver(quiet: work.quiet || maxBadRecords == 0, line: line)
    var input = try EvaluationPrompts(
      prompts, limit: limit, scoring: stages, maxBadRecords: maxBadRecords, threads: work.threads, observer: observer
    ) { options in
      // The spec's way to ask, unless the command line has another.
      if let pipeline { try pipeline.readEvaluation(with: &options) }
      try reading.apply(to: &options)
    }
    try await input.read()
    if let field = scoring.by { try input.check(category: Field(field)) }

    line.update("opening \(model.name)", share: nil)
    let policy = try await model.open(threads: work.threads, output: output, files: [prompts])
    let clock = Stopwatch()
    var tokens = 0
    let sampler = try policy.required(.generation, \.sampler)
    let summary = try await withClosing({ await policy.close() }) {
      try await respond(with: sampler, scoring: stages, to: &input, &tokens, responses, line, clock)
    }
    try responses?.finish()
    try badRecordsFile?.write(input.badRecordLines)
    try badRecordsFile?.finish()
    line.clear()
    try report.print(text: { text(summary, style: $0) }, json: { json(summary) })
    let remarks = await sampler.remarks()
    if !work.quiet {
      let made = tokens > 0 ? ", \(tokens.of("token"))\(clock.speed(tokens))" : ""
      Terminal.say(([await closing(summary, input, made)] + remarks).joined(separator: "; "))
    }
    if let output { AnswersBeside(output).remove() }
    if summary.overall.mean == nil {
      throw PipelineError(
        .invalidData, "no response has the score '\(summary.score)'; the counts above say why it is missing")
    }
  }

  /// Evaluates a policy on the prompts; what is complete when it is interrupted is kept.
  private func respond(
    with sampler: any ResponseSampler, scoring stages: [NamedStage], to input: inout EvaluationPrompts,
    _ tokens: inout Int,
    _ responses: ResponseFile?, _ line: ProgressLine, _ clock: Stopwatch
  ) async throws -> EvaluationSummary {
    var warned: Set<String> = []
    let evaluator = Evaluator(sampler: sampler, scoring: stages, options: options)
    let faults = try await evaluator.faults(in: input.prompts, folder: RecordArguments.folder) { count in
      line.update("looking at prompt \(count)", share: nil)
    }
    try await input.reject(faults)

    do {
      return try await evaluator.run(input.prompts, folder: RecordArguments.folder) { progress in
        let score = progress.mean.map { ", \(NumberText.short($0, digits: 3)) on average so far" } ?? ""
        line.update(
          "\(progress.responses) responses\(clock.speed(progress.tokens))\(score)\(progress.remark)",
          share: progress.share)
      } deliver: { chunk in
        try await input.reject(chunk.failed)
        for warning in chunk.warnings where warned.insert(warning.stage + "/" + warning.warning.code).inserted {
          if !work.quiet { line.say("warning: \(warning.stage): \(warning.warning.message)") }
        }
        for rollout in chunk.rollouts { tokens += try rollout.tokenCount ?? 0 }
        try await responses?.write(chunk.rollouts)
      }
    } catch let error as CancellationError {
      line.clear()
      try responses?.keepWhatIsComplete()
      if let output { AnswersBeside(output).sayWhatIsKept() }
      throw error
    }
  }

  private var options: Evaluator.Options {
    var options = Evaluator.Options()
    options.media = model.media.access.including(files: [prompts])
    options.sampling = sampling.options
    options.samples = sampling.count
    options.seed = sampling.seed
    options.tooLong = tooLong
    options.chunk = batchGroups
    options.threads = work.threads
    options.score = scoring.reported
    options.threshold = scoring.threshold
    options.category = scoring.by.map { Field($0) }
    options.cacheFolder = output.map { AnswersBeside($0).folder }
    return options
  }

  private var promptsName: String { prompts == "-" ? "standard input" : prompts }

  private func text(_ summary: EvaluationSummary, style: TerminalStyle) -> String {
    let how = sampling.options.temperature == 0 ? "greedy" : "temperature \(sampling.options.temperature)"
    return summary.text(
      title: "\(model.name) on \(promptsName)",
      remark: "\(sampling.count.of("response")) each, \(how), seed \(sampling.seed)", style: style)
  }

  private func json(_ summary: EvaluationSummary) -> JSONValue {
    let drawn = sampling.options
    let members: [JSONValue.Member] = [
      .init("model", .string(model.name)), .init("prompts", .string(promptsName)),
      .init("samples", .number(sampling.count)), .init("seed", .number(String(sampling.seed))),
      .init(
        "sampling",
        [
          "temperature": .number(drawn.temperature), "top_p": .number(drawn.topP), "top_k": .number(drawn.topK),
          "min_tokens": .number(drawn.minTokens), "max_tokens": .number(drawn.maxTokens),
        ]),
    ]
    return .object(members + (summary.json.objectValue ?? []))
  }

  private func closing(_ summary: EvaluationSummary, _ input: EvaluationPrompts, _ speed: String) async -> String {
    var parts = ["evaluate: \(summary.overall.responses.of("response"))\(speed)"]
    let bad = await input.badRecords
    if bad > 0 { parts.append("bad records: \(bad)") }
    if let output { parts.append("responses saved in \(output)") }
    return parts.joined(separator: "; ")
  }
}

/// The file of `--output`.
private final class ResponseFile {
  private let path: String
  private let file: OutputFile
  private let threads: Int
  private let anchor: ImageAnchor
  private var count = 0

  init(path: String, existing: OutputFile.Existing, threads: Int, imageRoots: [String]) throws {
    self.path = path
    self.threads = threads
    anchor = ImageAnchor(writing: path, roots: imageRoots)
    file = try OutputFile(path: path, existing: existing)
  }

  nonisolated(nonsending) func write(_ rollouts: [Trajectory]) async throws {
    let anchor = anchor
    try await ParallelEncoding.run(
      count: rollouts.count, threads: threads,
      encode: { try TrajectoryEncoder.encode(rollouts[$0], anchoredBy: anchor, into: &$1) },
      write: { try file.write($0) })
    try file.flush()
    count += rollouts.count
  }

  func finish() throws { try file.finish() }

  /// Ends the file of a command that was interrupted.
  func keepWhatIsComplete() throws {
    guard count > 0 else { return }
    try file.finish()
    Terminal.say("\(path) holds what was complete: \(count.of("response"))")
  }
}

/// The rate of tokens.
private struct Stopwatch: Sendable {
  private let started = ContinuousClock().now

  /// The text after a count; empty if tokens are not counted.
  func speed(_ tokens: Int) -> String {
    if tokens == 0 { return "" }
    return ", \(Int(Double(tokens) / max((ContinuousClock().now - started).inSeconds, 1e-3))) tokens/s"
  }
}
