// SPDX-License-Identifier: Apache-2.0
import PipelineCore

extension StepRunner {
  /// The groups that wait in a stage's waves.
  ///
  /// - Throws: When the run's state cannot be read.
  func waitingGroups(ofStage index: Int) throws -> WaitingGroups {
    let memory = waitingMemory(ofStage: index)
    if let known = memory.derived as? WaitingGroups { return known }
    return try WaitingGroups(saved: memory.value, stage: plan.stages[index].name)
  }

  /// The prompts of all groups that wait in waves.
  func waitingPrompts() throws -> Set<String> {
    try plan.stages.indices.reduce(into: []) { prompts, index in
      guard plan.stages[index].stage.waves?.policy.waits == true else { return }
      prompts.formUnion(try waitingGroups(ofStage: index).prompts)
    }
  }

  /// Drops prompts whose group of an earlier step still waits.
  mutating func dropOngoing(_ batch: inout TrajectoryBatch, _ waiting: WaitingGroups, _ first: Int) {
    let ongoing = Set(waiting.prompts.map { ExactText($0) })
    let rules = batch.trajectories.map { ongoing.contains(ExactText($0.group)) ? RunReference.waveOngoing.name : nil }
    let count = rules.count { $0 != nil }
    if count == 0 { return }
    batch.drop(stage: plan.stages[first].name) { rules[$0] }
    // They never came to the stage.
    figures[first].gain(count)
    counts[first].left += count
    lose(count, rule: RunReference.waveOngoing.name, first)
  }

  /// Brings groups that have waited into the batch: complete ones as far as there is room, and those that get the rest of their
  /// rollouts now.
  ///
  /// - Returns: Their rollouts of earlier steps.
  mutating func resume(
    _ waiting: inout WaitingGroups, _ ledger: inout WaveLedger, _ wave: inout RolloutWave,
    _ batch: inout TrajectoryBatch,
    _ first: Int
  ) throws -> TrajectoryBatch {
    let (complete, open) = waiting.take(room: room)
    let stored = try WaitingGroups.stored(complete + open, in: waitingArchive(ofStage: first))
    var rollouts: [Trajectory] = []
    for one in stored {
      let back = try one.rollouts.enumerated().map { index, rollout in
        try returned(rollout, madeIn: one.group.steps[index], to: batch.number, first)
      }
      rollouts += back
      count(back, of: one.group, first)
      if one.group.more == 0 {
        ledger.take(complete: one.group, back)
      } else {
        let count = one.group.known.rewards.count
        ledger.take(one.group)
        wave.add(count..<count + one.group.more, of: one.group.id, after: one.group.known.waveSizes.count)
      }
    }
    batch.prepend(try stored.map { try given($0.prompt, again: [.promptChoice]) })
    return TrajectoryBatch(rollouts, number: batch.number)
  }

  /// Counts rollouts that have waited as those that left the stage.
  private mutating func count(_ rollouts: [Trajectory], of group: WaitingGroups.Group, _ first: Int) {
    let earlier = rollouts.count(where: \.isOfEarlierStep)
    figures[first].gain(earlier)
    counts[first].left += earlier
    let rule = group.more == 0 ? RunReference.waveQueued : RunReference.waveWaiting
    // What was dropped in this step is not after all.
    lose(earlier - rollouts.count, rule: rule.name, first)
  }

  /// A rollout that has waited; one of an earlier step says where it comes from.
  private func returned(_ stored: Trajectory, madeIn step: Int, to number: Int, _ first: Int) throws -> Trajectory {
    let waves = plan.stages[first].stage.waves
    let fields: Set<Field> = [.rolloutWave, .promptChoice]
    var rollout = try given(stored, again: fields.union(waves?.policy.writes.intersection([.seen]) ?? []))
    if step == number { return rollout }
    var origin: [JSONValue.Member] = [
      .init("stage", .string(plan.stages[first].name)),
      .init("waves", .string(waves.map { type(of: $0.policy).name } ?? "")), .init("step", .number(step)),
      .init("id", .string(stored.id)),
    ]
    if let version = try stored.value(of: .policyVersion)?.intValue {
      origin.append(.init("policy_version", .number(version)))
    }
    rollout.step = number
    rollout.set(.origin, to: .object(origin))
    return rollout
  }

  /// The same with fields that this run gave it, and not the record that the prompt was read from.
  private func given(_ trajectory: Trajectory, again fields: Set<Field>) throws -> Trajectory {
    var trajectory = trajectory
    for field in fields.sorted(by: { $0.rawValue < $1.rawValue }) where field != .promptChoice || plan.sampler != nil {
      if let value = try trajectory.value(of: field) { trajectory.set(field, to: value) }
    }
    return trajectory
  }

  /// Keeps the groups that wait from now on.
  ///
  /// - Parameter prompts: The prompts of all groups of the batch.
  mutating func wait(
    _ waiting: inout WaitingGroups, _ ledger: WaveLedger, _ batch: TrajectoryBatch, _ prompts: TrajectoryBatch,
    _ first: Int
  ) async throws {
    let archive = waitingArchive(ofStage: first)
    var members: [ExactText: [Trajectory]] = [:]
    for trajectory in batch.trajectories where ledger.waits(trajectory) {
      members[ExactText(trajectory.group), default: []].append(trajectory)
    }
    let nowhere = ArchiveBlock(file: 0, offset: 0, bytes: 0, count: 0)
    try await waiting.add(
      try prompts.trajectories.compactMap { prompt in
        let rollouts = members[ExactText(prompt.group)] ?? []
        let steps = try rollouts.map { try $0.value(of: .origin).flatMap { $0["step"]?.intValue } ?? batch.number }
        if let (known, ids, more) = ledger.waiting(prompt.group) {
          let group = WaitingGroups.Group(known: known, ids: ids, more: more, steps: steps, block: nowhere, place: 0)
          return WaitingGroups.Stored(group: group, prompt: prompt.naming, rollouts: rollouts)
        }
        if rollouts.isEmpty { return nil }
        let group = WaitingGroups.Group(
          known: WaveGroup(id: prompt.group, rewards: []), steps: steps, block: nowhere, place: 0)
        return WaitingGroups.Stored(group: group, prompt: prompt.naming, rollouts: rollouts)
      }, to: archive)
    try waiting.tidy(archive)
    let memory = waitingMemory(ofStage: first)
    (memory.value, memory.derived) = (waiting.saved, waiting)
    waveTallies[first, default: WaveTally()].set(waiting)
    warnIfNothingIsComplete(batch, ledger, waiting, first)
  }

  /// Says why a step has nothing to train on.
  private func warnIfNothingIsComplete(
    _ batch: TrajectoryBatch, _ ledger: WaveLedger, _ waiting: WaitingGroups, _ first: Int
  ) {
    let asksForMore = plan.stages.contains { ($0.stage.refill?.maxAttempts ?? 1) > 1 }
    if asksForMore || waiting.open.isEmpty || batch.trajectories.contains(where: { ledger.rule(for: $0) == nil }) {
      return
    }
    observer.warned(
      step: batch.number, stage: plan.stages[first].name,
      .init(
        code: "no-complete-group",
        message:
          "no group is complete, so that nothing goes on: \(waiting.open.count) wait for the rest of their rollouts, which "
          + "is made in the next step", count: waiting.open.count))
  }

  /// Counts the rollouts of earlier steps that go on.
  mutating func tally(waited batch: TrajectoryBatch, _ ledger: WaveLedger, _ first: Int) {
    var ages: [Int] = []
    for trajectory in batch.trajectories where trajectory.isOfEarlierStep {
      guard ledger.rule(for: trajectory) == nil, let origin = try? trajectory.value(of: .origin),
        let step = origin["step"]?.intValue
      else { continue }
      ages.append(batch.number - step)
    }
    waveTallies[first, default: WaveTally()].add(waited: ages)
  }
}
