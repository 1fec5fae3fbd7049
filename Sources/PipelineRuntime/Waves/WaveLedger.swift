// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// The rollouts of each group of a step so far, and what was decided about it.
struct WaveLedger {
  private enum Fate {
    case open
    /// With the ids that stay.
    case admitted(Set<ExactText>, SeenStatistics?)
    case dropped(rule: String)
    /// It gets this many more rollouts in the next pass.
    case waiting(more: Int)
    /// Admitted, with more groups before it than there is room for.
    case queued(Set<ExactText>, SeenStatistics?)
  }

  private struct Entry {
    var group: WaveGroup
    var ids: [ExactText] = []
    /// The waves that it had in earlier steps.
    var earlierWaves = 0
    /// The rollouts that were made in this step.
    var made = 0
    var fate = Fate.open

    init(_ group: WaveGroup) { self.group = group }

    init(id: String) {
      self.init(WaveGroup(id: id, rewards: []))
      group.waveSizes = []
    }

    var kept: Set<ExactText>? {
      switch fate {
      case .admitted(let kept, _), .queued(let kept, _): kept
      default: nil
      }
    }
  }

  private let waves: StageWaves
  private let seed: UInt64
  private let step: Int
  private var entries: [ExactText: Entry] = [:]

  /// Without rollouts.
  init(_ waves: StageWaves, seed: UInt64, step: Int) { (self.waves, self.seed, self.step) = (waves, seed, step) }

  /// All rollouts of this step.
  var rolloutCount: Int { entries.values.reduce(0) { $0 + $1.made } }
  /// The groups that go on, or will.
  var admittedCount: Int { entries.values.count { $0.kept != nil } }
  /// The groups that the policy dropped.
  var droppedCount: Int { entries.values.count { if case .dropped = $0.fate { true } else { false } } }

  /// Takes a group that has waited for the rest of its rollouts.
  mutating func take(_ waiting: WaitingGroups.Group) {
    var entry = Entry(waiting.known)
    entry.ids = waiting.ids.map { ExactText($0) }
    entry.earlierWaves = waiting.known.waveSizes.count
    entries[ExactText(waiting.id)] = entry
  }

  /// Takes a complete group that has waited for its turn.
  mutating func take(complete group: WaitingGroups.Group, _ rollouts: [Trajectory]) {
    var entry = Entry(id: group.id)
    entry.ids = rollouts.map { ExactText($0.id) }
    // What is known of all rollouts came with those that were kept.
    entry.fate = .admitted(Set(entry.ids), nil)
    entries[ExactText(group.id)] = entry
  }

  /// Adds the rollouts of a wave, those that stages dropped included; a prompt of which none could be made has none.
  mutating func add(_ part: TrajectoryBatch) {
    var slots = [(trajectory: Trajectory, isDropped: Bool)?](repeating: nil, count: part.inputCount)
    for (place, position) in part.inputPositions.enumerated() { slots[Int(position)] = (part[place], false) }
    for drop in part.drops { slots[drop.inputPosition] = (drop.trajectory, true) }
    var sizes: [ExactText: Int] = [:]
    for case let (trajectory, isDropped)? in slots where trajectory.has(.response) || trajectory.has(.tokens) {
      let name = ExactText(trajectory.group)
      var entry = entries[name] ?? Entry(id: trajectory.group)
      entry.made += 1
      if case .admitted(let kept, let seen) = entry.fate {
        // Of an admitted group there are only those besides.
        entry.fate = .admitted(kept.union([ExactText(trajectory.id)]), seen)
      } else {
        sizes[name, default: 0] += 1
        entry.ids.append(ExactText(trajectory.id))
        entry.group.rewards.append(isDropped ? nil : trajectory.reward)
        // What cannot be read any more has no length and no ending; the stage that needs them says so.
        entry.group.lengths.append((try? trajectory.tokenCount) ?? 0)
        entry.group.finishes.append((try? trajectory.finish) ?? "")
      }
      entries[name] = entry
    }
    for (name, size) in sizes { entries[name]?.group.waveSizes.append(size) }
  }

  /// Lets the policy decide about the open groups.
  ///
  /// - Returns: The rollouts of the next wave.
  /// - Throws: When a decision is none that the policy may take.
  mutating func decide(after wave: Int, log: @escaping @Sendable ([String]) async throws -> Void) async throws
    -> RolloutWave
  {
    var next = RolloutWave(number: wave + 1, numbers: [:])
    let open = entries.values.filter { if case .open = $0.fate { true } else { false } }
      .sorted { $0.group.id.utf8.lexicographicallyPrecedes($1.group.id.utf8) }
    for earlier in Set(open.map(\.earlierWaves)).sorted() {
      let context = WaveContext(
        policy: type(of: waves.policy).name, wave: wave + earlier, n: waves.n, step: step, seed: seed, log: log)
      let groups = open.filter { $0.earlierWaves == earlier }.map(\.group)
      let decisions = try await waves.policy.decide(groups, in: context)
      guard decisions.count == groups.count else {
        throw fault("decided about \(decisions.count) of \(groups.count) groups")
      }
      for (group, decision) in zip(groups, decisions) {
        let fate = try await fate(of: group, decision, context)
        entries[ExactText(group.id)]?.fate = fate
        if case .more(let count) = decision {
          next.add(group.rewards.count..<group.rewards.count + count, of: group.id, after: earlier)
        } else if case .admit = decision, waves.besides > 0 {
          next.add(besides: waves.numbersBesides, of: group.id)
        }
      }
    }
    return next
  }

  /// What a decision makes of a group.
  private func fate(of group: WaveGroup, _ decision: WaveDecision, _ context: WaveContext) async throws -> Fate {
    switch decision {
    case .more(let count):
      try check(count, more: "rollouts", of: group)
      return .open
    case .later(let count):
      guard waves.policy.waits else {
        throw fault("lets \(group.id.quotedForMessage) wait, though its 'waits' is false")
      }
      try check(count, more: "rollouts in the next pass", of: group)
      return .waiting(more: count)
    case .admit: return try await admitted(group, entries[ExactText(group.id)]?.ids ?? [], context)
    case .drop(let rule):
      guard type(of: waves.policy).about.rule(rule) != nil else {
        throw fault("drops by the rule '\(rule)', which its 'about' does not describe")
      }
      return .dropped(rule: rule)
    }
  }

  private func check(_ count: Int, more what: String, of group: WaveGroup) throws {
    guard count >= 1, group.rewards.count + count <= waves.plan.most else {
      throw fault(
        "wants \(count) more \(what) of \(group.id.quotedForMessage), which has \(group.rewards.count) of at most "
          + "\(waves.plan.most)")
    }
  }

  /// Lets only the first admitted groups go on.
  ///
  /// - Parameter groups: The groups of which something is left, in order.
  mutating func queue(_ groups: [TrajectoryGroup], beyond room: Int) {
    var left = room
    for group in groups {
      guard case .admitted(let kept, let seen)? = entries[ExactText(group.name)]?.fate else { continue }
      left -= 1
      if left < 0 { entries[ExactText(group.name)]?.fate = .queued(kept, seen) }
    }
  }

  /// The rule by which a trajectory leaves behind the waves; nil if it stays.
  func rule(for trajectory: Trajectory) -> String? {
    let id = ExactText(trajectory.id)
    switch entries[ExactText(trajectory.group)]?.fate {
    case .dropped(let rule): return RunReference.waveDrop(rule)
    case .admitted(let kept, _): return kept.contains(id) ? nil : RunReference.waveSurplus.name
    case .queued(let kept, _): return kept.contains(id) ? RunReference.waveQueued.name : RunReference.waveSurplus.name
    case .waiting: return RunReference.waveWaiting.name
    case .open, nil: return nil
    }
  }

  /// Whether the policy keeps a trajectory of an admitted group.
  func isKept(_ trajectory: Trajectory) -> Bool {
    entries[ExactText(trajectory.group)]?.kept?.contains(ExactText(trajectory.id)) ?? false
  }

  /// Whether a trajectory waits for a later pass.
  func waits(_ trajectory: Trajectory) -> Bool {
    switch entries[ExactText(trajectory.group)]?.fate {
    case .waiting: true
    case .queued(let kept, _): kept.contains(ExactText(trajectory.id))
    default: false
    }
  }

  /// What is known of all rollouts of a trajectory's group.
  func seen(of trajectory: Trajectory) -> SeenStatistics? {
    switch entries[ExactText(trajectory.group)]?.fate {
    case .admitted(_, let seen), .queued(_, let seen): seen
    default: nil
    }
  }

  /// What is to be remembered of a group that waits for the rest of its rollouts; nil for another.
  func waiting(_ group: String) -> (known: WaveGroup, ids: [String], more: Int)? {
    guard let entry = entries[ExactText(group)], case .waiting(let more) = entry.fate else { return nil }
    return (entry.group, entry.ids.map(\.text), more)
  }

  private func admitted(_ group: WaveGroup, _ ids: [ExactText], _ context: WaveContext) async throws -> Fate {
    let keep = try await waves.policy.keep(group, in: context)
    guard keep.positions.allSatisfy(ids.indices.contains) else {
      throw fault("keeps rollouts of \(group.id.quotedForMessage) that there are not")
    }
    return .admitted(Set(keep.positions.map { ids[$0] }), keep.seen)
  }

  private func fault(_ what: String) -> PipelineError {
    PipelineError(.plugIn, "the wave policy '\(type(of: waves.policy).name)' \(what)")
  }
}
