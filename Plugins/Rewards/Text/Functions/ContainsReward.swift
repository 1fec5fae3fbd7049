// SPDX-License-Identifier: Apache-2.0
package import MathAnswers
package import PipelineCore

/// 1 where the response, or a part of it, contains the answer, or the texts that are asked for, else 0.
///
/// A word that is asked for as a whole is not found inside another: `cat` is not in `concatenate`; nor is a number in another:
/// 12 is not in `12.5`, `1,212` or `-12`. Letters, digits and characters beyond ASCII make words; scripts that write them without
/// space between, such as Chinese, do not part them: `猫` is in `那是一只猫`. Emphasis of Markdown, full-width characters and how much
/// space stands between words do not matter. Of a list of answers any is enough.
package struct ContainsReward: RewardFunction {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "contains", summary: "1 if the response contains the answer, or the texts that are asked for, else 0")

  /// How many of the texts must be there.
  package enum Match: String, Codable, Sendable, CaseIterable {
    /// Every one.
    case all
    /// One at least.
    case any
    /// Every one; the score is the share that is there.
    case share
  }

  /// What a spec can set.
  package struct Options: ComponentOptions {
    package var texts: [String] = []
    package var match = Match.all
    package var thought = Thought.counts
    package var extract = AnswerExtraction.none
    package var `case` = ExactReward.Case.insensitive
    package var wholeWords = true

    /// The defaults.
    package init() {}

    /// What each option means.
    package static let help = [
      "texts": "what is looked for; without any, the answer",
      "match": "whether all texts must be there, or any, or the score is the share of those that are",
      "extract": "the part of the response to look at: " + AnswerExtraction.help,
      "case": "sensitive, or insensitive to upper and lower case",
      "whole_words": "whether a text counts only where no word and no number goes on before or behind it",
      "thought": Thought.help,
    ]

    /// What is wrong with the values.
    package func problems() -> [OptionProblem] {
      texts.enumerated().compactMap { index, text in
        text.utf8.allSatisfy(\.isSpace)
          ? OptionProblem("texts.\(index)", "is empty, it would be found everywhere") : nil
      }
    }
  }

  private let options: Options

  /// Makes the reward.
  package init(options: Options = Options(), assembly: Assembly) { self.options = options }

  /// The part that is looked at.
  package var sought: [SoughtAnswer] { options.extract.soughtAnswer }

  /// The response, and the answer where nothing else is looked for.
  package var reads: Set<Field> { options.texts.isEmpty ? [.response, .answer] : [.response] }

  /// Looks for the texts.
  ///
  /// - Throws: When the response, or the answer if it is asked for, is missing or no text.
  package func score(_ trajectory: Trajectory) throws -> RewardOutcome {
    let response = Array(try trajectory.responseText().utf8)[...]
    let part = options.thought.rest(of: response).flatMap(options.extract.answer).map(folded)
    if options.texts.isEmpty {
      return try .best(of: trajectory.acceptedAnswers()) { answer in
        let needle = folded(answer)
        if needle.isEmpty { return .abstained("the answer is empty") }
        return part.map { .scored(holds($0[...], needle) ? 1 : 0) } ?? .nothingFound
      }
    }
    guard let part else { return .nothingFound }
    let found = options.texts.count { holds(part[...], folded(Array($0.utf8)[...])) }
    switch options.match {
    case .all: return .scored(found == options.texts.count ? 1 : 0)
    case .any: return .scored(found > 0 ? 1 : 0)
    case .share: return .scored(Double(found) / Double(options.texts.count))
    }
  }

  /// The text as it is compared: cleaned, one space for many, in lower case where case does not matter.
  private func folded(_ text: ArraySlice<UInt8>) -> [UInt8] {
    var output: [UInt8] = []
    for byte in PlainText.cleaned(text)[...].trimmed {
      if !byte.isSpace { output.append(byte) } else if output.last != 0x20 { output.append(0x20) }
    }
    return options.case == .insensitive ? Array(output[...].text.lowercased().utf8) : output
  }

  private func holds(_ text: ArraySlice<UInt8>, _ needle: [UInt8]) -> Bool {
    TextPattern(needle[...]).occurs(in: text) { place in
      !options.wholeWords || WordEdges(text).areFree(around: place)
    }
  }
}
