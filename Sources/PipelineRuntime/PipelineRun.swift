// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
public import PipelineIO
import Synchronization

/// Drives batches through the stages and writes down what happens.
///
/// Without a policy to train, each step is complete in itself. With one, a step counts once a checkpoint holds what the
/// policy learnt in it: a resume goes back to the newest checkpoint and does what came after it again, to the same bytes.
public final class PipelineRun {
  private let plan: RunPlan
  private let directory: RunDirectory
  private let observer: any RunObserver
  private let clock = ContinuousClock()
  private var trainer: Trainer?

  /// A run of a plan in a directory.
  public init(plan: RunPlan, directory: RunDirectory, observer: any RunObserver) {
    self.plan = plan
    self.directory = directory
    self.observer = observer
  }

  /// Reads, runs every stage, writes, until the input or the steps end.
  ///
  /// - Throws: What reading, a stage or writing throws; complete steps stay as they are. Cancelled, a run that trains
  ///   finishes an update that has begun and saves a checkpoint first.
  public func run() async throws -> RunSummary {
    do {
      let summary = try await runAll()
      await close()
      return summary
    } catch {
      await close()
      throw error
    }
  }

  private func close() async {
    for stage in plan.stages { await stage.close() }
    await trainer?.session.close()
  }

  private func runAll() async throws -> RunSummary {
    var summary = RunSummary(stages: plan.stages.map { .init(name: $0.name) })
    summary.stepsBefore = directory.completeSteps
    summary.steps = directory.completeSteps
    let badRecords = BadRecordLog(observer: observer)
    let source = try await openSource(badRecords)
    try await source.move(to: directory.training["source"], steps: directory.completeSteps)
    if let training = plan.training { trainer = try await Trainer(training, plan, directory, observer) }
    try await trainer?.evaluateBefore()
    let steps = stepCount(source)
    do {
      var readSince = clock.now
      while steps.map({ summary.steps < $0 }) ?? true, var batch = try await source.next(step: summary.steps) {
        try Task.checkCancellation()
        observer.progressed(step: batch.number, activity: "read", share: await share(summary.steps, of: steps, source))
        try writeBadRecords(badRecords)
        try await step(&batch, source, seconds: (clock.now - readSince).inSeconds, steps, &summary)
        summary.steps += 1
        try await trainer?.stepEnded(steps: summary.steps, of: steps, source: source.position)
        observer.progressed(
          step: batch.number, activity: "written", share: await share(summary.steps, of: steps, source))
        readSince = clock.now
      }
      try writeBadRecords(badRecords)
      summary.counts = await source.counts
      if summary.steps == 0 { throw nothingRead(summary.counts, badRecords.first) }
      if let trainer {
        try await trainer.finish(steps: summary.steps, source: source.position)
        (summary.checkpoint, summary.bestCheckpoint) = (trainer.checkpoint, trainer.bestCheckpoint)
        summary.evaluations = trainer.evaluations
      } else if !directory.isFinished {
        try directory.streamsGrew()
        try directory.save(isLast: true)
      }
    } catch let error as CancellationError {
      try await trainer?.saveInterrupted()
      throw error
    }
    return summary
  }

  private func openSource(_ badRecords: BadRecordLog) async throws -> any BatchSource {
    let reader = TrajectoryReader(plan.reader) { badRecords.add($0) }
    guard let pool = plan.pool else { return StreamSource(reader) { badRecords.discard() } }
    let source = try await PoolSource(reader, files: plan.reader.paths, plan: pool, seed: plan.seed)
    // Said before a model is opened for nothing.
    if source.isEmpty { throw nothingRead(source.counts, badRecords.first) }
    // An earlier part of the run has written them down.
    if directory.completeSteps > 0 { badRecords.discard() }
    return source
  }

  /// How many steps the run has, as far as it is known.
  private func stepCount(_ source: any BatchSource) -> Int? {
    [plan.training?.steps, source.batchCount].compactMap { $0 }.min()
  }

  private func share(_ done: Int, of steps: Int?, _ source: any BatchSource) async -> Double? {
    if let steps, steps > 0 { return Double(done) / Double(steps) }
    return await source.progress
  }

  private func step(
    _ batch: inout TrajectoryBatch, _ source: any BatchSource, seconds: Double, _ steps: Int?,
    _ summary: inout RunSummary
  ) async throws {
    let began = clock.now
    var metrics = MetricsLine(step: batch.number)
    metrics.describeInput(batch)
    var runner = StepRunner(
      plan: plan, directory: directory, observer: observer, session: trainer?.session, source: source)
    try await runner.prepare(&batch)
    let work = UncancellableStep(batch: batch, runner: runner, metrics: metrics)
    // From the first update on the policy is ahead of what is written: this part is finished, whatever is asked.
    nonisolated(unsafe) let run = self
    try await Task { try await run.finish(work, readSeconds: seconds) }.value
    for (index, count) in work.runner.counts.enumerated() { summary.stages[index].add(count) }
    observer.stepEnded(
      StepReport(
        step: batch.number, steps: steps, metrics: work.metrics.numbers,
        seconds: seconds + (clock.now - began).inSeconds))
  }

  /// What is left of a step from its first update on.
  private func finish(_ work: UncancellableStep, readSeconds: Double) async throws {
    trainer?.updateBegan(plan.trains)
    try await work.runner.finish(&work.batch)
    let since = clock.now
    try await write(work.batch)
    work.runner.write(to: &work.metrics)
    let timings = try await trainer?.evaluate(after: work.batch.number, &work.metrics) ?? []
    for warning in trainer?.watch(step: work.batch.number, work.metrics.numbers) ?? [] {
      observer.warned(
        step: work.batch.number, stage: "training",
        .init(code: warning.code, message: "\(warning.message); \(warning.advice)", count: 1))
    }
    var all = [("read", readSeconds)]
    all += zip(plan.stages, work.runner.seconds).map { ($0.name, $1) }
    all += timings + [("write", (clock.now - since).inSeconds - timings.reduce(0) { $0 + $1.1 })]
    try writeMetrics(work.metrics, MetricsLine(step: work.batch.number, timings: all))
    try directory.stepEnded()
    if trainer == nil { try directory.save() }
  }

  private func write(_ batch: TrajectoryBatch) async throws {
    if let file = plan.rolloutsFile {
      let rollouts = try directory.stream(file)
      try await ParallelEncoding.run(
        count: batch.count, threads: plan.threads,
        encode: { index, bytes in
          var trajectory = batch[index]
          if trajectory.step == nil { trajectory.step = batch.number }
          try TrajectoryEncoder.encode(trajectory, into: &bytes)
        }, write: { try rollouts.write($0) })
    }
    if plan.writesLineage {
      let lineage = try directory.stream("lineage.jsonl")
      try await LineageEncoder(batch).write(threads: plan.threads) { try lineage.write($0) }
    }
  }

  private func writeMetrics(_ metrics: MetricsLine, _ timings: MetricsLine) throws {
    try directory.stream("metrics.jsonl").write(metrics.line)
    try directory.stream("timings.jsonl").write(timings.line)
    if plan.writesTensorBoard { try TensorBoardLog(directory: directory).write([metrics.withoutEvaluation, timings]) }
  }

  private func writeBadRecords(_ log: BadRecordLog) throws {
    let lines = log.take()
    if !lines.isEmpty { try directory.stream("bad-records.jsonl").write(lines) }
  }

  private func nothingRead(_ counts: TrajectoryReader.Counts, _ first: BadRecord?) -> PipelineError {
    let files = plan.reader.paths.map { $0 == "-" ? "standard input" : $0 }.joined(separator: ", ")
    let noun = plan.reader.kind == .prompts ? "prompts" : "trajectories"
    guard let first else {
      return PipelineError(.invalidData, "\(files) holds no \(noun); check that the right file was named")
    }
    return PipelineError(
      .invalidData, "no line of \(files) can be used (\(counts.badRecords) bad); the first: \(first.reason)",
      at: first.location)
  }
}

/// A step that has come to its first update.
private final class UncancellableStep: @unchecked Sendable {
  var batch: TrajectoryBatch
  var runner: StepRunner
  var metrics: MetricsLine

  init(batch: TrajectoryBatch, runner: StepRunner, metrics: MetricsLine) {
    (self.batch, self.runner, self.metrics) = (batch, runner, metrics)
  }
}

extension RunSummary.StageCount {
  /// Adds what a stage did in a step.
  fileprivate mutating func add(_ step: RunSummary.StageCount) {
    arrived += step.arrived
    left += step.left
    seconds += step.seconds
    for (rule, count) in step.dropped { dropped[rule, default: 0] += count }
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

  func log(_ lines: [String], name: String) async throws {
    try directory.stream("logs/\(name).log").write(Array(lines.map { $0 + "\n" }.joined().utf8))
  }
}

extension Duration {
  /// The duration in seconds.
  public var inSeconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}
