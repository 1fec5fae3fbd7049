// SPDX-License-Identifier: Apache-2.0
import AdvantagePlugin
import EstimatorsPlugin
import Foundation
import PipelineCore
import PipelineTesting
import Testing

/// Parity with numbers of the published reference programs; see `Fixtures/README.md`.
@Suite("Advantages of the reference", .timeLimit(.minutes(15)))
struct AdvantageParityTests {
  /// The reference computes in float32.
  private let tolerance = 1e-5

  private struct Fixture<Case: Decodable>: Decodable { let cases: [Case] }

  private struct PerToken: Decodable {
    let lengths: [Int]
    let scores: [Double]
    let group: [String]
    let advantages: [String: [[Double]]]
  }

  private struct Grouped: Decodable {
    let rewards: [Double]
    let group: [String]
    let advantage: [Double]
  }

  private func read<Case: Decodable>(_ name: String, _: Case.Type) throws -> [Case] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
    let data = try Data(contentsOf: folder.appending(path: name))
    return try JSONDecoder().decode(Fixture<Case>.self, from: data).cases
  }

  private func batch(_ rewards: [Double], _ groups: [String], lengths: [Int] = []) -> TrajectoryBatch {
    TrajectoryBatch(
      rewards.indices.map { index in
        Trajectory(
          id: "\(index)", group: groups[index], reward: rewards[index],
          fields: [.tokens: .array(Array(repeating: 0, count: lengths.isEmpty ? 1 : lengths[index]))])
      })
  }

  @Test("advantages per token equal the reference's to 1e-5")
  func perToken() async throws {
    var options = ReinforcePlusPlusEstimator.Options()
    options.gamma = 0.99
    let estimators: [(String, any AdvantageEstimator)] = [
      ("easyr1_grpo", GRPOEstimator(assembly: .plain())),
      ("shuffle_r1_grpo", GRPOEstimator(assembly: .plain())),
      ("easyr1_rloo", RLOOEstimator(assembly: .plain())),
      ("easyr1_grpo_passk", GRPOPassKEstimator(assembly: .plain())),
      (
        "easyr1_reinforce_plus_plus_gamma0.99",
        ReinforcePlusPlusEstimator(options: options, assembly: .plain())
      ),
    ]
    let cases = try read("advantages.json", PerToken.self)
    #expect(cases.count == 2)
    for numbers in cases {
      for (name, estimator) in estimators {
        var batch = batch(numbers.scores, numbers.group, lengths: numbers.lengths)
        try await AdvantageStage(estimator: estimator).run(&batch, in: StageContext(stage: "advantage"))
        let expected = try #require(numbers.advantages[name])
        for (row, trajectory) in batch.trajectories.enumerated() {
          let length = numbers.lengths[row]
          let values = trajectory.advantages ?? Array(repeating: trajectory.advantage ?? .nan, count: length)
          #expect(values.count == length)
          for (value, wanted) in zip(values, expected[row]) {
            #expect(abs(value - wanted) < tolerance, "\(name), row \(row)")
          }
        }
      }
    }
  }

  @Test(
    "GRPO advantages of sixty batches equal the reference's to 1e-5, and are exactly 0 where rewards are equal"
  )
  func groups() async throws {
    let cases = try read("groups.json", Grouped.self)
    #expect(cases.count == 60)
    for numbers in cases {
      var batch = batch(numbers.rewards, numbers.group)
      try await AdvantageStage(estimator: GRPOEstimator(assembly: .plain()))
        .run(&batch, in: StageContext(stage: "advantage"))
      for (trajectory, wanted) in zip(batch.trajectories, numbers.advantage) {
        #expect(abs((trajectory.advantage ?? .nan) - wanted) < tolerance)
      }
      for group in batch.groups where Set(group.positions.map { batch[$0].reward }).count == 1 {
        #expect(group.positions.allSatisfy { batch[$0].advantage == 0 })
      }
    }
  }
}
