// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Rewards short responses: 1 up to a length, then falling evenly to 0 at twice that length.
struct BrevityReward: RewardFunction {
  struct Options: ComponentOptions {
    /// Up to this many characters the reward is 1.
    var characters = 60

    static let help = ["characters": "Responses up to this many characters get 1, twice as long ones 0"]

    func problems() -> [OptionProblem] {
      [OptionProblem.unless("characters", characters, in: 1...1_000_000)].compactMap { $0 }
    }
  }

  static let name = "brevity"
  static let summary = "Rewards short responses"

  let reads: Set<Field> = [.response]
  private let limit: Double

  init(options: Options, assembly: Assembly) {
    limit = Double(options.characters)
  }

  func score(_ trajectory: Trajectory) throws -> RewardOutcome {
    guard let response = try trajectory.response else { return .abstained("there is no response") }
    let excess = Double(response.count) - limit
    return .scored(max(0, min(1, 1 - excess / limit)))
  }
}
