// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineSpec

/// Drives one batch through the stages.
struct StepRunner {
  let plan: RunPlan
  private let directory: RunDirectory
  private var committer: Committer { directory.committer }
  let observer: any RunObserver
  private let session: TrainingSession?
  /// Of a run without a policy.
  private let memories: StageMemories
  private let source: any BatchSource
  private let clock = ContinuousClock()

  var figures: [StageFigures]
  private var attempts: [Int: Int] = [:]
  /// Seconds spent in each stage, in order.
  private(set) var seconds: [Double]
  /// What each stage did in this step.
  var counts: [RunSummary.StageCount]
  /// What became of the waves of each stage that makes rollouts in waves.
  var waveTallies: [Int: WaveTally] = [:]
  /// The groups that the step has room for, and has not yet.
  var room = 0
  /// The stage that has begun on rollouts before its turn.
  var early: EarlyStart?

  init(
    plan: RunPlan, directory: RunDirectory, observer: any RunObserver, session: TrainingSession?,
    memories: StageMemories, source: any BatchSource
  ) {
    (self.plan, self.observer) = (plan, observer)
    self.directory = directory
    (self.session, self.memories, self.source) = (session, memories, source)
    figures = plan.stages.map { _ in StageFigures() }
    seconds = plan.stages.map { _ in 0 }
    counts = plan.stages.map { .init(name: $0.name) }
  }

  /// Keeps what a program that a stage asks wrote to its standard error.
  func log(ofStage index: Int) -> @Sendable ([String]) async throws -> Void {
    let file = "logs/\(plan.stages[index].name).log"
    return { [committer] lines in try committer.log(lines, to: file) }
  }

  /// Where the policy begins to change: what follows is not to be interrupted.
  var firstTraining: Int {
    plan.stages.firstIndex { $0.stage.needs.contains(.training) } ?? plan.stages.count
  }

  /// Runs the stages before the policy changes, as often as a stage asks for more groups.
  mutating func prepare(_ batch: inout TrajectoryBatch) async throws {
    var next = 0
    room = batch.groups.count
    if let asking = plan.stages[..<firstTraining].lastIndex(where: { ($0.stage.refill?.maxAttempts ?? 1) > 1 }),
      let refill = plan.stages[asking].stage.refill
    {
      try await fill(&batch, behind: asking, refill)
      next = asking + 1
    }
    try await run(next..<firstTraining, &batch)
  }

  /// Runs the stages from the first that changes the policy on.
  mutating func finish(_ batch: inout TrajectoryBatch) async throws {
    for index in firstTraining..<plan.stages.count { try await run(index, &batch) }
  }

  /// Writes every stage's figures.
  func write(to line: inout MetricsLine) {
    for (index, stage) in plan.stages.enumerated() {
      figures[index].write(as: stage.name, to: &line)
      if let attempts = attempts[index] { line.set("\(stage.name)/attempts", .number(attempts)) }
      waveTallies[index]?.write(as: stage.name, to: &line)
    }
  }

  /// Takes further prompts until as many groups are left behind a stage as there were in the beginning.
  private mutating func fill(_ batch: inout TrajectoryBatch, behind asking: Int, _ refill: Refill) async throws {
    let name = plan.stages[asking].name
    let wanted = batch.groups.count
    var taken = Set(batch.groups.map(\.name))
    try await run(0..<asking + 1, &batch)
    var attempt = 1
    var reason = "the \(refill.maxAttempts) attempts of max_attempts are used up"
    while batch.liveGroupCount < wanted {
      if attempt == refill.maxAttempts { break }
      room = wanted - batch.liveGroupCount
      let lack = LackingGroups(full: wanted, left: batch.liveGroupCount, taken: taken.count)
      let waiting = try waitingPrompts()
      // Groups that have waited are in the batch, and were not taken in this step.
      let present = taken.union(waiting).union(batch.trajectories.map(\.group)).union(
        batch.drops.map(\.trajectory.group))
      let found = try await source.more(step: batch.number, besides: present, lack)
      // Groups that wait are completed without new prompts, too.
      guard var further = found ?? (waiting.isEmpty ? nil : TrajectoryBatch([], number: batch.number)) else {
        reason = "there are no more prompts"
        break
      }
      attempt += 1
      taken.formUnion(further.groups.map(\.name))
      try await run(0..<asking + 1, &further)
      if waiting.isEmpty { batch.append(further) } else { batch.append(returning: further) }
    }
    attempts[asking] = attempt
    let left = batch.liveGroupCount
    if left > wanted { dropSurplus(&batch, keeping: wanted, asking) }
    if left < wanted {
      observer.warned(
        step: batch.number, stage: name,
        .init(
          code: "batch-not-full",
          message: "\(left) of \(wanted) groups are left after \(attempt) attempts, and \(reason); the step goes on "
            + "with those", count: wanted - left))
    }
  }

  private mutating func dropSurplus(_ batch: inout TrajectoryBatch, keeping wanted: Int, _ asking: Int) {
    var isSurplus = [Bool](repeating: false, count: batch.count)
    for group in batch.groups.filter({ !$0.positions.isEmpty }).dropFirst(wanted) {
      for position in group.positions { isSurplus[position] = true }
    }
    let surplus = isSurplus.count { $0 }
    batch.drop(stage: plan.stages[asking].name) { isSurplus[$0] ? RunReference.surplus.name : nil }
    figures[asking].lose(surplus, rule: RunReference.surplus.name)
    counts[asking].left -= surplus
    counts[asking].dropped[RunReference.surplus.name, default: 0] += surplus
  }

  /// Runs stages one after the other; those that work on waves of rollouts, once for each wave.
  private mutating func run(_ range: Range<Int>, _ batch: inout TrajectoryBatch) async throws {
    var index = range.lowerBound
    var spread: AdvantageSpread?
    while index < range.upperBound {
      if let waves = plan.stages[index].stage.waves, let last = plan.stages.map(\.stage).lastOfWave(from: index) {
        try await run(waves, from: index, through: last, &batch)
        spread = nil
        index = last + 1
      } else {
        spread = try await run(index, &batch, spread: spread)
        index += 1
      }
    }
  }

  /// What is remembered of the groups that wait in a stage's waves.
  func waitingMemory(ofStage index: Int) -> StageMemory {
    let name = plan.stages[index].name + "/waiting"
    return session?.memory(name) ?? memories[name]
  }

  /// Where the groups that wait in a stage's waves are kept.
  func waitingArchive(ofStage index: Int) -> RunArchive {
    RunArchive(directory, stage: plan.stages[index].name, plan: plan, for: .waiting)
  }

  /// What a stage works in.
  func context(of index: Int, step: Int, wave: RolloutWave? = nil) -> StageContext {
    let stage = plan.stages[index]
    return StageContext(
      stage: stage.name, step: step, seed: plan.seed, threads: plan.threads,
      training: session?.context(for: stage, step: step, observer) ?? TrainingContext(memory: memories[stage.name]),
      cacheFolder: directory.cacheFolder, media: plan.media, wave: wave,
      archive: RunArchive(directory, stage: stage.name, plan: plan),
      sink: TapSink(committer: committer, stage: stage.name, threads: plan.threads))
  }

  /// Runs a stage.
  ///
  /// - Parameters:
  ///   - wave: Which rollouts it is to make; nil for all.
  ///   - spread: How the batch's advantages are spread, where it is known: it stays where the stage changes nothing.
  /// - Returns: How they are spread then.
  @discardableResult
  mutating func run(
    _ index: Int, _ batch: inout TrajectoryBatch, wave: RolloutWave? = nil, spread: AdvantageSpread? = nil
  ) async throws -> AdvantageSpread {
    let (revision, known) = (batch.revision, spread)
    let stage = plan.stages[index]
    let context = beginNext(after: index, takeEarly(of: index) ?? context(of: index, step: batch.number, wave: wave))
    let dropsBefore = batch.drops.count
    let arrived = batch.count
    observer.progressed(step: batch.number, activity: stage.name, share: nil)
    let since = clock.now
    do {
      try await stage.run(&batch, in: context)
    } catch {
      await abandonEarly()
      await context.early?.abandon()
      throw error
    }
    let spent = (clock.now - since).inSeconds
    seconds[index] += spent
    counts[index].seconds += spent
    counts[index].arrived += arrived
    counts[index].left += batch.count
    let dropped = batch.drops[min(dropsBefore, batch.drops.count)...].counts(ofStage: stage.name)
    counts[index].dropped.merge(dropped, uniquingKeysWith: +)
    let spread = (batch.revision == revision ? known : nil) ?? AdvantageSpread(of: batch)
    figures[index].add(context.report, arrived: arrived, batch: batch, dropped: dropped, spread: spread)
    for warning in context.report.warnings {
      observer.warned(step: batch.number, stage: stage.name, warning)
      guard ["reward-failed", "reward-timed-out"].contains(warning.code) else { continue }
      counts[index].failed += warning.count
      counts[index].firstFailure = counts[index].firstFailure ?? warning.message
    }
    return spread
  }
}

extension TrajectoryBatch {
  /// The number of groups that still have trajectories.
  fileprivate var liveGroupCount: Int { groups.count { !$0.positions.isEmpty } }
}

extension ArraySlice<TrajectoryBatch.Drop> {
  /// How many trajectories each rule of a stage dropped.
  fileprivate func counts(ofStage stage: String) -> [String: Int] {
    var counts: [String: Int] = [:]
    // A stage drops many in a row by the same rule: the table is asked once for all of them.
    var (rule, count) = ("", 0)
    for drop in self where drop.stage == stage {
      if drop.rule != rule {
        if count > 0 { counts[rule, default: 0] += count }
        (rule, count) = (drop.rule, 0)
      }
      count += 1
    }
    if count > 0 { counts[rule, default: 0] += count }
    return counts
  }
}
