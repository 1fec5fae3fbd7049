// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

/// The laws that every replay store must obey.
///
/// Call ``check(store:)`` from a test of each store.
///
/// 1. It draws what is stored, each at most once, and replaces rollouts of the batch, each at most once; nothing stored, nothing
/// drawn.
/// 2. Positions in a batch drawn anew are 0, 1, … without a gap, and it says that it writes `draws`.
/// 3. What it stores is in the batch, in ascending order; what it evicts is stored.
/// 4. Another copy of the store that gets what was saved after a step goes on as the first does.
/// 5. What it decides does not depend on the order of the groups.
/// 6. The store is bounded: its capacity is at least 1 and stays what it is, and what it remembers beside has no more than 4,096
/// bytes.
/// 7. Its metrics are finite, named `store/…`, and among those that its `about` describes.
public enum ReplayLaws {
  /// Drives a store over steps of batches and throws if it breaks a law.
  ///
  /// - Parameter make: Makes a copy, as a process that has just begun does.
  /// - Throws: ``LawViolation``, with examples of every broken law; what the store throws.
  public static func check(store make: () throws -> any ReplayStore) async throws {
    let first = try make()
    var book = LawBook(subject: "store '\(type(of: first).name)'")
    AboutLaws.examine(type(of: first), &book)
    await first.close()
    for (groups, size) in [(1, 1), (1, 4), (3, 4), (5, 8)] {
      try await drive(make, groups: groups, size: size, &book)
    }
    try book.verdict()
  }

  private static func drive(
    _ make: () throws -> any ReplayStore, groups: Int, size: Int, _ book: inout LawBook
  ) async throws {
    let archive = MemoryArchive()
    var run = Run(store: try make(), index: ReplayIndex(), memory: ReplayMemory())
    let capacity = run.store.capacity(ofBatch: groups * size)
    if capacity.total < 1 || (capacity.perPrompt ?? 1) < 1 {
      book.breaks(
        "the store is bounded", "its capacity is \(capacity.total), \(capacity.perPrompt ?? 1) for each prompt")
      return
    }
    for step in 0..<14 {
      let example = "\(groups) groups of \(size), step \(step)"
      let trajectories = rollouts(groups: groups, size: size, step: step)
      let batch = ReplayBatch(trajectories.map(ReplayRollout.init), step: step)
      var again = Run(
        store: try make(), index: try await restored(run.index, archive), memory: try restored(run.memory))
      var turned = Run(store: try make(), index: run.index, memory: run.memory)
      let found = try await run.step(batch, step: step)
      check(found, batch, of: run.index, run.store, &book, example)
      if try await again.step(batch, step: step) != found || again.memory != run.memory {
        book.breaks("what was saved gives the same decisions again", example)
      }
      let reversed = ReplayBatch(
        (0..<groups).reversed().flatMap { trajectories[$0 * size..<($0 + 1) * size] }.map(ReplayRollout.init),
        step: step)
      if try await turned.step(reversed, step: step) != found || turned.memory != run.memory {
        book.breaks("the order of the groups does not matter", example)
      }
      for other in [again, turned] { await other.store.close() }
      try await run.keep(found.admission, batch, trajectories, archive, step: step, capacity)
      if run.store.capacity(ofBatch: groups * size) != capacity {
        book.breaks("the store is bounded", "\(example): its capacity has changed")
      }
      let bytes = JSONValue.object(run.memory.values).json.utf8.count
      if bytes > 4096 { book.breaks("the store is bounded", "\(example): it remembers \(bytes) bytes beside") }
      AboutLaws.checkDeclared(
        type(of: run.store).about, rules: [], metrics: found.report.metrics, &book, example)
      for metric in found.report.metrics {
        if !metric.value.isFinite { book.breaks("metrics are finite", "\(example): \(metric.name) is \(metric.value)") }
        if !metric.name.hasPrefix("store/") {
          book.breaks("metrics of a store are named store/…", "\(example): \(metric.name)")
        }
      }
    }
    await run.store.close()
  }

  /// What a store says of a step.
  private struct Found: Equatable {
    let plan: ReplayPlan
    let admission: ReplayAdmission
    let report: StageReport

    static func == (left: Found, right: Found) -> Bool {
      left.plan == right.plan && left.admission == right.admission && left.report.metrics == right.report.metrics
    }
  }

  private struct Run {
    let store: any ReplayStore
    var index: ReplayIndex
    var memory: ReplayMemory

    mutating func step(_ batch: ReplayBatch, step: Int) async throws -> Found {
      let context = ReplayContext(stage: "replay", step: step, seed: 17)
      let plan = try await store.draw(for: batch, from: index, memory: &memory, in: context)
      let admission = try await store.admit(batch, to: index, memory: &memory, in: context)
      return Found(plan: plan, admission: admission, report: context.report)
    }

    /// Does what the stage does with an admission.
    mutating func keep(
      _ admission: ReplayAdmission, _ batch: ReplayBatch, _ trajectories: [Trajectory], _ archive: MemoryArchive,
      step: Int, _ capacity: ReplayCapacity
    ) async throws {
      index.remove(admission.evicted)
      let byID = Dictionary(trajectories.map { (ExactText($0.id), $0) }, uniquingKeysWith: { first, _ in first })
      let stored = admission.admitted.filter(batch.rollouts.indices.contains).compactMap {
        byID[ExactText(batch.rollouts[$0].id)]
      }
      if !stored.isEmpty { try index.add(stored, at: archive.append(stored, toFile: 0), step: step) }
      _ = index.trim(to: capacity)
    }
  }

  /// Failing groups, groups with a success, groups of equal rewards; some rollouts have none.
  private static func rollouts(groups: Int, size: Int, step: Int) -> [Trajectory] {
    (0..<groups).flatMap { group in
      (0..<size).map { number in
        let kind = (group + step) % 3
        let reward: Double? =
          (step + number) % 7 == 6 ? nil : kind == 0 ? 0 : kind == 1 ? Double((number + step) % 4) / 3 : 1
        var trajectory = Trajectory(
          id: "g\(group)/\(number)", group: "g\(group)", reward: reward,
          fields: [.tokens: .array((0...number).map { .number($0) }), .policyVersion: .number(step)])
        trajectory.advantage = reward.map { kind == 1 ? $0 - 0.5 : 0 }
        trajectory.step = step
        return trajectory
      }
    }
  }

  private static func check(
    _ found: Found, _ batch: ReplayBatch, of index: ReplayIndex, _ store: any ReplayStore, _ book: inout LawBook,
    _ example: String
  ) {
    let plan = found.plan
    if plan.replays.contains(where: { index[$0.number] == nil }) {
      book.breaks("it draws what is stored", "\(example): \(plan.replays.map(\.number))")
    }
    if Set(plan.replays.map(\.number)).count < plan.replays.count {
      book.breaks("nothing is drawn twice", "\(example): \(plan.replays.map(\.number))")
    }
    let replaced = plan.replays.compactMap(\.replaces)
    if Set(replaced).count < replaced.count || !replaced.allSatisfy(batch.rollouts.indices.contains) {
      book.breaks("it replaces rollouts of the batch, each once", "\(example): \(replaced)")
    }
    let positions = ((plan.draws ?? [:]).values.flatMap { $0 } + plan.replays.flatMap(\.draws)).sorted()
    if positions != Array(0..<positions.count)
      || plan.draws?.keys.allSatisfy(batch.rollouts.indices.contains) == false
    {
      book.breaks("positions are 0, 1, … without a gap", "\(example): \(positions)")
    }
    if (plan.draws != nil || !positions.isEmpty) && !store.writes.contains(.draws) {
      book.breaks("a store that draws the batch anew writes 'draws'", example)
    }
    let admitted = found.admission.admitted
    if !admitted.allSatisfy(batch.rollouts.indices.contains)
      || !zip(admitted, admitted.dropFirst()).allSatisfy({ $0 < $1 })
    {
      book.breaks("what is stored is in the batch, in ascending order", "\(example): \(admitted)")
    }
    if found.admission.evicted.contains(where: { index[$0] == nil }) {
      book.breaks("what is evicted is stored", "\(example): \(found.admission.evicted)")
    }
  }

  /// As a resume gets them.
  private static func restored(_ index: ReplayIndex, _ archive: MemoryArchive) async throws -> ReplayIndex {
    try await ReplayIndex(saved: try JSONValue(parsing: index.saved.json), archive: archive)
  }

  private static func restored(_ memory: ReplayMemory) throws -> ReplayMemory {
    ReplayMemory(try JSONValue(parsing: JSONValue.object(memory.values).json).objectValue ?? [])
  }
}

extension ReplayRollout {
  fileprivate init(_ trajectory: Trajectory) {
    self.init(
      id: trajectory.id, group: trajectory.group, reward: trajectory.reward, advantage: trajectory.advantage,
      tokens: (try? trajectory.tokenCount) ?? 0)
  }
}
