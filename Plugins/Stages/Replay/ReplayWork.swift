// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Asks the store about one batch, checks what it says, and does it.
struct ReplayWork {
  let options: ReplayStage.Options
  let store: any ReplayStore
  let context: StageContext
  /// Hears what the store reports.
  let said: StageReport

  private var name: String { type(of: store).name }

  private var storeContext: ReplayContext {
    let context = context
    return ReplayContext(
      stage: context.stage, step: context.step, seed: context.seed, report: said
    ) { try await context.log($0, name: context.stage) }
  }

  /// Stores what the store admits of another run's rollouts, step by step.
  ///
  /// - Returns: How many left the store again.
  /// - Throws: When they cannot be read, or nothing of them is stored.
  func take(_ path: String, as source: Int, into shelf: inout ReplayShelf) async throws -> Int {
    let rollouts = try await context.archive.rollouts(at: path)
    let before = shelf.index.next
    var (found, evicted) = (0, 0)
    while let batch = try await rollouts.next() {
      context.training.progressed("reading \(path): \(found) trajectories", share: nil)
      found += batch.count
      let rollouts = try batch.trajectories.map { try ReplayRollout($0) }
      let fresh = ReplayBatch.order(rollouts, step: batch.number).map { batch[$0].stored(step: batch.number) }
      evicted += try await admit(ReplayBatch(rollouts, step: batch.number), fresh, to: &shelf, source: source)
    }
    if shelf.index.next > before { return evicted }
    let fields = store.reads.map(\.rawValue).sorted().map { "'\($0)'" }.joined(separator: " and ")
    throw PipelineError(
      .invalidData,
      "none of the \(found) trajectories of \(path) was stored: the store '\(name)' goes by \(fields), and takes none of "
        + "them; see that they carry it, or leave the file out of 'from'")
  }

  /// What the store draws.
  ///
  /// - Throws: When that is no plan.
  func draw(for batch: ReplayBatch, from shelf: inout ReplayShelf) async throws -> ReplayPlan {
    let plan = try await store.draw(for: batch, from: shelf.index, memory: &shelf.memory, in: storeContext)
    var (numbers, places): (Set<Int>, Set<Int>) = ([], [])
    for replay in plan.replays {
      guard shelf.index[replay.number] != nil else {
        throw fault("draws the entry \(replay.number), which is not stored")
      }
      guard numbers.insert(replay.number).inserted else { throw fault("draws the entry \(replay.number) twice") }
      guard let place = replay.replaces else { continue }
      guard batch.rollouts.indices.contains(place), places.insert(place).inserted else {
        throw fault("replaces the rollout \(place), which is not in the batch, or is replaced already")
      }
    }
    try check(plan, count: batch.rollouts.count)
    return plan
  }

  /// Positions of a batch drawn anew are 0, 1, … without a gap.
  private func check(_ plan: ReplayPlan, count: Int) throws {
    guard let draws = plan.draws else {
      if plan.replays.allSatisfy(\.draws.isEmpty) { return }
      throw fault("gives draws to stored trajectories, but none to the batch")
    }
    guard draws.keys.allSatisfy((0..<count).contains) else { throw fault("draws rollouts that are not in the batch") }
    let all = (draws.values.flatMap { $0 } + plan.replays.flatMap(\.draws)).sorted()
    guard all == Array(0..<all.count), plan.replays.allSatisfy({ !$0.draws.isEmpty }) else {
      throw fault("gives positions of a drawn batch that are not 0, 1, … without a gap")
    }
    guard store.writes.contains(.draws) else { throw fault("draws the batch anew, but does not write 'draws'") }
  }

  /// Reads what is drawn, brings it in, and drops what leaves for it.
  ///
  /// - Returns: The entries that came in, and how often.
  func apply(
    _ plan: ReplayPlan, to batch: inout TrajectoryBatch, positions: [Int], of index: ReplayIndex, sources: [SpecPath]
  ) async throws -> [(entry: ReplayEntry, times: Int)] {
    let stored = try await trajectories(of: plan.replays, in: index)
    var last: [ExactText: Int] = [:]
    for position in 0..<batch.count { last[ExactText(batch[position].group)] = position }
    var ids = Set(batch.trajectories.map { ExactText($0.id) })
    var incoming: [(trajectory: Trajectory, after: Int?)] = []
    var entries: [(entry: ReplayEntry, times: Int)] = []
    for (replay, trajectory) in zip(plan.replays, stored) {
      guard let entry = index[replay.number] else { continue }
      var id = "\(entry.id)@r\(entry.step)"
      // The same id and step from two runs.
      while !ids.insert(ExactText(id)).inserted { id += ".\(entry.number)" }
      var replayed = trajectory.replayed(
        as: id, step: context.step, origin: origin(of: entry, replay, sources: sources))
      if plan.draws != nil { replayed.draws = replay.draws }
      if options.weight != 1 { replayed.lossWeight = options.weight }
      incoming.append((replayed, replay.replaces.map { positions[$0] } ?? last[ExactText(entry.group)]))
      entries.append((entry, plan.draws == nil ? 1 : replay.draws.count))
    }
    var rules: [ExactText: String] = [:]
    for replay in plan.replays {
      if let place = replay.replaces { rules[ExactText(batch[positions[place]].id)] = "replaced" }
    }
    if let draws = plan.draws {
      for (place, position) in positions.enumerated() {
        if let own = draws[place], !own.isEmpty {
          batch[position].draws = own
        } else {
          rules[ExactText(batch[position].id)] = rules[ExactText(batch[position].id)] ?? "not-drawn"
        }
      }
    }
    try batch.insert(replayed: incoming)
    if !rules.isEmpty {
      let all = batch.trajectories.map { $0.isReplayed ? nil : rules[ExactText($0.id)] }
      batch.drop(stage: context.stage) { all[$0] }
    }
    return entries
  }

  private func origin(of entry: ReplayEntry, _ replay: Replay, sources: [SpecPath]) -> JSONValue {
    var members: [JSONValue.Member] = [
      .init("stage", .string(context.stage)), .init("store", .string(name)), .init("step", .number(entry.step)),
      .init("id", .string(entry.id)), .init("age", .number(context.step - entry.admitted)),
    ]
    if let version = entry.policyVersion { members.append(.init("policy_version", .number(version))) }
    if sources.indices.contains(entry.source - 1) {
      members.append(.init("run", .string(sources[entry.source - 1].text)))
    }
    return .object(members + replay.because.filter { member in !members.contains { $0.key == member.key } })
  }

  /// The stored trajectories in the order of the draws; each block is read once, several of them at a time.
  private func trajectories(of replays: [Replay], in index: ReplayIndex) async throws -> [Trajectory] {
    var wanted: [ArchiveBlock: [(place: Int, number: Int)]] = [:]
    for replay in replays {
      guard let (block, place) = index.archived(replay.number) else { continue }
      wanted[block, default: []].append((place, replay.number))
    }
    let blocks = wanted.sorted { ($0.key.file, $0.key.offset) < ($1.key.file, $1.key.offset) }
      .map { (place: $0.key, entries: $0.value.sorted { $0.place < $1.place }) }
    let archive = context.archive
    let read = try await context.concurrentMap(count: blocks.count, chunk: 1) { index in
      try await archive.trajectories(of: blocks[index].place, at: blocks[index].entries.map(\.place))
    }
    var found: [Int: Trajectory] = [:]
    for (block, trajectories) in zip(blocks, read) {
      for (entry, trajectory) in zip(block.entries, trajectories) { found[entry.number] = trajectory }
    }
    return replays.compactMap { found[$0.number] }
  }

  /// Stores what the store admits, within its capacity.
  ///
  /// - Parameter fresh: The trajectories, in the order of the batch.
  /// - Returns: How many left the store.
  func admit(
    _ batch: ReplayBatch, _ fresh: [Trajectory], to shelf: inout ReplayShelf, source: Int = 0
  ) async throws -> Int {
    let admission = try await store.admit(batch, to: shelf.index, memory: &shelf.memory, in: storeContext)
    guard admission.admitted.allSatisfy(fresh.indices.contains),
      zip(admission.admitted, admission.admitted.dropFirst()).allSatisfy({ $0 < $1 })
    else { throw fault("stores rollouts that are not in the batch, or not in ascending order") }
    var evicted = shelf.index.remove(admission.evicted)
    let capacity = store.capacity(ofBatch: shelf.batchCount)
    let kept = Self.withinCapacity(admission.admitted, batch, capacity)
    try await shelf.add(kept.map { fresh[$0].stored(step: context.step) }, in: context, source: source)
    evicted += shelf.index.trim(to: capacity)
    return evicted
  }

  /// What would not leave again at once, since it is beyond the capacity.
  private static func withinCapacity(_ admitted: [Int], _ batch: ReplayBatch, _ capacity: ReplayCapacity) -> [Int] {
    var kept = admitted
    if let most = capacity.perPrompt {
      let places = Set(admitted)
      kept = batch.groups.flatMap { group in group.places.filter(places.contains).suffix(most) }
    }
    return Array(kept.suffix(capacity.total))
  }

  /// Reports the figures.
  func report(
    _ replayed: [(entry: ReplayEntry, times: Int)], _ batch: TrajectoryBatch, _ index: ReplayIndex, admitted: Int,
    evicted: Int
  ) {
    let report = context.report
    report.metric("replayed", Double(replayed.count), combining: .sum)
    let all = batch.trajectories.reduce(0) { $0 + ($1.draws?.count ?? 1) }
    let times = replayed.reduce(0) { $0 + $1.times }
    report.metric("share", Double(times) / Double(max(1, all)))
    let ages = replayed.map { Double(context.step - $0.entry.admitted) }
    if !ages.isEmpty {
      report.metric("age_mean", ages.reduce(0, +) / Double(ages.count))
      report.metric("age_max", ages.max() ?? 0, combining: .maximum)
    }
    report.metric("admitted", Double(admitted), combining: .sum)
    report.metric("evicted", Double(evicted), combining: .sum)
    report.metric("stored", Double(index.count), combining: .maximum)
  }

  private func fault(_ what: String) -> PipelineError { PipelineError(.plugIn, "the store '\(name)' \(what)") }
}
