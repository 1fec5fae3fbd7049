// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import BundledPlugin
import Files
import Foundation
import ModelInput
import PipelineCore
import PipelineIO
import PipelineRuntime
import PipelineSpec

/// The model with which a command computes log-probabilities.
struct ScoringModelArguments: ParsableArguments {
  @Option(help: ArgumentHelp("The model's folder, in the Hugging Face layout.", valueName: "dir"))
  var model: String?

  @Option(
    help: ArgumentHelp(
      #"A policy, written as in a spec: {"use": "worker", "with": {"model": "DIR"}}; `shuffle-r1 describe worker` lists its options."#,
      valueName: "json"))
  var policy: String?

  @OptionGroup var pixels: PixelArguments
  @OptionGroup var media: MediaArguments

  func validate() throws {
    if (policy == nil) == (model == nil) {
      throw ValidationError("name one model: --model DIR, or --policy with a policy as a spec has it")
    }
    if policy != nil { try pixels.refuse(with: "--policy", because: ChosenPolicy.saysPixels) }
  }

  /// The model's name in messages.
  var name: String { model ?? "the policy" }

  /// Opens the model to compute with, not to train.
  ///
  /// - Parameter files: The files of the records, whose images it may read.
  func open(threads: Int, files: [String]) async throws -> Policy {
    let access = media.access.including(files: files)
    guard let policy else { return try ChosenPolicy.bundled(model ?? "", pixels, threads: threads, access) }
    return try await ChosenPolicy.opened(
      ChosenPolicy.named(policy, for: .logProbs),
      PolicyOpening(purpose: .inference, threads: threads, media: access))
  }
}

/// The model at whose weights a command takes gradients, if it is given one.
struct GradientModelArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Compare policy gradients too, at the weights of the model in this folder.", valueName: "dir"))
  var model: String?

  @Option(
    help: ArgumentHelp(
      #"The same for any policy, written as in a spec: {"use": "worker", "with": {"model": "DIR"}}."#,
      valueName: "json"))
  var policy: String?

  @OptionGroup var media: MediaArguments

  func validate() throws {
    if policy != nil, model != nil { throw ValidationError("name one model: --model or --policy") }
  }

  /// Opens the model to take gradients with; nil if none is named.
  ///
  /// - Parameter files: The files of the records, whose images it may read.
  func open(threads: Int, files: [String]) async throws -> Policy? {
    guard let text = policy ?? model.map({ ChosenPolicy.reference(toModel: $0) }) else { return nil }
    return try await ChosenPolicy.named(text, for: .training).opened(
      PolicyOpening(purpose: .training, threads: threads, media: media.access.including(files: files)))
  }
}

/// Policies named by options of a command.
private enum ChosenPolicy {
  /// Why options for pixels are refused beside a policy that has its own.
  static let saysPixels = "write min_pixels and max_pixels into its 'with'"

  /// Opens a policy, and says what a person should know of it.
  static func opened(_ backend: any PolicyBackend, _ opening: PolicyOpening) async throws -> Policy {
    let policy = try await backend.opened(opening)
    for note in policy.notes { Terminal.say("warning: \(note)") }
    return policy
  }

  /// The bundled policy with the model of a folder, to compute with.
  static func bundled(_ folder: String, _ pixels: PixelArguments, threads: Int, _ media: MediaAccess) throws -> Policy {
    var options = BundledPolicy.Options()
    options.use = .inference
    options.pixels = pixels.limits
    options.threads = threads
    options.media = media
    var policy = Policy(try BundledPolicy(folder: folder, options: options))
    policy.trainable = nil
    return policy
  }

  /// The bundled policy with the model of a folder, as a spec has it.
  static func reference(toModel folder: String) -> String {
    let value: JSONValue = ["use": .string(BundledPolicyBackend.about.name), "with": ["model": .string(folder)]]
    return value.json
  }

  /// The policy that a text names, which must have what it is for.
  static func named(_ text: String, for need: PolicyAbility) throws -> any PolicyBackend {
    let backend = try SpecLoader.policy(reference: text, registry: CommandEnvironment.registry)
    guard backend.offers.contains(need) else {
      let lack =
        switch need {
        case .generation: "responses"
        case .training: "gradients"
        default: "log-probabilities"
        }
      throw PipelineError(.invalidSpec, "--policy: '\(type(of: backend).name)' gives no \(lack); name another policy")
    }
    return backend
  }
}

/// The model from which a command samples: on this machine, on a server, or any policy of a spec.
struct SampledModelArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The model's folder, in the Hugging Face layout; with --server, the model's name on the server.",
      valueName: "model"))
  var model: String?

  @Option(
    help: ArgumentHelp(
      "The address of an OpenAI-compatible server (vLLM, SGLang, …), such as http://127.0.0.1:8000/v1.",
      valueName: "url"))
  var server: String?

  @Option(help: ArgumentHelp("The environment variable that holds the server's key.", valueName: "variable"))
  var keyFrom: String?

  @Option(
    help: ArgumentHelp(
      "A policy, written as in a spec, with all its options: {\"use\": \"worker\", \"with\": {\"model\": \"DIR\"}}; "
        + "`shuffle-r1 describe worker` and `describe openai` list them.",
      valueName: "json"))
  var policy: String?

  @OptionGroup var pixels: PixelArguments
  @OptionGroup var media: MediaArguments

  func validate() throws {
    if policy != nil, model != nil || server != nil || keyFrom != nil {
      throw ValidationError("--policy says it all; leave out --model, --server and --key-from")
    }
    if policy == nil, model == nil {
      throw ValidationError("name a model: --model DIR, or --server URL --model NAME")
    }
    if keyFrom != nil, server == nil { throw ValidationError("--key-from goes with --server; give both") }
    if policy != nil { try pixels.refuse(with: "--policy", because: ChosenPolicy.saysPixels) }
    if server != nil {
      try pixels.refuse(with: "--server", because: "the server prepares images; set its limits there")
    }
  }

  /// The model's name in messages and reports.
  var name: String { model ?? "the policy" }

  /// Opens the model for sampling.
  ///
  /// - Parameters:
  ///   - output: The file that is written, beside which answers are kept until it is complete; nil for none.
  ///   - files: The files of the records, whose images it may read.
  func open(threads: Int, output: String?, files: [String]) async throws -> Policy {
    let access = media.access.including(files: files)
    if policy == nil, server == nil { return try ChosenPolicy.bundled(model ?? "", pixels, threads: threads, access) }
    let named = try policy.map { try ChosenPolicy.named($0, for: .generation) }
    let backend = try named ?? SpecLoader.policy("openai", with: serverOptions, registry: CommandEnvironment.registry)
    return try await ChosenPolicy.opened(
      backend,
      PolicyOpening(
        purpose: .inference, threads: threads, cacheFolder: output.map { AnswersBeside($0).folder },
        media: access))
  }

  private var serverOptions: OptionTree {
    let place = SourceLocation(file: "--server", line: 1, column: 1)
    let entries = [("url", server ?? ""), ("model", model ?? ""), ("key_from", keyFrom ?? "")].map {
      OptionTree.Entry(key: $0, location: place, value: OptionTree(.string($1), at: place))
    }
    return OptionTree(.table(entries), at: place)
  }
}

/// Where answers of servers are stored until a file is complete: in a folder next to it.
struct AnswersBeside {
  let folder: String
  private static let names = ["answers.jsonl", "judge.jsonl"]

  /// - Parameter output: The output file.
  init(_ output: String) { folder = output + ".cache" }

  /// Tells the user who stopped the command that answers are stored, and where.
  func sayWhatIsKept() {
    let holdsAnswers = Self.names.contains { name in
      var status = stat()
      return stat("\(folder)/\(name)", &status) == 0 && status.st_size > 0
    }
    guard holdsAnswers else { return }
    Terminal.say("\(folder) holds the answers that came; the same command with --force asks for the others alone")
  }

  /// Removes the stored answers, which are all in the output file now.
  ///
  /// Other files in the folder stay.
  func remove() {
    for name in Self.names { unlink("\(folder)/\(name)") }
    rmdir(folder)
  }
}

/// The input and output of a command that works with a model.
struct RecordArguments: ParsableArguments {
  @Argument(help: "Files of records; '-' or none for standard input.")
  var files: [String] = ["-"]

  @Option(name: .shortAndLong, help: ArgumentHelp("Write to this file instead of standard output.", valueName: "file"))
  var output = "-"

  @Option(help: ArgumentHelp("Write lines that cannot be used to this file.", valueName: "file"))
  var badRecords: String?

  @Flag(help: "Replace the files of --output and --bad-records if they exist.")
  var force = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The number of groups, each with its prompt, that are computed and written together.", valueName: "n"))
  var batchGroups = 64

  @OptionGroup var badRecordLimit: BadRecordLimit

  func validate() throws {
    if batchGroups < 1 { throw ValidationError("--batch-groups is \(batchGroups), it must be at least 1") }
    if output.isEmpty { throw ValidationError("--output is empty; name a file") }
    if badRecords == "-" { throw ValidationError("--bad-records names standard output; name a file") }
    if let badRecords, output != "-", RealPath(badRecords).components == RealPath(output).components {
      throw ValidationError("--output and --bad-records name the same file; give each its own")
    }
  }

  /// What a file may be replaced by.
  var existing: OutputFile.Existing { force ? .replace : .refuse }

  /// The folder that the images of a record start from: that of its file, or the working folder for standard input.
  static func folder(of record: Trajectory) -> String {
    let file = record.record.file
    guard file != "standard input", let slash = file.lastIndex(of: "/") else { return "" }
    return String(file[...slash])
  }
}

/// Reads records batch by batch, writes the results, and reports progress.
struct RecordStream {
  let reader: TrajectoryReader
  let output: OutputFile
  let line: ProgressLine
  private let arguments: RecordArguments
  private let work: WorkOptions
  private let badRecordsFile: OutputFile?
  private let log: BadRecordLog
  private let observer: TerminalObserver
  private let inputSize: InputSize
  private let noun: String
  private let anchor: ImageAnchor

  /// Opens the outputs; the input is opened with the first batch.
  ///
  /// - Parameters:
  ///   - noun: The noun for a record: `prompt`, `trajectory`.
  ///   - media: Where images may lie besides the folders of the files.
  init(
    _ arguments: RecordArguments, _ work: WorkOptions, noun: String, media: MediaAccess,
    options: (inout TrajectoryReader.Options) throws -> Void
  )
    throws
  {
    for path in arguments.files where path != "-" && access(path, R_OK) != 0 {
      throw SystemError.current("cannot open", path)
    }
    self.arguments = arguments
    self.work = work
    self.noun = noun
    anchor = ImageAnchor(writing: arguments.output, roots: media.roots)
    output = try OutputFile(path: arguments.output, existing: arguments.existing)
    badRecordsFile = try arguments.badRecords.map { try OutputFile(path: $0, existing: arguments.existing) }
    line = ProgressLine(quiet: work.quiet)
    observer = TerminalObserver(quiet: work.quiet, line: line)
    let log = BadRecordLog(observer: observer)
    self.log = log
    var readerOptions = TrajectoryReader.Options(paths: arguments.files)
    readerOptions.cut = .groups(arguments.batchGroups)
    readerOptions.maxBadRecords = arguments.badRecordLimit.maxBadRecords
    readerOptions.nameOfLimit = "--max-bad-records"
    readerOptions.threads = work.threads
    try options(&readerOptions)
    reader = TrajectoryReader(readerOptions) { log.add($0) }
    inputSize = InputSize(arguments.files)
    if arguments.files.contains("-"), isatty(0) == 1, !work.quiet {
      Terminal.say("reading from the terminal; end with Ctrl-D")
    }
  }

  /// Calls `body` with each batch, and the share of the input before and after it; then completes the files.
  ///
  /// After an interruption the output stays: it then contains the complete batches.
  func forEachBatch(_ body: (TrajectoryBatch, (before: Double, after: Double)?) async throws -> Void) async throws {
    var before = 0.0
    var batches = 0
    do {
      while let batch = try await reader.next() {
        try Task.checkCancellation()
        let after = batch.trajectories.last.flatMap { inputSize.share(endingWith: $0) }
        try await body(batch, after.map { (min(before, $0), $0) })
        try output.flush()
        before = after ?? 0
        batches += 1
      }
    } catch let error as CancellationError {
      line.clear()
      if batches > 0, arguments.output != "-" {
        try output.finish()
        Terminal.say("\(arguments.output) holds what was complete: \(batches.of("batch"))")
      }
      throw error
    }
    let counts = await reader.counts
    if counts.trajectories == 0, let first = log.first {
      throw PipelineError(
        .invalidData, "no \(noun) of the input can be used (\(counts.badRecords) bad); the first: \(first.reason)",
        at: first.location)
    }
    try output.finish()
    if let badRecordsFile {
      try badRecordsFile.write(log.take())
      try badRecordsFile.finish()
    }
    line.clear()
  }

  /// Writes records as lines, in order.
  func write(_ records: [Trajectory]) async throws {
    let anchor = anchor
    try await ParallelEncoding.run(
      count: records.count, threads: work.threads,
      encode: { try TrajectoryEncoder.encode(records[$0], anchoredBy: anchor, into: &$1) },
      write: { try output.write($0) })
  }

  /// Reports what was done, and what was left out.
  func summarise(_ text: String, _ more: [String] = []) async {
    if work.quiet { return }
    let badRecords = await reader.counts.badRecords
    let bad = badRecords > 0 ? ["bad records: \(badRecords)"] : []
    Terminal.say(([text] + more + bad).joined(separator: "; "))
  }
}

/// The size of the input, if it can be known.
private struct InputSize {
  private let starts: [String: UInt64]
  private let total: UInt64

  init(_ paths: [String]) {
    var starts: [String: UInt64] = [:]
    var total: UInt64 = 0
    for path in paths {
      var status = stat()
      let isKnown = path == "-" ? fstat(0, &status) == 0 : stat(path, &status) == 0
      // Compressed files are decompressed on the fly, so that a record's position says nothing.
      let isCompressed = path.hasSuffix(".gz") || path.hasSuffix(".zst")
      guard isKnown, !isCompressed, status.st_mode & S_IFMT == S_IFREG else {
        (self.starts, self.total) = ([:], 0)
        return
      }
      starts[path == "-" ? "standard input" : path] = total
      total += UInt64(status.st_size)
    }
    (self.starts, self.total) = (starts, total)
  }

  /// The share of the input up to the end of a record.
  func share(endingWith trajectory: Trajectory) -> Double? {
    guard total > 0, let start = starts[trajectory.record.file] else { return nil }
    return min(1, Double(start + trajectory.record.offset + UInt64(trajectory.record.byteCount)) / Double(total))
  }
}
