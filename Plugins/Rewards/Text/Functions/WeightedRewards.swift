// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// The weighted sum of other reward functions, as one; each one's score is a part.
///
/// It is what the `reward` stage does with its `functions`, for places that take a single reward. Where a function with a
/// weight does not score, the sum does not: it fails or abstains as that function did.
package struct WeightedRewards: BatchRewardFunction {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "weighted", summary: "The weighted sum of other reward functions, each with its part in 'rewards'")

  /// What a spec can set.
  package struct Options: ComponentOptions {
    package var functions: [RewardTerm] = [.init("boxed-answer")]
    package var abstained = Abstention.noReward

    /// The defaults.
    package init() {}

    /// What each option means.
    package static let help = ["functions": RewardTerm.functionsHelp, "abstained": Abstention.help]

    /// Reward functions are named in `functions`.
    package static let componentKinds: [String: ComponentKind] = ["functions": .reward]

    /// What is wrong with the values.
    package func problems() -> [OptionProblem] { RewardTerm.problems(in: functions) }
  }

  private let functions: [WeightedReward]
  private let abstention: Abstention

  /// Makes the reward functions.
  package init(options: Options = Options(), assembly: Assembly) throws {
    functions = try WeightedReward.all(options.functions, assembly)
    abstention = options.abstained
  }

  /// What the functions read.
  package var reads: Set<Field> { functions.reduce(into: []) { $0.formUnion($1.reward.reads) } }

  /// The largest batch of a function.
  package var together: Int { functions.compactMap { ($0.reward as? any BatchRewardFunction)?.together }.max() ?? 1 }

  /// Whether all functions do.
  package var worksElsewhere: Bool {
    functions.allSatisfy { ($0.reward as? any BatchRewardFunction)?.worksElsewhere ?? false }
  }

  /// What the functions look for.
  package var sought: [SoughtAnswer] {
    functions.flatMap { function in
      function.reward.sought.map {
        SoughtAnswer($0.description, of: $0.function.isEmpty ? function.name : "\(function.name)/\($0.function)")
      }
    }
  }

  /// Scores with each function.
  ///
  /// - Throws: What a function says that makes it impossible to go on.
  package func scores(
    of trajectories: [Trajectory], in context: StageContext
  ) async throws -> [Result<RewardOutcome, any Error>] {
    var judgements = [Judgement](repeating: Judgement(abstention: abstention), count: trajectories.count)
    for (index, function) in functions.enumerated() {
      let verdicts = try await function.reward.verdicts(on: trajectories, in: context)
      for (position, verdict) in verdicts.enumerated() {
        judgements[position].add(verdict, of: function, index: index)
      }
    }
    return judgements.map(outcome)
  }

  /// Closes the functions.
  package func close() async {
    for function in functions { await function.reward.close() }
  }

  private func outcome(_ judgement: Judgement) -> Result<RewardOutcome, any Error> {
    if let reward = judgement.reward { return .success(.scored(reward, parts: judgement.parts)) }
    let gap = judgement.gaps.first { $0.counts && $0.status == judgement.status }
    let reason = gap.map { "'\(functions[$0.function].name)': \($0.reason)" } ?? "the sum is not finite"
    switch judgement.status {
    case .abstained: return .success(.abstained(reason))
    case .timedOut: return .failure(RewardTimeout(reason))
    default: return .failure(RewardFault(reason))
    }
  }
}
