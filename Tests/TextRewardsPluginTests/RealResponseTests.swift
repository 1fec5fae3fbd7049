// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineTesting
import RewardPlugin
import Testing
import TextRewardsPlugin

/// Agreement with the published Shuffle-R1 reward functions on responses of real models.
///
/// The texts are not in the repository: set `SHUFFLE_R1_ORACLES` to the folder that has them.
@Suite(
  "Rewards on real responses", .timeLimit(.minutes(15)),
  .enabled(
    if: ProcessInfo.processInfo.environment["SHUFFLE_R1_ORACLES"] != nil,
    "SHUFFLE_R1_ORACLES does not name the folder of the texts"))
struct RealResponseTests {
  private struct Line: Decodable {
    let response: String
    let ground_truth: String
    let math: Scores
    let r1v: Scores

    struct Scores: Decodable {
      let format: Double
      let accuracy: Double
    }

    var trajectory: Trajectory {
      Trajectory(
        id: "t", group: "g", fields: [.response: .string(response), .answer: .string(ground_truth)])
    }
  }

  private func lines() throws -> [Line] {
    let folder = try #require(ProcessInfo.processInfo.environment["SHUFFLE_R1_ORACLES"])
    let file = URL(fileURLWithPath: folder).appending(path: "rewards_on_real_responses.jsonl")
    return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map {
      try JSONDecoder().decode(Line.self, from: Data($0.utf8))
    }
  }

  @Test("format agrees with both published styles")
  func format() throws {
    for line in try lines() {
      #expect(try BoxedFormatReward(assembly: .plain()).score(line.trajectory) == .scored(line.math.format))
      #expect(
        try AnswerTagFormatReward(assembly: .plain()).score(line.trajectory)
          == .scored(line.r1v.format))
    }
  }

  @Test("boxed-answer agrees with the published accuracy but for a full stop after the letter")
  func boxedAnswer() throws {
    let reward = BoxedAnswerReward(assembly: .plain())
    let different = try lines().filter { try reward.score($0.trajectory).score != $0.math.accuracy }
    #expect(different.map { $0.response.hasSuffix("\\boxed{A.}\\)") } == [true])
    #expect(different.map(\.math.accuracy) == [0])
  }

  @Test("choice finds every letter that the published accuracy finds between answer tags")
  func choice() throws {
    var compared = 0
    for line in try lines() where line.r1v.accuracy == 1 && line.ground_truth.count == 1 {
      guard line.ground_truth.first?.isLetter == true else { continue }
      #expect(
        try ChoiceReward(assembly: .plain()).score(line.trajectory) == .scored(1),
        "\(line.response.suffix(80))")
      compared += 1
    }
    #expect(compared > 50)
  }
}
