// SPDX-License-Identifier: Apache-2.0

/// One reward function of the sum.
public struct RewardTerm: ComponentOptions {
  /// The reward function, and its options.
  public var reference = ComponentReference("")
  /// The factor of its score.
  public var weight = 1.0
  /// The name of its score in `rewards`; empty for the registered name.
  public var name = ""

  private enum CodingKeys: String, CodingKey { case weight, name }

  /// A function without a name yet.
  public init() {}

  /// A reward function by its registered name.
  public init(_ use: String, weight: Double = 1, with: OptionTree = .empty, name: String = "") {
    self.reference = ComponentReference(use, with: with)
    self.weight = weight
    self.name = name
  }

  /// Reads a bare name, or a table of `use`, `weight`, `with` and `name`.
  public init(from decoder: any Decoder) throws {
    reference = try ComponentReference(from: decoder)
    guard let keyed = try? decoder.container(keyedBy: CodingKeys.self) else { return }
    weight = try keyed.decodeIfPresent(Double.self, forKey: .weight) ?? 1
    name = try keyed.decodeIfPresent(String.self, forKey: .name) ?? ""
  }

  /// Writes the table.
  public func encode(to encoder: any Encoder) throws {
    try reference.encode(to: encoder)
    var keyed = encoder.container(keyedBy: CodingKeys.self)
    try keyed.encode(weight, forKey: .weight)
    try keyed.encode(name, forKey: .name)
  }

  /// The help for each option.
  public static let help = [
    "use": "the registered name of a reward function",
    "weight":
      "the factor of its score; with 0 the score is only recorded, and a failure costs no trajectory its reward",
    "with": "the reward function's own options",
    "name": "the name of its score in 'rewards' and in metrics; empty for the registered name",
  ]

  /// A function has a name and a finite weight.
  public func problems() -> [OptionProblem] {
    var problems: [OptionProblem] = []
    if reference.use.isEmpty { problems.append(OptionProblem("use", "is empty, it must name a reward function")) }
    if !weight.isFinite { problems.append(OptionProblem("weight", "is \(weight), it must be finite")) }
    return problems
  }

  /// The name in `rewards`.
  package var partName: String { name.isEmpty ? reference.use : name }
}

extension RewardTerm {
  /// The problems of the terms of a sum in relation to each other, as problems of the option `functions`.
  package static func problems(in functions: [RewardTerm]) -> [OptionProblem] {
    if functions.isEmpty {
      return [
        OptionProblem(
          "functions", "is empty, it must name at least one reward function, such as boxed-answer")
      ]
    }
    var problems: [OptionProblem] = []
    var seen: Set<String> = []
    for (index, function) in functions.enumerated() {
      if !function.reference.use.isEmpty, !seen.insert(function.partName).inserted {
        problems.append(
          OptionProblem(
            "functions.\(index).name",
            "is '\(function.partName)' a second time, give each function its own name"))
      }
    }
    if functions.allSatisfy({ $0.weight == 0 }) {
      problems.append(OptionProblem("functions", "has only weights of 0, at least one must count"))
    }
    return problems
  }

  /// The help of the option `functions`.
  package static let functionsHelp =
    "the reward functions, each with its weight; the reward is the weighted sum of their scores"
}
