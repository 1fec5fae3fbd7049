// SPDX-License-Identifier: Apache-2.0
import MathAnswers
import PipelineCore

/// Which part of a response is its answer.
package enum AnswerExtraction: String, Codable, Sendable, CaseIterable {
  /// The first of these that is there: the last box, the last answer tag, what follows the last "answer is" or "answer:" of
  /// the last lines, the whole response.
  case automatic
  /// The whole response.
  case none
  /// What the last `\boxed{…}` holds.
  case boxed
  /// What the last `<answer>…</answer>` holds.
  case answerTag = "answer-tag"
  /// The last line that is not blank.
  case lastLine = "last-line"

  /// The answer part of a response without space around it, or nil when there is none.
  func answer(in text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    switch self {
    case .automatic:
      return Self.lastBoxed(in: text) ?? Self.lastTagged(in: text) ?? Self.announced(in: text) ?? text.trimmed
    case .none: return text.trimmed
    case .boxed: return Self.lastBoxed(in: text)
    case .answerTag: return Self.lastTagged(in: text)
    case .lastLine:
      let end = text.trimmed
      let start = end.lastIndex { $0 == 0x0A || $0 == 0x0D }.map { $0 + 1 } ?? end.startIndex
      return end.isEmpty ? nil : end[start...].trimmed
    }
  }

  /// The rest of the line behind the last "the answer is", without a full stop at its end.
  private static func announced(in text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard let start = AnswerMark.lastAnnouncement(in: text) else { return nil }
    var rest = text[start...].prefix { $0 != 0x0A && $0 != 0x0D }.trimmed
    while let last = rest.last, last == UInt8(ascii: ".") || last.isSpace { rest = rest.dropLast() }
    if rest.suffix(3).elementsEqual("。".utf8) { rest = rest.dropLast(3).trimmed }
    return rest.isEmpty ? nil : rest
  }

  /// What the last `\boxed{…}` holds, up to the brace that closes it; nil when there is none or it stays open.
  ///
  /// `\{` and `\}` are characters of the answer, not braces. Of boxes in boxes the innermost last one counts,
  /// as in the reference.
  static func lastBoxed(in text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? { Boxes.single(in: text)?.content }

  /// What the last closed `<answer>…</answer>` holds.
  static func lastTagged(in text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? { tag(in: text)?.content }

  /// The contents of the last answer tags, or else boxes, between which nothing stands but marks, "and" and "or".
  ///
  /// A box within a tag counts for the tag. Nil where there is neither.
  static func places(in text: ArraySlice<UInt8>) -> [ArraySlice<UInt8>]? {
    tags(in: text)?.map { lastBoxed(in: $0) ?? $0 } ?? boxes(in: text)
  }

  /// The contents of the last boxes.
  static func boxes(in text: ArraySlice<UInt8>) -> [ArraySlice<UInt8>]? { contents(of: Boxes.last(in: text)) }

  /// The contents of the last answer tags.
  static func tags(in text: ArraySlice<UInt8>) -> [ArraySlice<UInt8>]? {
    contents(of: Boxes.sideBySide(in: text, tag))
  }

  private static func tag(in text: ArraySlice<UInt8>) -> Boxes.Box? { Tags.lastPair("answer", in: text) }

  private static func contents(of places: [Boxes.Box]) -> [ArraySlice<UInt8>]? {
    places.isEmpty ? nil : places.map(\.content)
  }

  /// What the option means, after what it is for.
  static let help =
    "automatic (box, then answer tag, then \"answer is\", then all of it), boxed, answer-tag, last-line or none (all of it)"

  /// What the extraction looks for.
  var soughtAnswer: [SoughtAnswer] { soughtAnswer(of: "text") }

  /// What a reward looks for that needs something in the part.
  ///
  /// - Parameter content: What it needs there, such as `number`.
  func soughtAnswer(of content: String) -> [SoughtAnswer] {
    let what =
      switch self {
      case .boxed: #"\boxed{…}"#
      case .answerTag: "<answer>…</answer>"
      case .automatic, .none, .lastLine: content
      }
    return [SoughtAnswer("\(what); 'extract' is \(rawValue)")]
  }
}
