// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// The rollouts of each group of a step so far, and what was decided about it.
struct WaveLedger {
  private enum Fate {
    case open
    /// With the ids that stay.
    case admitted(Set<ExactText>, SeenStatistics?)
    case dropped(rule: String)
  }

  private struct Entry {
    var group: WaveGroup
    var ids: [ExactText] = []
    var fate = Fate.open

    init(id: String) {
      group = WaveGroup(id: id, rewards: [])
      group.waveSizes = []
    }
  }

  private let waves: StageWaves
  private let seed: UInt64
  private let step: Int
  private var entries: [ExactText: Entry] = [:]

  /// Without rollouts.
  init(_ waves: StageWaves, seed: UInt64, step: Int) { (self.waves, self.seed, self.step) = (waves, seed, step) }

  /// All rollouts.
  var rolloutCount: Int { entries.values.reduce(0) { $0 + $1.ids.count } }
  /// The groups that go on.
  var admittedCount: Int { entries.values.count { if case .admitted = $0.fate { true } else { false } } }
  /// The groups that the policy dropped.
  var droppedCount: Int { entries.values.count { if case .dropped = $0.fate { true } else { false } } }

  /// Adds the rollouts of a wave, those that stages dropped included; a prompt of which none could be made has none.
  mutating func add(_ part: TrajectoryBatch) {
    var slots = [(trajectory: Trajectory, isDropped: Bool)?](repeating: nil, count: part.inputCount)
    for (place, position) in part.inputPositions.enumerated() { slots[Int(position)] = (part[place], false) }
    for drop in part.drops { slots[drop.inputPosition] = (drop.trajectory, true) }
    var sizes: [ExactText: Int] = [:]
    for case let (trajectory, isDropped)? in slots where trajectory.has(.response) || trajectory.has(.tokens) {
      let name = ExactText(trajectory.group)
      var entry = entries[name] ?? Entry(id: trajectory.group)
      sizes[name, default: 0] += 1
      entry.ids.append(ExactText(trajectory.id))
      entry.group.rewards.append(isDropped ? nil : trajectory.reward)
      // What cannot be read any more has no length and no ending; the stage that needs them says so.
      entry.group.lengths.append((try? trajectory.tokenCount) ?? 0)
      entry.group.finishes.append((try? trajectory.finish) ?? "")
      entries[name] = entry
    }
    for (name, size) in sizes { entries[name]?.group.waveSizes.append(size) }
  }

  /// Lets the policy decide about the open groups.
  ///
  /// - Returns: The numbers of the rollouts that groups are to get in the next wave.
  /// - Throws: When a decision is none that the policy may take.
  mutating func decide(after wave: Int, log: @escaping @Sendable ([String]) async throws -> Void) async throws
    -> [ExactText: Range<Int>]
  {
    let open = entries.values.filter { if case .open = $0.fate { true } else { false } }.map(\.group)
      .sorted { $0.id.utf8.lexicographicallyPrecedes($1.id.utf8) }
    if open.isEmpty { return [:] }
    let context = WaveContext(
      policy: type(of: waves.policy).name, wave: wave, n: waves.n, step: step, seed: seed, log: log)
    let decisions = try await waves.policy.decide(open, in: context)
    guard decisions.count == open.count else {
      throw fault("decided about \(decisions.count) of \(open.count) groups")
    }
    var asked: [ExactText: Range<Int>] = [:]
    for (group, decision) in zip(open, decisions) {
      let id = ExactText(group.id)
      switch decision {
      case .more(let count):
        guard count >= 1, group.rewards.count + count <= waves.plan.most else {
          throw fault(
            "wants \(count) more rollouts of \(group.id.quotedForMessage), which has \(group.rewards.count) of at most "
              + "\(waves.plan.most)")
        }
        asked[id] = group.rewards.count..<group.rewards.count + count
      case .admit:
        let fate = try await admitted(group, entries[id]?.ids ?? [], context)
        entries[id]?.fate = fate
      case .drop(let rule):
        guard type(of: waves.policy).about.rule(rule) != nil else {
          throw fault("drops by the rule '\(rule)', which its 'about' does not describe")
        }
        entries[id]?.fate = .dropped(rule: rule)
      }
    }
    return asked
  }

  /// The rule by which a trajectory leaves behind the waves; nil if it stays.
  func rule(for trajectory: Trajectory) -> String? {
    switch entries[ExactText(trajectory.group)]?.fate {
    case .dropped(let rule): RunReference.waveDrop(rule)
    case .admitted(let kept, _): kept.contains(ExactText(trajectory.id)) ? nil : RunReference.waveSurplus.name
    case .open, nil: nil
    }
  }

  /// What is known of all rollouts of a trajectory's group.
  func seen(of trajectory: Trajectory) -> SeenStatistics? {
    if case .admitted(_, let seen) = entries[ExactText(trajectory.group)]?.fate { seen } else { nil }
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
