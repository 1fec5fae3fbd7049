// SPDX-License-Identifier: Apache-2.0
import Foundation
import MathAnswerPlugin
import PipelineCore
import PipelineTesting

/// Scores responses from standard input, one JSON array of a response and its expected answer a line.
struct RewardProbe {
  private let reward = MathAnswerReward(assembly: .plain())

  func run() throws {
    while let line = readLine() {
      guard case .array(let pair) = try JSONValue(parsing: line), pair.count == 2 else {
        print("unreadable")
        continue
      }
      let trajectory = Trajectory(id: "p", group: "p", fields: [.response: pair[0], .answer: pair[1]])
      switch try reward.score(trajectory) {
      case .scored(let score, _): print(score)
      case .abstained(let reason): print("unknown \(reason)")
      }
    }
  }
}
