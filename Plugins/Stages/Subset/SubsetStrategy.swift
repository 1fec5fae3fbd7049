// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// What is chosen by, and how much is kept where the spec does not say.
struct SubsetStrategy: Sendable {
  /// What candidates are compared by.
  enum Measure: Sendable {
    /// The rewards of the kept ones together: their variance.
    case rewardVariance
    /// `|advantage|`.
    case magnitude
    /// The number of tokens.
    case length
    /// The reward for each token.
    case rewardPerToken
  }

  /// How much is kept.
  enum Amount: Sendable, Hashable {
    /// This share of the candidates.
    case share(Double)
    /// As many, or all where there are fewer.
    case count(Int)
  }

  /// How a share becomes a number.
  enum Rounding: Sendable {
    /// To the nearest, halves to the even number.
    case halfToEven
    /// Down; what is less than 1e-9 below a whole number is that number.
    case down

    func callAsFunction(_ value: Double) -> Int {
      switch self {
      case .halfToEven: Int(value.rounded(.toNearestOrEven))
      case .down: Int((value + 1e-9).rounded(.down))
      }
    }
  }

  let measure: Measure
  /// Whether the largest are kept; the smallest otherwise.
  var keepsLargest = true
  /// The rule by which the others leave.
  let rule: String
  /// The fields that it goes by.
  let reads: Set<Field>
  /// Published with this scope.
  let scope: SubsetStage.Scope
  /// Published with this amount.
  let amount: Amount
  var rounding = Rounding.down
}

extension SubsetStage {
  /// Which rollouts to keep.
  package enum Strategy: String, Codable, Sendable, CaseIterable {
    /// Those whose rewards have the largest variance: the lowest and the highest.
    case maxVariance = "max-variance"
    /// The largest absolute advantages.
    case largestMagnitude = "largest-magnitude"
    /// The smallest absolute advantages, for comparison.
    case smallestMagnitude = "smallest-magnitude"
    /// The shortest responses.
    case shortest
    /// The most reward for each token.
    case rewardPerToken = "reward-per-token"

    /// One row for each strategy.
    var facts: SubsetStrategy {
      switch self {
      case .maxVariance:
        SubsetStrategy(
          measure: .rewardVariance, rule: "less-variance", reads: [.reward], scope: .group, amount: .share(0.5),
          rounding: .halfToEven)
      case .largestMagnitude:
        SubsetStrategy(
          measure: .magnitude, rule: "smaller-magnitude", reads: [.advantage], scope: .batch, amount: .share(0.5))
      case .smallestMagnitude:
        SubsetStrategy(
          measure: .magnitude, keepsLargest: false, rule: "larger-magnitude", reads: [.advantage], scope: .batch,
          amount: .share(0.5))
      case .shortest:
        SubsetStrategy(
          measure: .length, keepsLargest: false, rule: "longer", reads: [.tokens], scope: .group, amount: .count(8))
      case .rewardPerToken:
        SubsetStrategy(
          measure: .rewardPerToken, rule: "less-reward-per-token", reads: [.reward, .tokens], scope: .group,
          amount: .count(8))
      }
    }
  }

  /// Among whom rollouts are compared.
  package enum Scope: String, Codable, Sendable, CaseIterable {
    /// The strategy's own.
    case auto
    /// The rollouts of a prompt.
    case group
    /// All rollouts of the batch.
    case batch
  }

  /// What to do with a group whose rewards are all equal.
  package enum ZeroVariance: String, Codable, Sendable, CaseIterable {
    /// It is treated like any other.
    case keep
    /// It is dropped.
    case drop
  }

  /// The options.
  package struct Options: ComponentOptions {
    package var strategy = Strategy.maxVariance
    package var keep = 0.0
    package var count = 0
    package var scope = Scope.auto
    package var zeroVariance = ZeroVariance.keep

    /// The defaults.
    package init() {}

    /// The help for each option.
    package static let help = [
      "strategy":
        "max-variance keeps the rewards of the largest variance (PODS), largest-magnitude and smallest-magnitude go by "
        + "|advantage| (CPPO keeps the largest), shortest and reward-per-token by the length of the response (GFPO)",
      "keep":
        "the share of rollouts to keep, up to 1; 0 for count, or else what the strategy was published with: half, and for "
        + "shortest and reward-per-token 8 of a group",
      "count": "how many rollouts to keep, in the place of a share; 0 for none stated",
      "scope":
        "among whom they are compared: group, batch, or auto, which is the batch for the two by |advantage| and the group "
        + "for the others",
      "zero_variance": "max-variance: whether groups whose rewards are all equal are kept or dropped",
    ]

    /// The problems of the values.
    package func problems() -> [OptionProblem] {
      var problems: [OptionProblem] = []
      if !(keep >= 0 && keep <= 1) { problems.append(OptionProblem("keep", "is \(keep), it must lie in 0…1")) }
      if count < 0 { problems.append(OptionProblem("count", "is \(count), it must not be negative")) }
      if keep > 0, count > 0 {
        problems.append(OptionProblem("count", "is \(count), but 'keep' is \(keep); state one of them"))
      }
      if strategy == .maxVariance, scope == .batch {
        problems.append(
          OptionProblem(
            "scope", "is 'batch', but rewards of different prompts have no variance to compare; use 'group'"))
      }
      if strategy != .maxVariance, zeroVariance == .drop {
        problems.append(
          OptionProblem(
            "zero_variance",
            "is 'drop', which only the strategy max-variance knows; put a stage 'filter' with the rule "
              + "'zero-variance' before this one"))
      }
      return problems
    }

    /// How much is kept.
    var amount: SubsetStrategy.Amount {
      count > 0 ? .count(count) : keep > 0 ? .share(keep) : strategy.facts.amount
    }

    /// Whether the whole batch is compared.
    var isOverBatch: Bool { (scope == .auto ? strategy.facts.scope : scope) == .batch }

    /// How many of these candidates are kept: at least one, at most all.
    func kept(of candidates: Int) -> Int {
      switch amount {
      case .count(let count): min(count, candidates)
      case .share(let share): min(max(1, strategy.facts.rounding(share * Double(candidates))), candidates)
      }
    }
  }
}
