// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// The weighted sum of other reward functions, as one; each one's score is a part.
///
/// It is what the `reward` stage does with its `functions`, for places that take a single reward. Where a function with a
/// weight does not score, the sum does not: it fails or abstains as that function did.
public struct WeightedRewards: RewardFunction {
  /// `weighted`.
  public static let name = "weighted"
  /// What `describe` says.
  public static let summary = "The weighted sum of other reward functions, each with its part in 'rewards'"

  /// What a spec can set.
  public struct Options: ComponentOptions {
    /// The reward functions.
    public var functions: [RewardStage.Function] = [.init("boxed-answer")]

    /// The defaults.
    public init() {}

    /// What each option means.
    public static let help = ["functions": RewardStage.Options.help["functions"] ?? ""]

    /// Reward functions are named in `functions`.
    public static let componentKinds: [String: ComponentKind] = ["functions": .reward]

    /// What is wrong with the values.
    public func problems() -> [OptionProblem] {
      var options = RewardStage.Options()
      options.functions = functions
      return options.problems()
    }
  }

  private let functions: [WeightedReward]

  /// Makes the reward functions.
  public init(options: Options = Options(), assembly: Assembly) throws {
    functions = try WeightedReward.all(options.functions, assembly)
  }

  /// What the functions read.
  public var reads: Set<Field> { functions.reduce(into: []) { $0.formUnion($1.reward.reads) } }

  /// Scores with each function.
  ///
  /// - Throws: When a function that counts fails or does not answer in time.
  public func score(_ trajectory: Trajectory) async throws -> RewardOutcome {
    var judgement = Judgement()
    for (index, function) in functions.enumerated() {
      judgement.add(try await function.reward.verdict(on: trajectory), of: function, index: index)
    }
    if let reward = judgement.reward { return .scored(reward, parts: judgement.parts) }
    let gap = judgement.gaps.first { functions[$0.function].weight != 0 && $0.status == judgement.status }
    let reason = gap.map { "'\(functions[$0.function].name)': \($0.reason)" } ?? "the sum is not finite"
    switch judgement.status {
    case .abstained: return .abstained(reason)
    case .timedOut: throw RewardTimeout(reason)
    default: throw RewardFault(reason)
    }
  }
}
