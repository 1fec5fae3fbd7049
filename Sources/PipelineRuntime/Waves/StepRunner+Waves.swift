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
    let prompts = batch
    var ledger = WaveLedger(waves, seed: plan.seed, step: batch.number)
    var asked = Dictionary(
      prompts.trajectories.map { (ExactText($0.group), 0..<waves.plan.first) }, uniquingKeysWith: { first, _ in first })
    var parts: [TrajectoryBatch] = []
    while !asked.isEmpty {
      var part = TrajectoryBatch(
        prompts.trajectories.filter { asked[ExactText($0.group)] != nil }, number: batch.number)
      let wave = RolloutWave(number: parts.count, numbers: asked)
      for index in first...last { try await run(index, &part, wave: index == first ? wave : nil) }
      ledger.add(part)
      parts.append(part)
      asked = try await ledger.decide(after: wave.number, log: log(ofStage: first))
    }
    batch.expand(merging: parts)
    settle(&batch, ledger, first)
    waveTallies[first, default: WaveTally()].add(ledger, waves: parts.count)
  }

  /// Drops what the policy does not keep, and adds what it says of what it keeps.
  private mutating func settle(_ batch: inout TrajectoryBatch, _ ledger: WaveLedger, _ first: Int) {
    for index in 0..<batch.count where ledger.rule(for: batch[index]) == nil {
      if let seen = ledger.seen(of: batch[index]) { batch[index].set(.seen, to: seen.json) }
    }
    let rules = batch.trajectories.map(ledger.rule)
    batch.drop(stage: plan.stages[first].name) { rules[$0] }
    for (rule, count) in Dictionary(grouping: rules.compactMap { $0 }, by: { $0 }).mapValues(\.count) {
      figures[first].lose(count, rule: rule)
      counts[first].left -= count
      counts[first].dropped[rule, default: 0] += count
    }
  }
}

/// The figures of the waves of a step.
struct WaveTally {
  private var waves = 0
  private var rollouts = 0
  private var admitted = 0
  private var dropped = 0

  /// Adds the waves of one batch of prompts.
  mutating func add(_ ledger: WaveLedger, waves: Int) {
    self.waves = max(self.waves, waves)
    rollouts += ledger.rolloutCount
    admitted += ledger.admittedCount
    dropped += ledger.droppedCount
  }

  /// Writes the figures under the stage's name.
  func write(as stage: String, to line: inout MetricsLine) {
    let figures = [
      ("waves", waves), ("rollouts", rollouts), ("admitted_groups", admitted), ("wave_dropped_groups", dropped),
    ]
    for (name, value) in figures { line.set("\(stage)/\(name)", .number(Double(value))) }
  }
}
