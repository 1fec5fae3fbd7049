// SPDX-License-Identifier: Apache-2.0
import PipelineCore

extension StepRunner {
  /// Makes rollouts in waves: the stages work on what is new, and the policy of the waves decides what becomes of each group.
  ///
  /// - Parameters:
  ///   - first: The stage that makes rollouts.
  ///   - last: The last stage that works on each wave.
  mutating func run(
    _ waves: StageWaves, from first: Int, through last: Int, _ batch: inout TrajectoryBatch
  ) async throws {
    var ledger = WaveLedger(waves, seed: plan.seed, step: batch.number)
    var wave = RolloutWave(number: 0, numbers: [:])
    var waiting = WaitingGroups()
    var parts: [TrajectoryBatch] = []
    if waves.policy.waits {
      waiting = try waitingGroups(ofStage: first)
      dropOngoing(&batch, waiting, first)
    }
    for prompt in batch.trajectories { wave.add(0..<waves.plan.first, of: prompt.group) }
    if waves.policy.waits { parts.append(try resume(&waiting, &ledger, &wave, &batch, first)) }
    let prompts = batch
    while !wave.isEmpty {
      var part = TrajectoryBatch(prompts.trajectories.filter { wave.contains($0.group) }, number: batch.number)
      for index in first...last { try await run(index, &part, wave: index == first ? wave : nil) }
      ledger.add(part)
      parts.append(part)
      wave = try await ledger.decide(after: wave.number, log: log(ofStage: first))
    }
    batch.expand(merging: parts)
    if waves.policy.waits { ledger.queue(batch.groups.filter { !$0.positions.isEmpty }, beyond: room) }
    note(ledger, in: &batch)
    if waves.policy.waits {
      try await wait(&waiting, ledger, batch, prompts, first)
      tally(waited: batch, ledger, first)
    }
    drop(from: &batch, ledger, first)
    waveTallies[first, default: WaveTally()].add(ledger, waves: wave.number)
  }

  /// Adds what the policy says of what it keeps.
  private func note(_ ledger: WaveLedger, in batch: inout TrajectoryBatch) {
    for index in 0..<batch.count {
      if let seen = ledger.seen(of: batch[index]), ledger.isKept(batch[index]) {
        batch[index].set(.seen, to: seen.json)
      }
    }
  }

  /// Drops what the policy does not keep, and what waits.
  private mutating func drop(from batch: inout TrajectoryBatch, _ ledger: WaveLedger, _ first: Int) {
    let rules = batch.trajectories.map(ledger.rule)
    batch.drop(stage: plan.stages[first].name) { rules[$0] }
    for (rule, count) in Dictionary(grouping: rules.compactMap { $0 }, by: { $0 }).mapValues(\.count) {
      lose(count, rule: rule, first)
    }
  }

  /// Counts trajectories that have left behind a stage.
  mutating func lose(_ count: Int, rule: String, _ stage: Int) {
    figures[stage].lose(count, rule: rule)
    counts[stage].left -= count
    counts[stage].dropped[rule, default: 0] += count
  }
}

/// The figures of the waves of a step.
struct WaveTally {
  private var waves = 0
  private var rollouts = 0
  private var admitted = 0
  private var dropped = 0
  /// Of a policy that lets groups wait.
  private var waiting: (open: Int, complete: Int)?
  private var waited = 0
  private var steps = 0

  /// Adds the waves of one batch of prompts.
  mutating func add(_ ledger: WaveLedger, waves: Int) {
    self.waves = max(self.waves, waves)
    rollouts += ledger.rolloutCount
    admitted += ledger.admittedCount
    dropped += ledger.droppedCount
  }

  /// Notes what waits behind it.
  mutating func set(_ groups: WaitingGroups) { waiting = (groups.open.count, groups.complete.count) }

  /// Adds rollouts that have waited for some steps.
  mutating func add(waited ages: [Int]) {
    waited += ages.count
    steps = max(steps, ages.max() ?? 0)
  }

  /// Writes the figures under the stage's name.
  func write(as stage: String, to line: inout MetricsLine) {
    var figures = [
      ("waves", waves), ("rollouts", rollouts), ("admitted_groups", admitted), ("wave_dropped_groups", dropped),
    ]
    if let waiting {
      figures += [
        ("waiting_groups", waiting.open), ("queued_groups", waiting.complete), ("waited_rollouts", waited),
        ("waited_steps_max", steps),
      ]
    }
    for (name, value) in figures { line.set("\(stage)/\(name)", .number(Double(value))) }
  }
}
