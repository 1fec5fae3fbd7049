// SPDX-License-Identifier: Apache-2.0
import AdvantagePlugin
import EstimatorsPlugin
import Foundation
import PipelineCore
import PipelineTesting
import SubsetPlugin
import Testing

/// Numbers of the published programs; see `Fixtures/README.md`.
@Suite("Subsets of the published programs", .timeLimit(.minutes(15)))
struct SubsetOracleTests {
  private struct Fixture<Case: Decodable>: Decodable { let cases: [Case] }

  private func read<Case: Decodable>(_ name: String, _: Case.Type) throws -> [Case] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
    return try JSONDecoder().decode(
      Fixture<Case>.self, from: Data(contentsOf: folder.appending(path: name + ".json"))
    ).cases
  }

  private func batch(rewards: [Double]? = nil, advantages: [Double]? = nil, lengths: [Int]? = nil) -> TrajectoryBatch {
    let count = rewards?.count ?? advantages?.count ?? 0
    return TrajectoryBatch(
      (0..<count).map { index in
        var trajectory = Trajectory(
          id: "\(index)", group: "g", reward: rewards?[index],
          fields: [.tokens: .array(Array(repeating: 0, count: lengths?[index] ?? 1))])
        trajectory.advantage = advantages?[index]
        return trajectory
      })
  }

  private func kept(
    _ batch: TrajectoryBatch, _ change: (inout SubsetStage.Options) -> Void
  ) async throws -> TrajectoryBatch {
    var options = SubsetStage.Options()
    change(&options)
    var batch = batch
    try await SubsetStage(options: options, assembly: .plain()).run(&batch, in: StageContext(stage: "subset"))
    return batch
  }

  private struct PODS: Decodable {
    let rewards: [Double]
    let keep_fraction: Double
    let n: Int?
    let variance: Double?
    let best_variance: Double?
    let optimal_reward_multisets: [[Double]]?
    let kept_rewards_sorted: [Double]?
    let advantages_on_subset: [Double]?
  }

  @Test("PODS: as many as published, with the largest variance there is, and advantages on them alone")
  func pods() async throws {
    let cases = try read("pods", PODS.self)
    #expect(cases.count == 34)
    for numbers in cases {
      var batch = try await kept(batch(rewards: numbers.rewards)) { $0.keep = numbers.keep_fraction }
      let rewards = batch.trajectories.compactMap(\.reward).sorted()
      if let n = numbers.n { #expect(batch.count == n) }
      let mean = rewards.reduce(0, +) / Double(rewards.count)
      let variance = rewards.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(rewards.count)
      if let best = numbers.best_variance ?? numbers.variance {
        #expect(variance >= best - 1e-6, "\(numbers.rewards)")
        #expect(numbers.best_variance == nil || variance <= best + 1e-6)
      }
      if let sets = numbers.optimal_reward_multisets {
        #expect(sets.contains { zip($0.sorted(), rewards).allSatisfy { abs($0 - $1) < 1e-6 } }, "\(numbers.rewards)")
        // Of several, the one with the largest sum.
        let sum = rewards.reduce(0, +)
        #expect(sets.allSatisfy { $0.reduce(0, +) <= sum + 1e-6 })
      }
      guard let expected = numbers.advantages_on_subset,
        let theirs = numbers.kept_rewards_sorted, zip(theirs, rewards).allSatisfy({ abs($0 - $1) < 1e-6 })
      else { continue }
      try await AdvantageStage(estimator: GRPOEstimator(assembly: .plain()))
        .run(&batch, in: StageContext(stage: "advantage"))
      let advantages = batch.trajectories.compactMap(\.advantage).sorted()
      for (value, wanted) in zip(advantages, expected.sorted()) { #expect(abs(value - wanted) < 1e-5) }
    }
  }

  private struct CPPO: Decodable {
    let advantages: [Double]
    let pruning_rate: Double
    let metric: String
    let verl_kept: [Int]
    let verl_count: Int
    let trl_count: Int
    let tie_at_the_edge: Bool
  }

  @Test("CPPO: the same positions as its program, and the same |A| where equals are at the edge")
  func cppo() async throws {
    let cases = try read("cppo", CPPO.self)
    #expect(cases.count == 23)
    for numbers in cases {
      let share = 1 - numbers.pruning_rate
      let batch = try await kept(batch(advantages: numbers.advantages)) {
        // `metric` names what is pruned.
        $0.strategy = numbers.metric == "smallest" ? .largestMagnitude : .smallestMagnitude
        $0.keep = share
      }
      // Differs from the program: its int(N · (1 − P)) keeps nothing of ten at P = .9, since 1 − .9 is less than .1.
      let count = max(1, Int((share * Double(numbers.advantages.count) + 1e-9).rounded(.down)))
      #expect(batch.count == count)
      #expect((numbers.verl_count...numbers.trl_count).contains(count) || numbers.verl_count == 0)
      guard count == numbers.verl_count else { continue }
      let positions = batch.trajectories.compactMap { Int($0.id) }
      if numbers.tie_at_the_edge {
        #expect(
          positions.map { abs(numbers.advantages[$0]) }.sorted()
            == numbers.verl_kept.map { abs(numbers.advantages[$0]) }.sorted())
      } else {
        #expect(positions == numbers.verl_kept.sorted())
      }
    }
  }

  private struct GFPO: Decodable {
    let rewards: [Double]
    let lengths: [Int]
    let k: Int
    let metric: String
    let kept: [Int]
    let values: [Double]
    let tie_at_the_edge: Bool
    let grpo_on_subset: [String: Double]
  }

  @Test("GFPO: the same rollouts, the same values where equals are at the edge, and advantages on the kept ones")
  func gfpo() async throws {
    let cases = try read("gfpo", GFPO.self)
    #expect(cases.count == 14)
    for numbers in cases {
      var batch = try await kept(batch(rewards: numbers.rewards, lengths: numbers.lengths)) {
        $0.strategy = numbers.metric == "short" ? .shortest : .rewardPerToken
        $0.count = numbers.k
      }
      let positions = batch.trajectories.compactMap { Int($0.id) }
      #expect(
        positions.map { numbers.values[$0] }.sorted() == numbers.kept.map { numbers.values[$0] }.sorted())
      if numbers.tie_at_the_edge { continue }
      #expect(positions == numbers.kept.sorted())
      try await AdvantageStage(estimator: GRPOEstimator(assembly: .plain()))
        .run(&batch, in: StageContext(stage: "advantage"))
      for trajectory in batch.trajectories {
        #expect(abs((trajectory.advantage ?? .nan) - (numbers.grpo_on_subset[trajectory.id] ?? .nan)) < 1e-5)
      }
    }
  }

  @Test("a choice of largest variance is one of all choices, for every small group of quarters")
  func exhaustive() {
    for size in 1...7 {
      for code in 0..<Int(pow(4.0, Double(min(size, 5)))) {
        let values = (0..<size).map { Double((code >> (2 * ($0 % 5))) & 3) / 4 }
        for count in 1...size {
          let choice = MaxVariance(values, keeping: count)
          #expect(choice.kept.count == count && choice.kept == choice.kept.sorted())
          #expect(choice.variance >= Self.best(values, count) - 1e-12, "\(values) \(count)")
        }
      }
    }
  }

  /// The largest variance of all subsets of a size.
  private static func best(_ values: [Double], _ count: Int) -> Double {
    (0..<(1 << values.count)).filter { $0.nonzeroBitCount == count }.map { bits in
      let chosen = values.indices.filter { bits >> $0 & 1 == 1 }.map { values[$0] }
      let mean = chosen.reduce(0, +) / Double(count)
      return chosen.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
    }.max() ?? 0
  }
}
