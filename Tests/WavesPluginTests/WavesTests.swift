// SPDX-License-Identifier: Apache-2.0
import EstimatorsPlugin
import Foundation
import PipelineCore
import PipelineTesting
import Testing
import WavesPlugin

/// Numbers of a published program, with how they were made.
private func cases(_ name: String) throws -> [JSONValue] {
  let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
  let text = try String(contentsOf: folder.appending(path: name + ".json"), encoding: .utf8)
  let oracle = try JSONValue(parsing: text)
  return try #require(oracle["cases"]?.arrayValue)
}

extension JSONValue {
  fileprivate func numbers(_ key: String) throws -> [Double] {
    try #require(self[key]?.arrayValue).map { try #require($0.doubleValue) }
  }
}

private func context(_ n: Int, wave: Int = 0) -> WaveContext { WaveContext(policy: "test", wave: wave, n: n) }

@Suite("Waves: pilot", .timeLimit(.minutes(15)))
struct PilotWavesTests {
  @Test("the same prompts pass the first wave as in the published program")
  func published() throws {
    for one in try cases("speed") {
      for row in try #require(one["rows"]?.arrayValue) {
        let pilots = try #require(row["first_phase"]?.objectValue)
        let waiting = row["waiting_for_second"]?.arrayValue?.compactMap(\.stringValue)
        var options = PilotWaves.Options()
        options.first = 2
        let groups = try pilots.map { pilot in
          WaveGroup(id: pilot.key, rewards: try #require(pilot.value.arrayValue?.map(\.doubleValue)))
        }
        for (second, more) in [(PilotWaves.Second.sameStep, WaveDecision.more(4)), (.nextStep, .later(4))] {
          options.second = second
          let decisions = PilotWaves(options: options, assembly: .plain()).decide(groups, in: context(6))
          #expect(zip(groups, decisions).filter { $1 == more }.map(\.0.id) == waiting)
          #expect(decisions.allSatisfy { $0 == more || $0 == .drop(rule: "no-contrast") })
        }
        // What waited is complete with the second part, whatever that is worth.
        let seconds = try #require(row["second_phase"]?.objectValue).map { second in
          WaveGroup(
            id: second.key, rewards: try #require(second.value.arrayValue?.map(\.doubleValue)), waveSizes: [2, 4])
        }
        let late = PilotWaves(options: options, assembly: .plain()).decide(seconds, in: context(6, wave: 1))
        #expect(late.allSatisfy { $0 == .admit })
      }
    }
  }

  @Test("obeys the laws, and says which settings do not go together")
  func laws() async throws {
    try await WaveLaws.check(PilotWaves(assembly: .plain()), n: 16)
    var waiting = PilotWaves.Options()
    waiting.second = .nextStep
    try await WaveLaws.check(PilotWaves(options: waiting, assembly: .plain()), n: 16)
    #expect(PilotWaves(options: waiting, assembly: .plain()).waits && !PilotWaves(assembly: .plain()).waits)
    let error = #expect(throws: PipelineError.self) { try PilotWaves(assembly: .plain()).plan(for: 4) }
    #expect(error?.message == "'waves.with.first' is 4, it must be less than n, 4, the rollouts of a whole group")
    var options = PilotWaves.Options()
    options.first = 1
    #expect(
      options.problems().map(\.message) == ["is 1, it must be at least 2, since rewards are compared"])
  }

  @Test("rollouts without a reward are no contrast")
  func unscored() {
    let policy = PilotWaves(assembly: .plain())
    let groups = [[1, nil, 1, nil], [nil, nil, nil, nil], [1, nil, 0, nil]].map { WaveGroup(id: "a", rewards: $0) }
    #expect(
      policy.decide(groups, in: context(16))
        == [.drop(rule: "no-contrast"), .drop(rule: "no-contrast"), .more(12)])
  }

  @Test("says what the first rollouts were worth")
  func explanation() {
    let policy = PilotWaves(assembly: .plain())
    func step(_ rewards: [Double]) -> LineageStep {
      LineageStep(
        group: rewards.enumerated().map { LineageEntry(id: "a/\($0)", group: "a", reward: $1) }, walk: { _ in })
    }
    let entry = LineageEntry(id: "a/0", group: "a", reward: 0)
    #expect(
      policy.explanation(of: entry, in: step([0, 0, 0, 0]), n: 16)
        == "its \(4, "first rollout") all had the reward \(0.0)")
    #expect(
      policy.explanation(of: entry, in: step([0, 1, 0, 0, 1, 1]), n: 6)
        == "the rewards of its \(4, "first rollout") differ, so the group got \(2) more")
    var options = PilotWaves.Options()
    options.second = .nextStep
    let waiting = PilotWaves(options: options, assembly: .plain())
    #expect(
      waiting.explanation(of: entry, in: step([0, 1, 0, 0]), n: 6)
        == "the rewards of its \(4, "first rollout") differ, so the group gets \(2) more later")
    #expect(
      waiting.explanation(of: entry, in: step([0, 1, 0, 0, 1, 1]), n: 6)
        == "the rewards of its \(4, "first rollout") differ, so the group got \(2) more")
  }
}

@Suite("Waves: reinforce-ada", .timeLimit(.minutes(15)))
struct ReinforceAdaWavesTests {
  private struct Case {
    let json: JSONValue
    let policy: ReinforceAdaWaves
    let n: Int
    let rewards: [(id: String, values: [Double])]

    init(_ json: JSONValue) throws {
      self.json = json
      var options = ReinforceAdaWaves.Options()
      options.choice = json["choice"] == "balanced" ? .balanced : .positiveFocused
      options.rounds = try #require(json["rounds"]?.intValue)
      options.perRound = try #require(json["per_round"]?.intValue)
      options.threshold = try #require(json["threshold"]?.doubleValue)
      n = try #require(json["keep"]?.intValue)
      policy = ReinforceAdaWaves(options: options, assembly: .plain())
      rewards = try #require(json["rewards_in_order"]?.objectValue).map {
        ($0.key, try #require($0.value.arrayValue).map { try #require($0.doubleValue) })
      }
    }

    func group(_ id: String, _ count: Int) -> WaveGroup {
      WaveGroup(id: id, rewards: Array(rewards.first { $0.id == id }?.values.prefix(count) ?? []))
    }
  }

  @Test("asks in each round for the same rollouts as the published program")
  func rounds() throws {
    for one in try cases("reinforce_ada").map(Case.init) {
      var seen = Dictionary(uniqueKeysWithValues: one.rewards.map { ($0.id, 0) })
      var asked = Dictionary(uniqueKeysWithValues: one.rewards.map { ($0.id, one.json["per_round"]?.intValue ?? 0) })
      for (wave, round) in try #require(one.json["asked_per_round"]?.arrayValue).enumerated() {
        let expected = Dictionary(
          uniqueKeysWithValues: try #require(round.objectValue).map { ($0.key, $0.value.intValue ?? 0) })
        #expect(asked == expected)
        for (id, count) in asked { seen[id, default: 0] += count }
        let groups = asked.keys.sorted().map { one.group($0, seen[$0] ?? 0) }
        let decisions = one.policy.decide(groups, in: context(one.n, wave: wave))
        asked = [:]
        for (group, decision) in zip(groups, decisions) {
          if case .more(let count) = decision { asked[group.id] = count }
        }
      }
      #expect(asked.isEmpty)
    }
  }

  @Test("keeps the same rollouts, and sees the same")
  func keeps() throws {
    for one in try cases("reinforce_ada").map(Case.init) {
      for (id, values) in one.rewards {
        let keep = one.policy.keep(one.group(id, values.count), in: context(one.n))
        let kept = keep.positions.map { "\(id)\($0)" }
        #expect(kept == one.json["kept"]?[id]?.arrayValue?.compactMap(\.stringValue))
        let seen = try #require(keep.seen)
        #expect(
          [seen.right, seen.count - seen.right] == one.json["seen"]?[id]?.arrayValue?.compactMap(\.intValue))
      }
    }
  }

  @Test("gives the published advantages, from all that was seen")
  func advantages() throws {
    for one in try cases("reinforce_ada").map(Case.init) {
      var options = SeenStatisticsEstimator.Options()
      // Rewards of 0 and 1 are the same in both; those with a part for the form are compared as published.
      let isPlain = one.rewards.allSatisfy { $0.values.allSatisfy { $0 == 0 || $0 == 1 } }
      for statistics in isPlain ? [SeenStatisticsEstimator.Statistics.right, .rewards, .published] : [.published] {
        options.statistics = statistics
        let estimator = SeenStatisticsEstimator(options: options, assembly: .plain())
        for (id, values) in one.rewards {
          let keep = one.policy.keep(one.group(id, values.count), in: context(one.n))
          let found = estimator.advantages(
            for: [keep.positions.map { ScoredRollout(reward: values[$0], seen: keep.seen) }])
          let expected = try #require(one.json["advantages_global"]).numbers(id)
          for (advantage, expected) in zip(found[0], expected) {
            guard case .uniform(let value) = advantage else { continue }
            #expect((value - expected).magnitude <= 1e-5 * max(1, expected.magnitude))
          }
          #expect(found[0].count == expected.count)
        }
      }
    }
  }

  @Test("obeys the laws, and says which settings do not go together")
  func laws() async throws {
    for choice in ReinforceAdaWaves.Choice.allCases {
      var options = ReinforceAdaWaves.Options()
      options.choice = choice
      try await WaveLaws.check(ReinforceAdaWaves(options: options, assembly: .plain()), n: 8)
      try await WaveLaws.check(ReinforceAdaWaves(options: options, assembly: .plain()), n: 5)
    }
    let error = #expect(throws: PipelineError.self) { try ReinforceAdaWaves(assembly: .plain()).plan(for: 33) }
    #expect(
      error?.message
        == "'n' is 33, but the waves make at most 4 × 8 rollouts of a prompt; lower n, or raise waves.with.rounds or "
        + "waves.with.per_round")
  }

  @Test("rollouts without a reward stay where there is room, for the stage that says why they leave")
  func unscored() {
    let policy = ReinforceAdaWaves(assembly: .plain())
    let group = WaveGroup(id: "a", rewards: [1, nil, 0, nil, 1, 1, 0, 0])
    #expect(policy.keep(group, in: context(8)).positions == [0, 4, 5, 2, 6, 7, 1, 3])
    #expect(policy.keep(group, in: context(4)).positions == [0, 4, 2, 6])
    #expect(policy.keep(group, in: context(4)).seen?.count == 6)
    #expect(policy.keep(WaveGroup(id: "a", rewards: [nil, nil]), in: context(2)).seen == nil)
  }
}

@Suite("Statistics of all that was seen", .timeLimit(.minutes(15)))
struct SeenStatisticsTests {
  @Test("survive as a field, to the last digit")
  func json() throws {
    let seen = SeenStatistics(rewards: [0.1, 1, 0.7, 0.3333333333333333], threshold: 0.7)
    #expect(seen.right == 1)
    #expect(try SeenStatistics(JSONValue(parsing: seen.json.json)) == seen)
    #expect(SeenStatistics(["count": 2]) == nil)
    #expect(SeenStatistics(rewards: [0.1, 0.1, 0.1], threshold: 0).deviation == 0)
  }

  @Test("an answer with a part for its form is compared with right and wrong, as 1 and 0")
  func right() {
    let seen = SeenStatistics(rewards: [0.9, 0.1, 0.7, 0.71], threshold: 0.7)
    let rollouts = [0.9, 0.71, 0.1, 0.7].map { ScoredRollout(reward: $0, seen: seen) }
    let found = SeenStatisticsEstimator(assembly: .plain()).advantages(for: [rollouts])
    #expect(found[0][0] == found[0][1])
    #expect(found[0][2] == found[0][3])
    guard case .uniform(let value) = found[0][0] else { return }
    // (1 − 1/2) / √(1/3).
    #expect((value - 0.8660254).magnitude < 1e-5)
  }
}
