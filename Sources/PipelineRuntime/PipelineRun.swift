// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineIO
import Synchronization

/// Everything that a run needs to know.
public struct RunPlan: Sendable {
  /// The pipeline, in order.
  public var stages: [NamedStage]
  /// Where trajectories come from.
  public var reader: TrajectoryReader.Options
  /// The seed of every draw.
  public var seed: UInt64
  /// The file, in the run's directory, that survivors go to.
  public var rolloutsFile: String
  /// Whether to write what became of every trajectory.
  public var writesLineage: Bool
  /// Whether to write an event file for TensorBoard.
  public var writesTensorBoard = false
  /// The spec with every default filled in.
  public var resolved: JSONValue
  /// The most threads to use.
  public var threads: Int

  /// A plan.
  public init(
    stages: [NamedStage], reader: TrajectoryReader.Options, seed: UInt64, rolloutsFile: String,
    writesLineage: Bool, resolved: JSONValue, threads: Int
  ) {
    self.stages = stages
    self.reader = reader
    self.seed = seed
    self.rolloutsFile = rolloutsFile
    self.writesLineage = writesLineage
    self.resolved = resolved
    self.threads = threads
  }
}

/// Hears how a run gets on.
public protocol RunObserver: Sendable {
  /// Something was read or done.
  ///
  /// - Parameter share: The share of the input read, or nil when its size is unknown.
  func progressed(step: Int, activity: String, share: Double?)
  /// A stage has something to say that a person would want to know.
  func warned(step: Int, stage: String, _ warning: StageReport.Warning)
  /// A line of the input cannot be used.
  func found(_ badRecord: BadRecord)
}

/// What a run did.
public struct RunSummary: Sendable {
  /// One stage's share in it.
  public struct StageCount: Sendable {
    /// The stage's name.
    public let name: String
    /// Trajectories that arrived.
    public var arrived = 0
    /// Trajectories that left.
    public var left = 0
    /// How many each rule dropped.
    public var dropped: [String: Int] = [:]
    /// Time spent, in seconds.
    public var seconds = 0.0
  }

  /// The steps, those of an earlier part of the run included.
  public var steps = 0
  /// The steps that were complete before this part of the run.
  public var stepsBefore = 0
  /// What the reader counted.
  public var counts = TrajectoryReader.Counts()
  /// The stages, in order.
  public var stages: [StageCount]
}

/// Drives batches through the stages and writes down what happens.
public struct PipelineRun {
  private let plan: RunPlan
  private let directory: RunDirectory
  private let observer: any RunObserver
  private let clock = ContinuousClock()

  /// A run of a plan in a directory.
  public init(plan: RunPlan, directory: RunDirectory, observer: any RunObserver) {
    self.plan = plan
    self.directory = directory
    self.observer = observer
  }

  /// Reads, runs every stage, writes, until the input ends.
  ///
  /// On resume the complete steps are read again and passed over.
  /// - Throws: What reading, a stage or writing throws; complete steps stay as they are.
  public func run() async throws -> RunSummary {
    var summary = RunSummary(stages: plan.stages.map { .init(name: $0.name) })
    summary.stepsBefore = directory.completeSteps
    let badRecords = BadRecordLog(observer: observer)
    let reader = TrajectoryReader(plan.reader) { badRecords.add($0) }
    var readSince = clock.now
    while var batch = try await reader.next() {
      try Task.checkCancellation()
      let skipped = batch.number < directory.completeSteps
      if skipped { badRecords.discard() }
      if !skipped {
        observer.progressed(step: batch.number, activity: "read", share: await reader.progress)
        try writeBadRecords(badRecords)
        try await step(&batch, seconds: (clock.now - readSince).inSeconds, &summary)
        observer.progressed(step: batch.number, activity: "written", share: await reader.progress)
      }
      summary.steps = batch.number + 1
      readSince = clock.now
    }
    try writeBadRecords(badRecords)
    summary.counts = await reader.counts
    if summary.steps == 0 { throw nothingRead(summary.counts, badRecords.first) }
    if !directory.isFinished { try directory.stepEnded(isLast: true) }
    return summary
  }

  private func step(_ batch: inout TrajectoryBatch, seconds: Double, _ summary: inout RunSummary) async throws {
    var timings: [(String, Double)] = [("read", seconds)]
    var metrics = MetricsLine(step: batch.number)
    metrics.describeInput(batch)
    for (index, stage) in plan.stages.enumerated() {
      let report = StageReport()
      let context = StageContext(
        stage: stage.name, step: batch.number, seed: plan.seed, threads: plan.threads, report: report,
        sink: TapSink(directory: directory, stage: stage.name, threads: plan.threads))
      let dropsBefore = batch.drops.count
      summary.stages[index].arrived += batch.count
      let since = clock.now
      try await stage.run(&batch, in: context)
      let spent = (clock.now - since).inSeconds
      timings.append((stage.name, spent))
      summary.stages[index].seconds += spent
      summary.stages[index].left += batch.count
      for drop in batch.drops[dropsBefore...] { summary.stages[index].dropped[drop.rule, default: 0] += 1 }
      metrics.describe(stage: stage.name, batch: batch, drops: batch.drops[dropsBefore...], report: report)
      for warning in report.warnings { observer.warned(step: batch.number, stage: stage.name, warning) }
      observer.progressed(step: batch.number, activity: stage.name, share: nil)
    }
    let since = clock.now
    try await write(batch)
    timings.append(("write", (clock.now - since).inSeconds))
    try writeMetrics(step: batch.number, metrics, MetricsLine(step: batch.number, timings: timings))
    try directory.stepEnded()
  }

  private func write(_ batch: TrajectoryBatch) async throws {
    let rollouts = try directory.stream(plan.rolloutsFile)
    try await ParallelEncoding.run(
      count: batch.count, threads: plan.threads,
      encode: { index, bytes in
        var trajectory = batch[index]
        if trajectory.step == nil { trajectory.step = batch.number }
        try TrajectoryEncoder.encode(trajectory, into: &bytes)
      }, write: { try rollouts.write($0) })
    if plan.writesLineage {
      let lineage = try directory.stream("lineage.jsonl")
      try await LineageEncoder(batch).write(threads: plan.threads) { try lineage.write($0) }
    }
  }

  private func writeMetrics(step: Int, _ metrics: MetricsLine, _ timings: MetricsLine) throws {
    try directory.stream("metrics.jsonl").write(metrics.line)
    try directory.stream("timings.jsonl").write(timings.line)
    if plan.writesTensorBoard { try TensorBoardLog(directory: directory).write(step: step, [metrics, timings]) }
  }

  private func writeBadRecords(_ log: BadRecordLog) throws {
    let lines = log.take()
    if !lines.isEmpty { try directory.stream("bad-records.jsonl").write(lines) }
  }

  private func nothingRead(_ counts: TrajectoryReader.Counts, _ first: BadRecord?) -> PipelineError {
    let files = plan.reader.paths.map { $0 == "-" ? "standard input" : $0 }.joined(separator: ", ")
    guard let first else {
      return PipelineError(.invalidData, "\(files) holds no trajectories; check that the right file was named")
    }
    return PipelineError(
      .invalidData, "no line of \(files) can be used (\(counts.badRecords) bad); the first: \(first.reason)",
      at: first.location)
  }
}

/// Collects bad records between steps.
public final class BadRecordLog: Sendable {
  private let state = Mutex<(lines: [UInt8], first: BadRecord?)>(([], nil))
  private let observer: any RunObserver

  /// An empty log that tells `observer` of every record.
  public init(observer: any RunObserver) { self.observer = observer }

  /// The first record that cannot be used.
  public var first: BadRecord? { state.withLock { $0.first } }

  /// Adds a record.
  public func add(_ record: BadRecord) {
    state.withLock { state in
      state.first = state.first ?? record
      record.write(to: &state.lines)
    }
    observer.found(record)
  }

  /// The records since the last call, as JSONL.
  public func take() -> [UInt8] {
    state.withLock { state in
      defer { state.lines = [] }
      return state.lines
    }
  }

  func discard() { _ = take() }
}

/// Writes taps into the run's directory.
struct TapSink: BatchSink {
  // Stages of a run follow one another, so the directory is never used from two threads at once.
  private nonisolated(unsafe) let directory: RunDirectory
  private let stage: String
  private let threads: Int

  init(directory: RunDirectory, stage: String, threads: Int) {
    self.directory = directory
    self.stage = stage
    self.threads = threads
  }

  func write(_ batch: TrajectoryBatch, name: String) async throws {
    let stream = try directory.tap(name, of: stage)
    try await ParallelEncoding.run(
      count: batch.count, threads: threads, encode: { try TrajectoryEncoder.encode(batch[$0], into: &$1) },
      write: { try stream.write($0) })
  }
}

extension Duration {
  /// The duration in seconds.
  public var inSeconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}
