// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// 0 for a response that repeats nothing, down to `max_penalty` for one that says the same again and again.
///
/// The share of its n-grams that came before, `1 − distinct / all`, times `max_penalty`. A response with fewer words than
/// an n-gram has scores 0. Words are runs without space, whatever their case.
///
/// Source: Yeo et al., "Demystifying Long Chain-of-Thought Reasoning in LLMs" (arXiv 2502.03373), as Open R1 has it.
package struct RepetitionReward: RewardFunction {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "repetition", summary: "0, down to −1 the larger the share of n-grams that the response repeats",
    aliases: ["repetition_penalty", "get_repetition_penalty_reward"])

  /// What n-grams are made of.
  package enum Unit: String, Codable, Sendable, CaseIterable {
    /// Runs of the text without space.
    case words
    /// The tokens of `tokens`.
    case tokens
  }

  /// What a spec can set.
  package struct Options: ComponentOptions {
    package var ngramSize = 3
    package var maxPenalty = -1.0
    package var unit = Unit.words

    /// The defaults.
    package init() {}

    /// What each option means.
    package static let help = [
      "ngram_size": "how many words, or tokens, make an n-gram",
      "max_penalty": "the score that repeating everything would have, not above 0",
      "unit": "what n-grams are made of: words or tokens",
    ]

    /// What is wrong with the values.
    package func problems() -> [OptionProblem] {
      var problems: [OptionProblem] = []
      if ngramSize < 1 { problems.append(OptionProblem("ngram_size", "is \(ngramSize), it must be at least 1")) }
      if !(maxPenalty <= 0 && maxPenalty.isFinite) {
        problems.append(OptionProblem("max_penalty", "is \(maxPenalty), it must be 0 or less"))
      }
      return problems
    }
  }

  private let options: Options

  /// Makes the reward.
  package init(options: Options = Options(), assembly: Assembly) { self.options = options }

  /// The text, or the tokens.
  package var reads: Set<Field> { options.unit == .words ? [.response] : [.tokens] }

  /// Counts the n-grams.
  ///
  /// - Throws: When what is counted is missing, or of another kind.
  package func score(_ trajectory: Trajectory) throws -> RewardOutcome {
    let words =
      switch options.unit {
      case .words:
        Self.numbered(Array(try trajectory.responseText().lowercased().utf8).split(whereSeparator: \.isSpace))
      case .tokens: Self.numbered(try trajectory.responseTokens())
      }
    let all = words.count - options.ngramSize + 1
    guard all > 0 else { return .scored(0) }
    let repeated = 1 - Double(Self.distinct(words, options.ngramSize)) / Double(all)
    return .scored(repeated == 0 ? 0 : repeated * options.maxPenalty)
  }

  /// The words as numbers, equal where they are.
  private static func numbered<Word: Hashable>(_ words: [Word]) -> [Int] {
    var numbers: [Word: Int] = [:]
    return words.map { word in
      if let number = numbers[word] { return number }
      numbers[word] = numbers.count
      return numbers.count - 1
    }
  }

  /// How many different runs of `size` words there are, in time that does not depend on the size.
  ///
  /// Runs are numbered as words were, those of twice the length from pairs of those of the length before.
  private static func distinct(_ words: [Int], _ size: Int) -> Int {
    var length = 1
    var runs = words
    while length < size {
      let step = min(length, size - length)
      runs = numbered((0..<runs.count - step).map { Pair(first: runs[$0], second: runs[$0 + step]) })
      length += step
    }
    return Set(runs).count
  }

  private struct Pair: Hashable {
    let first: Int
    let second: Int
  }
}
