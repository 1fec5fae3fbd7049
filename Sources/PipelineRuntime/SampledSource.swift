// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineIO

/// Hands out the groups that a sampler chooses among records that were all read at the start.
///
/// An epoch is as many steps as it takes to hand out each group once.
final class SampledSource: BatchSource {
  private let records: PoolRecords
  private let plan: PoolPlan
  private let sampler: any PromptSampler
  private let pool: PromptPool
  private let seed: UInt64
  private let log: @Sendable ([String]) async throws -> Void
  private let indices: [ExactText: Int]

  private var memory: SamplerMemory {
    didSet { saved = nil }
  }
  /// The memory as it is saved, until it changes.
  private var saved: JSONValue?
  private var steps = 0
  private var attempt = 0
  private var report = StageReport()

  /// Chooses among records.
  ///
  /// - Parameter log: Keeps what a program wrote to its standard error.
  /// - Throws: When a record lacks a number that the sampler chooses by.
  init(
    _ records: PoolRecords, plan: PoolPlan, sampler: any PromptSampler, seed: UInt64,
    log: @escaping @Sendable ([String]) async throws -> Void
  ) throws {
    (self.records, self.plan, self.sampler, self.seed, self.log) = (records, plan, sampler, seed, log)
    pool = try records.pool(for: sampler, plan: plan, seed: seed)
    memory = SamplerMemory(count: pool.count)
    indices = Dictionary(
      records.groups.enumerated().map { (ExactText($1[0].group), $0) }, uniquingKeysWith: { first, _ in first })
  }

  private var name: String { type(of: sampler).name }

  var counts: TrajectoryReader.Counts { records.counts }

  var batchCount: Int? { plan.epochs.map { $0 * (records.groups.count / records.groupsPerBatch) } }

  var progress: Double? { batchCount.map { Double(steps) / Double(max(1, $0)) } }

  var position: JSONValue {
    if let saved { return saved }
    let json = memory.saved(fingerprint: pool.fingerprint)
    saved = json
    return json
  }

  func move(to position: JSONValue?, steps: Int) throws {
    guard steps > 0 else { return }
    self.steps = steps
    guard let position, position["fingerprint"] != nil else {
      throw PipelineError(
        .invalidData,
        "the run's state does not say what the sampler '\(name)' remembers; start anew with --overwrite")
    }
    guard position["fingerprint"]?.stringValue == SamplerMemory.digits(of: pool.fingerprint) else {
      throw PipelineError(
        .invalidData,
        "the prompts are not those that the sampler '\(name)' has learnt about: their ids, their order or the numbers that it "
          + "chooses by are others; put the files back that the run began with, or start anew with --overwrite")
    }
    guard let memory = SamplerMemory(saved: position, count: pool.count) else {
      throw PipelineError(
        .invalidData,
        "what the run's state says of the sampler '\(name)' cannot be read; start anew with --overwrite")
    }
    self.memory = memory
  }

  func next(step: Int, besides waiting: Set<String>) async throws -> TrajectoryBatch? {
    if records.groups.isEmpty { return nil }
    if let count = batchCount, steps >= count { return nil }
    attempt = 0
    steps = step + 1
    let excluded = places(of: waiting)
    // In a small pool, what waits is chosen again rather than that the batch is not full.
    let hasOthers = pool.count - excluded.count >= records.groupsPerBatch
    return try await choose(records.groupsPerBatch, step: step, excluding: hasOthers ? excluded : [])
  }

  func more(step: Int, besides taken: Set<String>, _ lack: LackingGroups) async throws -> TrajectoryBatch? {
    attempt += 1
    let excluded = places(of: taken)
    let count = max(1, sampler.further(lack))
    if excluded.count >= pool.count { return nil }
    return try await choose(count, step: step, excluding: excluded)
  }

  func probe(step: Int) async throws -> SourceProbe? {
    if records.groups.isEmpty { return nil }
    if let count = batchCount, steps >= count { return nil }
    attempt = 0
    let asked = try await named { memory, context in
      try await sampler.probe(pool, memory: &memory, in: context)
    } step: {
      step
    }
    guard let probe = asked, !probe.indices.isEmpty else { return nil }
    guard probe.indices.allSatisfy((0..<pool.count).contains), Set(probe.indices).count == probe.indices.count,
      probe.rollouts >= 1
    else {
      throw PipelineError(
        .plugIn,
        "the sampler '\(name)' wants to roll out prompts twice, or some that the pool of \(pool.count) has not")
    }
    return SourceProbe(prompts: probe.indices.map { records.groups[$0] }, rollouts: probe.rollouts)
  }

  func learn(from probe: ProbeTally, step: Int) async throws {
    attempt = 0
    let results = probe.results { indices[ExactText($0)] }
    try await named { memory, context in
      try await sampler.learn(from: results, of: pool, memory: &memory, in: context)
    } step: {
      step
    }
  }

  func observe(_ batch: TrajectoryBatch) async throws {
    let results = GroupResults.of(batch) { indices[ExactText($0)] }
    try await named { memory, context in
      try await sampler.observe(results, of: pool, memory: &memory, in: context)
    } step: {
      batch.number
    }
  }

  private func places(of groups: Set<String>) -> Set<Int> { Set(groups.compactMap { indices[ExactText($0)] }) }

  func takeReport() -> (name: String, report: StageReport)? {
    defer { report = StageReport() }
    return (name, report)
  }

  func close() async { await sampler.close() }

  private func choose(_ count: Int, step: Int, excluding excluded: Set<Int>) async throws -> TrajectoryBatch? {
    let choices = try await named { memory, context in
      try await sampler.choose(count, excluding: excluded, from: pool, memory: &memory, in: context)
    } step: {
      step
    }
    try check(choices, excluding: excluded)
    if choices.isEmpty { return nil }
    let trajectories = choices.flatMap { choice in
      records.groups[choice.index].map { record in
        var record = record
        let because = [JSONValue.Member("sampler", .string(name))] + choice.because
        record.set(.promptChoice, to: .object(because))
        return record
      }
    }
    return TrajectoryBatch(trajectories, number: step)
  }

  /// Lets the sampler work on its memory, and names it in errors.
  private func named<Result>(
    _ work: (inout SamplerMemory, SamplerContext) async throws -> Result, step: () -> Int
  ) async throws -> Result {
    let context = SamplerContext(
      sampler: name, step: step(), attempt: attempt, seed: seed, report: report, log: log)
    var changed = memory
    do {
      let result = try await work(&changed, context)
      memory = changed
      return result
    } catch let error as PipelineError {
      throw PipelineError(error.code, "sampler '\(name)', step \(context.step): \(error.message)", at: error.location)
    } catch let error as CancellationError {
      throw error
    } catch {
      throw PipelineError(.plugIn, "sampler '\(name)', step \(context.step): \(error)")
    }
  }

  private func check(_ choices: [PromptChoice], excluding excluded: Set<Int>) throws {
    var seen = excluded
    for choice in choices {
      guard (0..<pool.count).contains(choice.index), seen.insert(choice.index).inserted else {
        throw PipelineError(
          .plugIn,
          "the sampler '\(name)' chose the prompt \(choice.index), which the step has already or the pool of \(pool.count) has "
            + "not; a choice is of different prompts, and of none that are excluded")
      }
    }
  }
}
