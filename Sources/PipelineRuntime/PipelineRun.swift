// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineIO

/// Drives batches through the stages and writes down what happens.
///
/// Without a policy to train, each step is complete in itself. With one, a step counts once a checkpoint holds what the
/// policy learnt in it: a resume goes back to the newest checkpoint and does what came after it again, to the same bytes.
/// ```swift
/// var registry = try Registry.standard()
/// try registry.register(MyReward.self)
/// let run = try PipelineRun(spec: "pipeline.json", registry: registry, output: "runs/first")
/// let summary = try await run.run()
/// ```
public actor PipelineRun {
  /// What is run.
  package nonisolated let plan: RunPlan
  /// Where the run's files go.
  public nonisolated let directory: RunDirectory
  private let observer: any RunObserver
  private let clock = ContinuousClock()
  private let started = Date()
  private var trainer: Trainer?
  /// Of a run without a policy.
  private var memories = StageMemories(nil)
  private var source: (any BatchSource)?
  private var work: StepInProgress?
  private let files: StepFiles

  /// A run of a plan in a directory.
  package init(plan: RunPlan, directory: RunDirectory, observer: any RunObserver = SilentObserver()) {
    self.plan = plan
    self.directory = directory
    self.observer = observer
    files = StepFiles(plan, directory)
  }

  private var committer: Committer { directory.committer }

  /// Reads, runs every stage, writes, until the input or the steps end.
  ///
  /// - Throws: What reading, a stage or writing throws; complete steps stay as they are. Cancelled, a run that trains
  ///   finishes an update that has begun and saves a checkpoint first.
  public func run() async throws -> RunSummary {
    try await withClosing({ await close() }) { try await runAll() }
  }

  private func close() async {
    for stage in plan.stages { await stage.close() }
    await source?.close()
    await trainer?.session.close()
  }

  private func runAll() async throws -> RunSummary {
    var summary = RunSummary(stages: plan.stages.map { .init(name: $0.name) })
    summary.stepsBefore = directory.completeSteps
    summary.steps = directory.completeSteps
    let badRecords = BadRecordLog(observer: observer)
    // A step that waits for its evaluation has taken its batch.
    let taken = directory.completeSteps + (committer.training["pending"] == nil ? 0 : 1)
    let source = try await openSource(badRecords, taken: taken)
    self.source = source
    try await source.move(to: committer.training["source"], steps: taken)
    memories = StageMemories(committer.training["memory"])
    if let training = plan.training { trainer = try await Trainer(training, plan, directory, observer) }
    try committer.begin()
    let steps = stepCount(source)
    trainer?.session.plannedSteps = steps
    do {
      try await trainer?.evaluateBefore()
      if let pending = trainer?.pending {
        try await complete(pending)
        try await stepEnded(&summary, of: steps, source)
      }
      try await runSteps(source, badRecords, of: steps, &summary)
      try await trainer?.evaluateAtEnd(steps: summary.steps)
    } catch {
      if error is CancellationError { try await uncancelled { try await $0.trainer?.saveInterrupted() } }
      // What made it stop is what is said.
      if !plan.trains { try? committer.saveWhatWaits() }
      throw error
    }
    try await finish(&summary)
    if let error = plan.nothingKept(summary) { throw error }
    return summary
  }

  private func runSteps(
    _ source: any BatchSource, _ badRecords: BadRecordLog, of steps: Int?, _ summary: inout RunSummary
  ) async throws {
    var readSince = clock.now
    while steps.map({ summary.steps < $0 }) ?? true {
      let probe = try await probe(source, step: summary.steps)
      let waiting = try runner(source).waitingPrompts()
      guard var batch = try await source.next(step: summary.steps, besides: waiting) else { break }
      try Task.checkCancellation()
      observer.progressed(step: batch.number, activity: "read", share: await share(summary.steps, of: steps, source))
      try writeBadRecords(badRecords)
      let seconds = (clock.now - readSince).inSeconds - (probe?.seconds ?? 0)
      try await step(&batch, source, probe, seconds: seconds, steps, &summary)
      try await stepEnded(&summary, of: steps, source)
      readSince = clock.now
    }
    try warnOfWaitingGroups(source, steps: summary.steps)
    try writeBadRecords(badRecords)
    summary.counts = await source.counts
    if summary.steps == 0 { throw plan.nothingRead(summary.counts, badRecords.first) }
  }

  /// Says what the run ends without.
  private func warnOfWaitingGroups(_ source: any BatchSource, steps: Int) throws {
    let runner = runner(source)
    for index in plan.stages.indices {
      let waiting = try runner.waitingGroups(ofStage: index)
      let (open, complete) = (waiting.open.count, waiting.complete.count)
      if open + complete == 0 { continue }
      observer.warned(
        step: max(0, steps - 1), stage: plan.stages[index].name,
        .init(
          code: "groups-left",
          message:
            "the run ends while \(open) groups wait for the rest of their rollouts and \(complete) complete ones for their "
            + "turn; nothing was trained on them", count: open + complete))
    }
  }

  private func finish(_ summary: inout RunSummary) async throws {
    if let trainer {
      try await uncancelled { try await $0.trainer?.finish() }
      (summary.checkpoint, summary.bestCheckpoint) = (trainer.checkpoint, trainer.bestCheckpoint)
      summary.evaluations = trainer.evaluations
    } else if !directory.isFinished {
      try committer.streamsGrew()
      try committer.save(.always, isLast: true, training: withoutPolicy)
    }
  }

  private func openSource(_ badRecords: BadRecordLog, taken: Int) async throws -> any BatchSource {
    guard let pool = plan.pool else { return StreamSource(plan.reader, badRecords) }
    let reader = TrajectoryReader(plan.reader) { badRecords.add($0) }
    let records = try await PoolRecords(reader, files: plan.reader.paths, plan: pool)
    // Said before a model is opened for nothing.
    if records.groups.isEmpty { throw plan.nothingRead(records.counts, badRecords.first) }
    // An earlier part of the run has written them down.
    if taken > 0 { badRecords.discard() }
    guard let sampler = plan.sampler else { return PoolSource(records, plan: pool, seed: plan.seed) }
    return try SampledSource(records, plan: pool, sampler: sampler, seed: plan.seed) { [committer] lines in
      try committer.log(lines, to: "logs/sampler.log")
    }
  }

  /// What the state of a run without a policy keeps: what stages remember, and where it stands among records that were all read.
  private var withoutPolicy: JSONValue {
    let position = source?.position ?? .null
    if position == .null { return memories.training }
    return .object((memories.training.objectValue ?? []) + [.init("source", position)])
  }

  /// How many steps the run has, as far as it is known.
  private func stepCount(_ source: any BatchSource) -> Int? {
    [plan.training?.steps, source.batchCount].compactMap { $0 }.min()
  }

  private func share(_ done: Int, of steps: Int?, _ source: any BatchSource) async -> Double? {
    if let steps, steps > 0 { return Double(done) / Double(steps) }
    return await source.progress
  }

  private func runner(_ source: any BatchSource) -> StepRunner {
    StepRunner(
      plan: plan, directory: directory, observer: observer, session: trainer?.session, memories: memories,
      source: source)
  }

  /// Rolls out what the source wants to learn from before a step.
  private func probe(_ source: any BatchSource, step: Int) async throws -> ProbeTally? {
    guard let probe = try await source.probe(step: step) else { return nil }
    let since = clock.now
    var runner = runner(source)
    var tally = try await runner.probe(probe, step: step)
    try await source.learn(from: tally, step: step)
    tally.seconds = (clock.now - since).inSeconds
    return tally
  }

  /// Runs a step up to where it counts.
  private func step(
    _ batch: inout TrajectoryBatch, _ source: any BatchSource, _ probe: ProbeTally?, seconds: Double, _ steps: Int?,
    _ summary: inout RunSummary
  ) async throws {
    let began = clock.now
    let work = StepInProgress(runner: runner(source), metrics: MetricsLine(step: batch.number))
    work.metrics.describeInput(batch)
    if let probe {
      work.metrics.describe(probe)
      work.timings.append(("probe", probe.seconds))
    }
    try await work.runner.prepare(&batch)
    let number = batch.number
    work.batch = batch
    // Only one holds it, so that nothing of it is copied when it changes.
    batch = TrajectoryBatch([], number: number)
    self.work = work
    // From the first update on the policy is ahead of what is written: this part is finished, whatever is asked.
    try await uncancelled { try await $0.update(readSeconds: seconds) }
    for (index, count) in work.runner.counts.enumerated() { summary.stages[index].add(count) }
    let pending = PendingStep(metrics: work.metrics, step: number, timings: work.timings)
    trainer?.updateEnded(pending, source: source.position)
    let numbers = try await complete(pending)
    observer.stepEnded(
      StepReport(
        step: number, steps: steps, metrics: numbers, seconds: seconds + (clock.now - began).inSeconds))
  }

  /// Runs the stages of a step from its first update on, and writes what became of the batch.
  private func update(readSeconds: Double) async throws {
    guard let work, var batch = work.batch else { return }
    work.batch = nil
    trainer?.updateBegan()
    try await work.runner.finish(&batch)
    try await observe(batch, work)
    let since = clock.now
    try await files.write(batch)
    work.runner.write(to: &work.metrics)
    work.timings.insert(("read", readSeconds), at: 0)
    work.timings += zip(plan.stages, work.runner.seconds).map { ($0.name, $1) }
    work.timings.append(("write", (clock.now - since).inSeconds))
    release(consume batch)
  }

  /// Gives a batch's memory back beside what comes next, which is often waiting for the disk.
  private func release(_ batch: consuming TrajectoryBatch) {
    guard plan.threads > 1 else { return }
    Task.detached { [batch] in _ = batch }
  }

  /// Lets what chooses prompts learn from a step, and takes its figures.
  private func observe(_ batch: TrajectoryBatch, _ work: StepInProgress) async throws {
    try await source?.observe(batch)
    guard let (name, report) = source?.takeReport() else { return }
    for metric in report.metrics { work.metrics.set("\(name)/\(metric.name)", .number(metric.value)) }
    for warning in report.warnings { observer.warned(step: batch.number, stage: "sampler \(name)", warning) }
  }

  /// Evaluates after a step where it is time to, and writes its figures: the step is complete.
  ///
  /// - Returns: The numbers of its line.
  @discardableResult
  private func complete(_ pending: PendingStep) async throws -> [String: Double] {
    var metrics = pending.metrics
    let evaluation = try await trainer?.evaluate(after: pending.step, &metrics) ?? []
    let numbers = metrics.numbers
    for warning in trainer?.watch(step: pending.step, numbers) ?? [] {
      observer.warned(
        step: pending.step, stage: "training",
        .init(code: warning.code, message: "\(warning.message); \(warning.advice)", count: 1))
    }
    // What was written before comes last among the timings, as it does in a step without an evaluation.
    var timings = pending.timings
    timings.insert(contentsOf: evaluation, at: max(0, timings.count - 1))
    try writeMetrics(metrics, MetricsLine(step: pending.step, timings: timings, started: started))
    try committer.stepEnded()
    if trainer == nil { try committer.save(.whenCheap, training: withoutPolicy) }
    return numbers
  }

  private func stepEnded(_ summary: inout RunSummary, of steps: Int?, _ source: any BatchSource) async throws {
    summary.steps += 1
    let (done, position) = (summary.steps, source.position)
    try await uncancelled { try await $0.trainer?.stepEnded(steps: done, of: steps, source: position) }
    observer.progressed(step: done - 1, activity: "written", share: await share(done, of: steps, source))
  }

  /// Does work to its end, whatever this task is asked.
  private func uncancelled(_ work: @escaping @Sendable (isolated PipelineRun) async throws -> Void) async throws {
    try await Task { try await work(self) }.value
  }

  private func writeMetrics(_ metrics: MetricsLine, _ timings: MetricsLine) throws {
    try committer.append(metrics.line, to: "metrics.jsonl")
    try committer.append(timings.line, to: "timings.jsonl")
    if plan.writesTensorBoard { try TensorBoardLog(committer: committer).write([metrics.withoutEvaluation, timings]) }
  }

  private func writeBadRecords(_ log: BadRecordLog) throws {
    let lines = log.take()
    if !lines.isEmpty { try committer.append(lines, to: "bad-records.jsonl") }
  }
}

/// A step that has come to its first update.
private final class StepInProgress {
  var batch: TrajectoryBatch?
  var runner: StepRunner
  var metrics: MetricsLine
  var timings: [(String, Double)] = []

  init(runner: StepRunner, metrics: MetricsLine) { (self.runner, self.metrics) = (runner, metrics) }
}

extension RunPlan {
  /// What to say of a run of which nothing is left, unless it may be so; nil if something is.
  fileprivate func nothingKept(_ summary: RunSummary) -> PipelineError? {
    guard !allowsEmpty, summary.stepsBefore == 0, let first = summary.stages.first, let last = summary.stages.last,
      first.arrived > 0, last.left == 0
    else { return nil }
    let drops = summary.stages.filter { !$0.dropped.isEmpty }.map { stage in
      let rules = stage.dropped.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.key) \($0.value)" }
      return "'\(stage.name)' dropped \(rules.joined(separator: ", "))"
    }
    return PipelineError(
      .invalidData,
      "the run kept no trajectory: \(drops.joined(separator: "; ")). Look at why in "
        + "lineage.jsonl, or set output.allow_empty to true where that is meant")
  }

  /// What to say about an input without a record that can be used.
  fileprivate func nothingRead(_ counts: TrajectoryReader.Counts, _ first: BadRecord?) -> PipelineError {
    let files = reader.paths.map { $0 == "-" ? "standard input" : $0 }.joined(separator: ", ")
    let noun = reader.kind == .prompts ? "prompts" : "trajectories"
    guard let first else {
      return PipelineError(.invalidData, "\(files) holds no \(noun); check that the right file was named")
    }
    return PipelineError(
      .invalidData, "no line of \(files) can be used (\(counts.badRecords) bad); the first: \(first.reason)",
      at: first.location)
  }
}

extension RunSummary.StageCount {
  /// Adds what a stage did in a step.
  fileprivate mutating func add(_ step: RunSummary.StageCount) {
    arrived += step.arrived
    left += step.left
    seconds += step.seconds
    for (rule, count) in step.dropped { dropped[rule, default: 0] += count }
    failed += step.failed
    firstFailure = firstFailure ?? step.firstFailure
  }
}
