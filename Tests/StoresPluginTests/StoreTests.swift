// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineTesting
import StoresPlugin
import Testing

/// A store that is driven as the stage drives it.
private struct Driven {
  let store: any ReplayStore
  var index = ReplayIndex()
  var memory = ReplayMemory()
  private let archive = MemoryArchive()
  private var batchCount: Int?

  init(_ store: any ReplayStore) { self.store = store }

  /// The numbers of stored trajectories by their ids.
  var ids: [String] { index.numbers.compactMap { index[$0]?.id } }

  mutating func plan(_ batch: ReplayBatch, step: Int, seed: UInt64 = 17) async throws -> ReplayPlan {
    try await store.draw(
      for: batch, from: index, memory: &memory, in: ReplayContext(stage: "replay", step: step, seed: seed))
  }

  mutating func admit(_ rollouts: [ReplayRollout], step: Int) async throws {
    let batch = ReplayBatch(rollouts)
    let admission = try await store.admit(
      batch, to: index, memory: &memory, in: ReplayContext(stage: "replay", step: step))
    let stored = admission.admitted.map { place in
      let rollout = batch.rollouts[place]
      var trajectory = Trajectory(id: rollout.id, group: rollout.group, reward: rollout.reward)
      trajectory.advantage = rollout.advantage
      trajectory.step = step
      return trajectory
    }
    batchCount = batchCount ?? rollouts.count
    if !stored.isEmpty { try index.add(stored, at: archive.append(stored, toFile: 0), step: step) }
    _ = index.trim(to: store.capacity(ofBatch: batchCount ?? 0))
  }
}

@Suite("Stores of trajectories", .timeLimit(.minutes(15)))
struct StoreTests {
  private func cases(_ name: String) throws -> [JSONValue] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
    let text = try String(contentsOf: folder.appending(path: name + ".json"), encoding: .utf8)
    return try #require(try JSONValue(parsing: text)["cases"]?.arrayValue)
  }

  @Test("each obeys the laws of stores, and its options those of options")
  func laws() async throws {
    try await ReplayLaws.check { SSRStore(assembly: .plain()) }
    try await ReplayLaws.check { ARPOStore(assembly: .plain()) }
    for strategy in RePOStore.Strategy.allCases {
      var options = RePOStore.Options()
      (options.strategy, options.least, options.size) = (strategy, 4, 3)
      try await ReplayLaws.check { RePOStore(options: options, assembly: .plain()) }
    }
    try OptionsLaws.check(SSRStore.Options.self)
    try OptionsLaws.check(ARPOStore.Options.self)
    try OptionsLaws.check(RePOStore.Options.self)
  }

  @Test("ssr stores what the published program stores, and draws in proportion to |advantage|")
  func ssr() async throws {
    let rows = try #require(try cases("ssr")[0]["rows"]?.arrayValue)
    var driven = Driven(SSRStore(assembly: .plain()))
    for (step, row) in rows.enumerated() {
      let rollouts = try #require(row["batch"]?.arrayValue).map { item in
        ReplayRollout(
          id: item["id"]?.stringValue ?? "", group: "one", reward: item["reward"]?.doubleValue,
          advantage: item["advantage"]?.doubleValue)
      }
      let batch = ReplayBatch(rollouts)
      #expect(rollouts.count { $0.advantage != 0 } == row["effective"]?.intValue)
      try await checkShares(&driven, batch, step: step)
      try await driven.admit(rollouts, step: step)
      #expect(driven.ids == (row["buffer_after"]?.arrayValue ?? []).compactMap(\.stringValue), "step \(step)")
    }
  }

  /// The frequencies of many draws are near |A| / Σ|A| over the effective ones of the step and all stored ones.
  private func checkShares(_ driven: inout Driven, _ batch: ReplayBatch, step: Int) async throws {
    var expected: [String: Double] = [:]
    for rollout in batch.rollouts where rollout.advantage != 0 { expected[rollout.id] = abs(rollout.advantage ?? 0) }
    for number in driven.index.numbers {
      expected[driven.index[number]?.id ?? ""] = abs(driven.index.advantage(of: number) ?? 0)
    }
    let sum = expected.values.reduce(0, +)
    var counts: [String: Int] = [:]
    let trials = 4000
    for seed in 0..<trials {
      let plan = try await driven.plan(batch, step: step, seed: UInt64(seed))
      for (place, draws) in plan.draws ?? [:] { counts[batch.rollouts[place].id, default: 0] += draws.count }
      for replay in plan.replays { counts[driven.index[replay.number]?.id ?? "", default: 0] += replay.draws.count }
    }
    #expect(counts.values.reduce(0, +) == trials * batch.rollouts.count)
    #expect(Set(counts.keys).isSubset(of: expected.keys))
    for (id, weight) in expected {
      let share = weight / sum
      let found = Double(counts[id] ?? 0) / Double(trials * batch.rollouts.count)
      // Five standard deviations.
      let bound = 5 * (share * (1 - share) / Double(trials * batch.rollouts.count)).squareRoot()
      #expect(abs(found - share) <= bound, "step \(step), \(id): \(found), not \(share)")
    }
  }

  @Test("arpo replaces and stores what the published program does")
  func arpo() async throws {
    for item in try cases("arpo_replay") {
      var options = ARPOStore.Options()
      // As published; the check of a spec refuses it.
      options.successAbove = 0.1
      var driven = Driven(ARPOStore(options: options, assembly: .plain()))
      for (step, row) in try #require(item["rows"]?.arrayValue).enumerated() {
        let groups = try #require(row["groups"]?.arrayValue)
        let rollouts = groups.flatMap { group -> [ReplayRollout] in
          let task = group["task"]?.stringValue ?? ""
          return (group["rewards"]?.arrayValue ?? []).enumerated().map {
            ReplayRollout(id: "t\(step)\(task)\($0)", group: task, reward: $1.doubleValue)
          }
        }
        let batch = ReplayBatch(rollouts)
        let plan = try await driven.plan(batch, step: step)
        for group in groups {
          let task = group["task"]?.stringValue ?? ""
          let own = plan.replays.filter { driven.index[$0.number]?.group == task }
          guard group["replaced"] == .bool(true) else {
            #expect(own.isEmpty)
            continue
          }
          let replay = try #require(own.first)
          let pool = (group["chosen_uniformly_from"]?.arrayValue ?? []).compactMap(\.stringValue)
          #expect(driven.index.numbers(of: task).compactMap { driven.index[$0]?.id } == pool)
          let place = try #require(replay.replaces)
          #expect(batch.rollouts[place].id == "t\(step)\(task)\(group["replaced_position"]?.intValue ?? -1)")
        }
        #expect(plan.replays.count == groups.count { $0["replaced"] == .bool(true) })
        try await driven.admit(rollouts, step: step)
        for (task, ids) in (row["buffer_after"]?.objectValue ?? []).map({ ($0.key, $0.value) }) {
          #expect(
            driven.index.numbers(of: task).compactMap { driven.index[$0]?.id }
              == (ids.arrayValue ?? []).compactMap(\.stringValue))
        }
      }
    }
  }

  @Test("arpo draws each stored success as often as another")
  func arpoDraws() async throws {
    var driven = Driven(ARPOStore(assembly: .plain()))
    try await driven.admit((0..<4).map { ReplayRollout(id: "s\($0)", group: "a", reward: 1) }, step: 0)
    let failure = ReplayBatch((0..<4).map { ReplayRollout(id: "f\($0)", group: "a", reward: 0) })
    var counts = [Int](repeating: 0, count: 4)
    for seed in 0..<4000 {
      counts[try await driven.plan(failure, step: 1, seed: UInt64(seed)).replays[0].number] += 1
    }
    #expect(counts.allSatisfy { abs($0 - 1000) < 150 }, "\(counts)")
  }

  @Test("repo chooses what the published program chooses")
  func repo() async throws {
    let strategies: [String: RePOStore.Strategy] = [
      "highest_k": .highest, "recent_k": .recent, "max_variance_k": .maxVariance, "all": .all,
    ]
    let random = PhiloxGenerator(seed: 1, purpose: "test")
    var met = 0
    for item in try cases("repo") {
      guard let strategy = strategies[item["case"]?.stringValue ?? ""] else { continue }
      let scores = (item["scores_oldest_first"]?.arrayValue ?? []).compactMap(\.doubleValue)
      let chosen = (item["chosen"]?.arrayValue ?? []).compactMap(\.intValue)
      let found = RePOStore.choose(strategy, item["k"]?.intValue ?? 0, from: scores, random: random)
      met += 1
      if strategy == .maxVariance {
        // A tie at the edge: the values are the same.
        #expect(found.map { scores[$0] }.sorted() == chosen.map { scores[$0] }.sorted(), "\(item.json)")
      } else {
        #expect(found == chosen, "\(item.json)")
      }
    }
    #expect(met > 20)
  }

  @Test("repo replays once enough are stored, and stores the step's rollouts after the choice")
  func repoRun() async throws {
    let item = try #require(try cases("repo").first { $0["rows"] != nil })
    for (name, strategy) in [
      ("highest_k", RePOStore.Strategy.highest), ("recent_k", .recent), ("max_variance_k", .maxVariance),
    ] {
      var options = RePOStore.Options()
      (options.strategy, options.size, options.least, options.perPrompt) = (strategy, 3, 4, 6)
      var driven = Driven(RePOStore(options: options, assembly: .plain()))
      for row in try #require(item["rows"]?.arrayValue) {
        let (step, prompt) = (row["step"]?.intValue ?? 0, row["prompt"]?.stringValue ?? "")
        let before = (row["buffer_before"]?.arrayValue ?? []).compactMap { $0.arrayValue?[0].stringValue }
        #expect(driven.index.numbers(of: prompt).compactMap { driven.index[$0]?.id } == before)
        let rollouts = (row["online"]?.arrayValue ?? []).map {
          ReplayRollout(id: $0.arrayValue?[0].stringValue ?? "", group: prompt, reward: $0.arrayValue?[1].doubleValue)
        }
        let plan = try await driven.plan(ReplayBatch(rollouts), step: step)
        let chosen = (row["chosen_ids"]?[name]?.arrayValue ?? []).compactMap(\.stringValue)
        let found = plan.replays.compactMap { driven.index[$0.number] }
        if strategy == .maxVariance {
          let rewards = Dictionary(
            (row["buffer_before"]?.arrayValue ?? []).map {
              ($0.arrayValue?[0].stringValue ?? "", $0.arrayValue?[1].doubleValue ?? 0)
            }, uniquingKeysWith: { first, _ in first })
          #expect(found.compactMap(\.reward).sorted() == chosen.compactMap { rewards[$0] }.sorted())
        } else {
          #expect(found.map(\.id) == chosen)
        }
        try await driven.admit(rollouts, step: step)
      }
    }
  }

  @Test("arpo refuses a reward that is a failure and a success, and repo a number that is never reached")
  func contradictions() throws {
    var arpo = ARPOStore.Options()
    arpo.successAbove = 0.1
    #expect(
      try arpo.allProblems().map { "'\($0.path)' \($0.message)" } == [
        "'success_above' is 0.1, which is less than mean_below, 0.2: a reward in between would be a failure to repair and a "
          + "success to store; raise it to 0.2 or more"
      ])
    var repo = RePOStore.Options()
    repo.perPrompt = 8
    #expect(try repo.allProblems().map(\.path) == ["least"])
  }
}
