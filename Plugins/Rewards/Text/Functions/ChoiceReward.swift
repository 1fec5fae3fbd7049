// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

/// 1 where the response chooses the letter of the answer, 0 where it chooses another, none, or several.
///
/// The choice is looked for in this order, and the first place that exists decides: the last
/// `<answer>…</answer>`; the last `\boxed{…}`; what follows the last "answer:" or "answer is"; the whole response.
/// There a letter counts that stands alone or in parentheses, or that starts the text and is followed by `)`,
/// `.`, `:` or `,`: `B`, `(B)`, `B.`, `B) 25 cm`, `**B**`, `\text{B}`. Where there is none, a letter in
/// parentheses anywhere in that place counts, if all such letters are the same: `so it is (B)`.
///
/// An answer that is no such letter makes the reward abstain. Hedging does not: it scores 0.
public struct ChoiceReward: RewardFunction {
  /// The description of this component.
  public static let about = ComponentAbout(
    name: "choice", summary: "1 if the response chooses the answer's letter, else 0")

  /// What a spec can set.
  public struct Options: ComponentOptions {
    package var letters = "ABCDEFGHIJ"

    /// The defaults.
    public init() {}

    /// What each option means.
    public static let help = [
      "letters": "the letters that are choices, upper case; responses may use either case"
    ]

    /// What is wrong with the values.
    public func problems() -> [OptionProblem] {
      !letters.isEmpty && letters.utf8.allSatisfy { (0x41...0x5A).contains($0) }
        ? [] : [OptionProblem("letters", "is '\(letters)', it must be upper-case letters such as 'ABCD'")]
    }
  }

  /// Both sides of the comparison.
  public let reads: Set<Field> = [.response, .answer]
  private let letters: Set<UInt8>

  /// Makes the reward.
  public init(options: Options = Options(), assembly: Assembly) { letters = Set(options.letters.utf8) }

  /// Compares the letters.
  ///
  /// - Throws: When the response or the answer is missing or no text.
  public func score(_ trajectory: Trajectory) throws -> RewardOutcome {
    let response = Array(try trajectory.responseText().utf8)[...]
    let answer = Array(try trajectory.answerText().utf8)[...]
    guard let expected = choice(in: AnswerExtraction.lastBoxed(in: answer) ?? answer) else {
      return .abstained("the answer is no letter of a choice: '\(answer.prefix(40).text)'")
    }
    return .scored(choice(in: Self.place(in: response)) == expected ? 1 : 0)
  }

  /// The part of a response that holds its choice.
  private static func place(in response: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    if let tagged = AnswerExtraction.lastTagged(in: response) { return tagged }
    if let boxed = AnswerExtraction.lastBoxed(in: response) { return boxed }
    let folded = response.map(\.uppercased)[...]
    let ends = [folded.last("ANSWER:").map { $0 + 7 }, folded.last("ANSWER IS").map { $0 + 9 }]
    guard let end = ends.compactMap({ $0 }).max() else { return response }
    let start = response.skippingSpace(from: end)
    return response[(response.holds(":", at: start) ? start + 1 : start)...]
  }

  /// The letter that a text chooses, upper case.
  private func choice(in text: ArraySlice<UInt8>) -> UInt8? {
    leadingChoice(in: text) ?? onlyChoiceInParentheses(in: text)
  }

  private static let decoration = Set("*_$`\"'{ \n\t\r".utf8)

  private static let delimiters = Set(").:,".utf8)

  private func leadingChoice(in text: ArraySlice<UInt8>) -> UInt8? {
    var rest = text.drop { Self.decoration.contains($0) }
    if let wrapper = (["\\text{", "\\mathrm{", "\\textbf{", "\\mathbf{"] as [StaticString])
      .first(where: { rest.holds($0, at: rest.startIndex) })
    {
      rest = rest.dropFirst(wrapper.utf8CodeUnitCount).drop { Self.decoration.contains($0) }
    }
    let isOpen = rest.first == UInt8(ascii: "(")
    if isOpen { rest = rest.dropFirst() }
    guard let letter = rest.first?.uppercased, letters.contains(letter) else { return nil }
    rest = rest.dropFirst()
    if isOpen { return rest.first == UInt8(ascii: ")") ? letter : nil }
    if let next = rest.first, Self.delimiters.contains(next) {
      let after = rest.dropFirst()
      // `A.B` is no choice, and `A, B` two.
      if next == UInt8(ascii: "."), let byte = after.first, byte.isLetter { return nil }
      return next == UInt8(ascii: ",") && startsWithLoneLetter(after.trimmed) ? nil : letter
    }
    let tail = rest.drop {
      Self.decoration.contains($0) || $0 == UInt8(ascii: "}") || $0 == UInt8(ascii: ".")
    }
    return tail.isEmpty ? letter : nil
  }

  private func startsWithLoneLetter(_ text: ArraySlice<UInt8>) -> Bool {
    guard let first = text.first, letters.contains(first.uppercased) else { return false }
    return text.count == 1 || !text[text.startIndex + 1].isLetter
  }

  /// The letter of `(B)` where every letter in parentheses is the same.
  private func onlyChoiceInParentheses(in text: ArraySlice<UInt8>) -> UInt8? {
    var found: UInt8?
    var position = text.startIndex
    while position + 2 < text.endIndex {
      if text[position] == UInt8(ascii: "("), text[position + 2] == UInt8(ascii: ")"),
        letters.contains(text[position + 1].uppercased)
      {
        let letter = text[position + 1].uppercased
        if let found, found != letter { return nil }
        found = letter
      }
      position += 1
    }
    return found
  }
}
