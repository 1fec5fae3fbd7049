// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

/// Rewards short responses: 1 up to a length, then falling evenly to 0 at twice that length.
public struct BrevityReward: RewardFunction {
  /// The description of this component.
  public static let about = ComponentAbout(name: "brevity", summary: "Rewards short responses")

  /// The options.
  public struct Options: ComponentOptions {
    /// Up to this many characters the reward is 1.
    public var characters = 60

    /// The defaults.
    public init() {}

    /// The help for each option.
    public static let help = ["characters": "up to this many characters give 1, twice as many 0"]

    /// The problems of the values.
    public func problems() -> [OptionProblem] {
      [OptionProblem.unless("characters", characters, in: 1...1_000_000)].compactMap { $0 }
    }
  }

  /// `response`.
  public let reads: Set<Field> = [.response]
  private let limit: Double

  /// Makes the reward function.
  public init(options: Options = Options(), assembly: Assembly) {
    limit = Double(options.characters)
  }

  /// Scores the number of characters in the response.
  public func score(_ trajectory: Trajectory) throws -> RewardOutcome {
    guard let response = try trajectory.response else { return .abstained("there is no response") }
    let excess = Double(response.count) - limit
    return .scored(max(0, min(1, 1 - excess / limit)))
  }
}
