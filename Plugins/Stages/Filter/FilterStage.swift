// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Drops trajectories or whole groups by one rule.
///
/// - `reward-band`: keeps groups whose mean of a named score lies strictly between `low` and `high`. With
///   `max_attempts` above 1 this is DAPO's dynamic sampling, which asks for more rollouts until the batch is full
///   again. A rollout without that score does not count in the mean, but stays or leaves with its group. A group
///   without any leaves by the rule `no-score`.
/// - `overlong`: drops trajectories whose `finish` is `length`, or that have more tokens than `max_tokens`.
/// - `zero-variance`: drops groups whose rewards are all equal, including groups with a single reward. A group without
///   any reward stays; the stage `advantage` then drops it with a reason.
///
/// Source: Yu et al., "DAPO", dynamic sampling; the band 0.01–0.99 as in EasyR1.
package struct FilterStage: Stage {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "filter", summary: "Drops trajectories or groups by reward band, length or lack of variance",
    papers: [Paper("DAPO, dynamic sampling", arXiv: "2503.14476")],
    rules: [
      DropRule(
        "reward-band", because: "its group's mean score lies outside the band: too easy, or too hard, to learn from"),
      DropRule("no-score", because: "no rollout of its group has the score that the band goes by"),
      DropRule("overlong", because: "its response is longer than allowed"),
      DropRule(
        "zero-variance",
        because: "all rewards of its group are equal, so there is nothing to learn from comparing them"),
    ])

  /// The rule to drop by.
  package enum Rule: String, Codable, Sendable, CaseIterable {
    /// Groups whose mean score is too low or too high.
    case rewardBand = "reward-band"
    /// Trajectories cut off at the length limit, or longer than a limit.
    case overlong
    /// Groups whose rewards are all equal.
    case zeroVariance = "zero-variance"
  }

  /// The options.
  package struct Options: ComponentOptions {
    package var rule = Rule.rewardBand
    package var low = 0.01
    package var high = 0.99
    package var score = "reward"
    package var maxTokens = 0
    package var maxAttempts = 1

    /// The defaults.
    package init() {}

    /// The help for each option.
    package static let help = [
      "rule": "the rule to drop by: reward-band and zero-variance drop groups, overlong drops trajectories",
      "low": "reward-band: the mean score of a group must lie above this",
      "high": "reward-band: the mean score of a group must lie below this",
      "score": "reward-band: 'reward', or the name of one of its parts",
      "max_tokens": "overlong: the most tokens a response may have; 0 to use 'finish' only",
      "max_attempts":
        "batches of prompts that a step may take until it is full again; 1 continues with what is left, DAPO uses 10",
    ]

    /// The problems of the values.
    package func problems() -> [OptionProblem] {
      var problems: [OptionProblem] = []
      if !(low < high) { problems.append(OptionProblem("low", "is \(low), it must lie below high, \(high)")) }
      if let problem = OptionProblem.unlessScore(score) { problems.append(problem) }
      if maxTokens < 0 {
        problems.append(OptionProblem("max_tokens", "is \(maxTokens), it must not be negative"))
      }
      if maxAttempts < 1 {
        problems.append(OptionProblem("max_attempts", "is \(maxAttempts), it must be at least 1"))
      }
      return problems
    }
  }

  /// Nothing.
  package let writes: Set<Field> = []
  private let options: Options

  /// Makes the stage.
  package init(options: Options = Options(), assembly: Assembly) { self.options = options }

  /// The fields that the rule uses.
  package var reads: Set<Field> {
    switch options.rule {
    case .rewardBand: options.score == "reward" ? [.reward] : [.rewards]
    case .zeroVariance: [.reward]
    case .overlong: options.maxTokens > 0 ? [.tokens] : [.finish]
    }
  }

  /// The score that the band goes by.
  package var readsScores: Set<String> {
    options.rule == .rewardBand && options.score != "reward" ? [options.score] : []
  }

  /// More prompts, if `max_attempts` allows them.
  package var refill: Refill? { options.maxAttempts > 1 ? Refill(maxAttempts: options.maxAttempts) : nil }

  /// For `overlong`, `finish` in addition to the tokens.
  package var readsIfPresent: Set<Field> {
    options.rule == .overlong && options.maxTokens > 0 ? [.finish] : []
  }

  /// Drops trajectories by the rule.
  ///
  /// - Throws: When a record can no longer be read.
  package func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {
    try checkScore(of: batch.trajectories)
    var rules = [String?](repeating: nil, count: batch.count)
    if options.rule == .overlong {
      for (position, trajectory) in batch.trajectories.enumerated() where try isOverlong(trajectory) {
        rules[position] = options.rule.rawValue
      }
    } else {
      for group in batch.groups {
        guard let rule = rule(for: group.positions.map { batch[$0] }) else { continue }
        for position in group.positions { rules[position] = rule }
      }
    }
    batch.drop(stage: context.stage) { rules[$0] }
  }

  /// A score that no record has, while they have others, is a mistake in the name.
  private func checkScore(of trajectories: [Trajectory]) throws {
    guard options.rule == .rewardBand, options.score != "reward" else { return }
    var names: [String] = []
    for trajectory in trajectories {
      for part in trajectory.rewards ?? [] where !names.contains(part.name) { names.append(part.name) }
    }
    if names.isEmpty || names.contains(options.score) { return }
    let near =
      names.first { $0.hasSuffix("/" + options.score) } ?? NearestName.suggestion(for: options.score, among: names)
    throw PipelineError(
      .invalidData,
      "no record has the score '\(options.score)', which 'score' names"
        + (near.map { "; did you mean '\($0)'? The" } ?? "; the")
        + " scores there are: reward, \(names.joined(separator: ", "))")
  }

  private func isOverlong(_ trajectory: Trajectory) throws -> Bool {
    if try trajectory.finish == "length" { return true }
    guard options.maxTokens > 0, let count = try trajectory.tokenCount else { return false }
    return count > options.maxTokens
  }

  /// The rule by which a group is dropped, or nil.
  private func rule(for group: [Trajectory]) -> String? {
    let scores = group.compactMap(score)
    if options.rule == .zeroVariance {
      guard let first = scores.first else { return nil }
      return scores.allSatisfy { $0 == first } ? options.rule.rawValue : nil
    }
    guard !scores.isEmpty else { return "no-score" }
    let mean = scores.reduce(0, +) / Double(scores.count)
    return mean > options.low && mean < options.high ? nil : options.rule.rawValue
  }

  private func score(_ trajectory: Trajectory) -> Double? {
    options.rule == .zeroVariance || options.score == "reward"
      ? trajectory.reward
      : trajectory.rewards?.first { $0.name == options.score }?.score
  }
}
