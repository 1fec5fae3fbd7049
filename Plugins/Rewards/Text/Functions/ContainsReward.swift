// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

/// 1 where the response, or a part of it, contains the answer, or the texts that are asked for, else 0.
///
/// A word that is asked for as a whole is not found inside another: `cat` is not in `concatenate`. Letters, digits and
/// all characters beyond ASCII make words.
public struct ContainsReward: RewardFunction {
  /// The description of this component.
  public static let about = ComponentAbout(
    name: "contains", summary: "1 if the response contains the answer, or the texts that are asked for, else 0")

  /// How many of the texts must be there.
  public enum Match: String, Codable, Sendable, CaseIterable {
    /// Every one.
    case all
    /// One at least.
    case any
    /// Every one; the score is the share that is there.
    case share
  }

  /// What a spec can set.
  public struct Options: ComponentOptions {
    package var texts: [String] = []
    package var match = Match.all
    package var extract = AnswerExtraction.none
    /// Whether case matters.
    public var `case` = ExactReward.Case.insensitive
    package var wholeWords = true

    /// The defaults.
    public init() {}

    /// What each option means.
    public static let help = [
      "texts": "what is looked for; without any, the answer",
      "match": "whether all texts must be there, or any, or the score is the share of those that are",
      "extract": "the part of the response to look at: none (all of it), boxed, answer-tag or last-line",
      "case": "sensitive, or insensitive to upper and lower case",
      "whole_words": "whether a text counts only where no word goes on before or behind it",
    ]

    /// What is wrong with the values.
    public func problems() -> [OptionProblem] {
      texts.enumerated().compactMap { index, text in
        text.utf8.allSatisfy(\.isSpace)
          ? OptionProblem("texts.\(index)", "is empty, it would be found everywhere") : nil
      }
    }
  }

  private let options: Options

  /// Makes the reward.
  public init(options: Options = Options(), assembly: Assembly) { self.options = options }

  /// The response, and the answer where nothing else is looked for.
  public var reads: Set<Field> { options.texts.isEmpty ? [.response, .answer] : [.response] }

  /// Looks for the texts.
  ///
  /// - Throws: When the response, or the answer if it is asked for, is missing or no text.
  public func score(_ trajectory: Trajectory) throws -> RewardOutcome {
    let response = try trajectory.responseText()
    let wanted = try options.texts.isEmpty ? [trajectory.answerText()] : options.texts
    let needles = wanted.map { Array(folded($0).utf8)[...].trimmed }
    if options.texts.isEmpty, needles[0].isEmpty { return .abstained("the answer is empty") }
    guard let part = options.extract.answer(in: folded(response)) else { return .scored(0) }
    let found = needles.count { holds(part, $0) }
    switch options.match {
    case .all: return .scored(found == needles.count ? 1 : 0)
    case .any: return .scored(found > 0 ? 1 : 0)
    case .share: return .scored(Double(found) / Double(needles.count))
    }
  }

  private func folded(_ text: String) -> String { options.case == .insensitive ? text.lowercased() : text }

  private func holds(_ text: ArraySlice<UInt8>, _ needle: ArraySlice<UInt8>) -> Bool {
    TextPattern(needle).occurs(in: text) { place in
      guard options.wholeWords else { return true }
      let opens = place.lowerBound == text.startIndex
      let closes = place.upperBound == text.endIndex
      return (opens || !(text[place.lowerBound].isWord && text[place.lowerBound - 1].isWord))
        && (closes || !(text[place.upperBound - 1].isWord && text[place.upperBound].isWord))
    }
  }
}
