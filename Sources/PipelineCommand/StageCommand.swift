// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import PipelineCore
import PipelineIO
import PipelineRuntime
import PipelineSpec

/// `shuffle-r1 stage`.
struct StageCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stage",
    abstract: "Run one stage alone: trajectories from standard input to standard output.",
    discussion: """
      Dropped trajectories are counted on standard error, by rule; --lineage writes what became of each trajectory to \
      a file. Without --batch-groups and --batch-by the whole input is one batch, unless the records carry 'batch' \
      from an earlier stage. `shuffle-r1 describe NAME` lists a stage's options.

        shuffle-r1 stage advantage < rollouts.jsonl \\
          | shuffle-r1 stage pairwise-sample --with '{"keep": 0.5}' \\
          | shuffle-r1 stage shuffle --seed 7 > selected.jsonl
      """)

  @Argument(help: "The stage's registered name.")
  var name: String

  @Option(help: ArgumentHelp("The stage's options.", valueName: "json"))
  var with: String?

  @Option(parsing: .unconditional, help: ArgumentHelp("Start a new batch after every n groups.", valueName: "n"))
  var batchGroups: Int?

  @Option(help: ArgumentHelp("Start a new batch whenever this field's value changes.", valueName: "field"))
  var batchBy: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The number of the first batch, if the input is a later part of a larger one; draws are then the same as there.",
      valueName: "n"))
  var firstBatch = 0

  @Option(parsing: .unconditional, help: ArgumentHelp("The seed of the stage's random draws.", valueName: "number"))
  var seed: UInt64 = 1

  @Option(help: ArgumentHelp("Write to this file what became of each trajectory.", valueName: "file"))
  var lineage: String?

  @Option(help: ArgumentHelp("Write lines that cannot be used to this file.", valueName: "file"))
  var badRecords: String?

  @OptionGroup var badRecordLimit: BadRecordLimit

  @Option(help: ArgumentHelp("The input's format; recognized by default.", valueName: "name"))
  var format: String?

  @Flag(help: "End well even if no trajectory is kept.")
  var allowEmpty = false

  @Flag(help: "Replace the files of --lineage, --bad-records and tap if they exist.")
  var force = false

  @OptionGroup var media: MediaArguments
  @OptionGroup var work: WorkOptions

  func validate() throws {
    if batchGroups != nil, batchBy != nil {
      throw ValidationError("--batch-groups and --batch-by exclude each other; give one of them")
    }
    if let batchGroups, batchGroups < 1 {
      throw ValidationError("--batch-groups is \(batchGroups), it must be at least 1")
    }
    if firstBatch < 0 { throw ValidationError("--first-batch is \(firstBatch), it must be at least 0") }
    for (option, path) in [("--lineage", lineage), ("--bad-records", badRecords)] {
      if path == "-" {
        throw ValidationError("\(option) names standard output, where the trajectories go; name a file")
      }
      if path?.isEmpty == true { throw ValidationError("\(option) is empty; name a file") }
    }
    if let lineage, let badRecords, Self.areSame(lineage, badRecords) {
      throw ValidationError("--lineage and --bad-records name the same file; give each its own")
    }
  }

  private static func areSame(_ a: String, _ b: String) -> Bool {
    URL(fileURLWithPath: a).standardizedFileURL == URL(fileURLWithPath: b).standardizedFileURL
  }

  func run() async throws {
    let stage = NamedStage(
      name: name, stage: try SpecLoader.stage(name, with: with ?? "", registry: CommandEnvironment.registry))
    try await withClosing({ await stage.close() }) { try await run(stage) }
  }

  private func run(_ stage: NamedStage) async throws {
    let observer = TerminalObserver(quiet: work.quiet)
    defer { observer.end() }
    let existing: OutputFile.Existing = force ? .replace : .refuse
    let output = try OutputFile(path: "-")
    let lineageFile = try lineage.map { try OutputFile(path: $0, existing: existing) }
    let badRecordsFile = try badRecords.map { try OutputFile(path: $0, existing: existing) }
    let log = BadRecordLog(observer: observer)
    let reader = TrajectoryReader(readerOptions(of: stage.stage)) { log.add($0) }
    if isatty(0) == 1, !work.quiet { Terminal.say("reading trajectories from the terminal; end with Ctrl-D") }

    let taken = [lineage, badRecords].compactMap { $0.map { URL(fileURLWithPath: $0).standardizedFileURL } }
    let taps = FileTapSink(existing: existing, taken: taken, threads: work.threads)
    var tally = StageTally()
    while let read = try await reader.next() {
      try Task.checkCancellation()
      var batch = read
      let report = StageReport()
      let context = StageContext(
        stage: name, step: batch.number, seed: seed, threads: work.threads, report: report, media: media.access,
        sink: taps)
      try await stage.run(&batch, in: context)
      for warning in report.warnings { observer.warned(step: batch.number, stage: name, warning) }
      tally.count(batch)
      try await write(batch, to: output)
      if let lineageFile {
        try await LineageEncoder(batch).write(threads: work.threads) { try lineageFile.write($0) }
      }
      observer.progressed(step: batch.number, activity: name, share: await reader.progress)
    }
    let counts = await reader.counts
    if counts.trajectories == 0, let first = log.first { throw nothingUsable(counts, first) }
    try output.finish()
    try await taps.finish()
    try lineageFile?.finish()
    if let badRecordsFile {
      try badRecordsFile.write(log.take())
      try badRecordsFile.finish()
    }
    observer.end()
    if !work.quiet { Terminal.say(tally.summary(stage: name, counts)) }
    if tally.keptNothing, !allowEmpty {
      throw PipelineError(
        .invalidData,
        "stage '\(name)' kept none of \(tally.arrived.of("trajectory")); give --allow-empty where that is meant")
    }
  }

  private func nothingUsable(_ counts: TrajectoryReader.Counts, _ first: BadRecord) -> PipelineError {
    PipelineError(
      .invalidData, "no line of standard input can be used (\(counts.badRecords) bad); the first: \(first.reason)",
      at: first.location)
  }

  private func readerOptions(of stage: any Stage) -> TrajectoryReader.Options {
    var options = TrajectoryReader.Options(paths: ["-"])
    options.format = format
    options.required = stage.reads.subtracting([.id, .group]).sorted { $0.rawValue < $1.rawValue }
    options.requiredBy = "stage '\(name)' reads"
    options.maxBadRecords = badRecordLimit.maxBadRecords
    options.nameOfLimit = "--max-bad-records"
    options.threads = work.threads
    options.firstBatch = firstBatch
    if let batchGroups { options.cut = .groups(batchGroups) }
    if let batchBy { options.cut = .field(Field(batchBy)) }
    return options
  }

  private func write(_ batch: TrajectoryBatch, to output: OutputFile) async throws {
    let stamps = batchGroups != nil || batchBy != nil
    try await ParallelEncoding.run(
      count: batch.count, threads: work.threads,
      encode: { index, bytes in
        var trajectory = batch[index]
        if stamps { trajectory.batch = batch.number }
        try TrajectoryEncoder.encode(trajectory, into: &bytes)
      }, write: { try output.write($0) })
    try output.flush()
  }
}

/// Counts what a stage did over all batches.
private struct StageTally {
  private var batches = 0
  private(set) var arrived = 0
  private var kept = 0

  var keptNothing: Bool { arrived > 0 && kept == 0 }

  private var dropped: [String: Int] = [:]

  mutating func count(_ batch: TrajectoryBatch) {
    batches += 1
    arrived += batch.inputCount
    kept += batch.count
    for drop in batch.drops { dropped[drop.rule, default: 0] += 1 }
  }

  func summary(stage: String, _ counts: TrajectoryReader.Counts) -> String {
    var line = "\(stage): \(arrived.of("trajectory")) in \(batches.of("batch")), \(kept) kept"
    let rules = dropped.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
    if !rules.isEmpty { line += "; dropped: " + rules.joined(separator: ", ") }
    if counts.badRecords > 0 { line += "; bad records: \(counts.badRecords)" }
    if counts.nonFiniteRecords > 0 {
      line += "; records with NaN or Infinity, taken for null: \(counts.nonFiniteRecords)"
    }
    return line
  }
}

/// A tap of a stage that runs alone: a file in the working folder for each name.
private actor FileTapSink: BatchSink {
  private let existing: OutputFile.Existing
  /// The command's other output files.
  private let taken: [URL]
  private let threads: Int
  private var files: [String: OutputFile] = [:]

  init(existing: OutputFile.Existing, taken: [URL], threads: Int) {
    self.existing = existing
    self.taken = taken
    self.threads = threads
  }

  func write(_ batch: TrajectoryBatch, name: String) async throws {
    let file = try files[name] ?? open("\(name).jsonl")
    files[name] = file
    try await ParallelEncoding.run(
      count: batch.count, threads: threads, encode: { try TrajectoryEncoder.encode(batch[$0], into: &$1) },
      write: { try file.write($0) })
  }

  func log(_ lines: [String], name: String) async throws {
    for line in lines { Terminal.say("\(name): \(line)") }
  }

  func finish() throws {
    for file in files.values { try file.finish() }
  }

  private func open(_ path: String) throws -> OutputFile {
    if taken.contains(URL(fileURLWithPath: path).standardizedFileURL) {
      throw PipelineError(.inputOutput, "the tap goes to \(path), which --lineage or --bad-records names too")
    }
    return try OutputFile(path: path, existing: existing)
  }
}
