// SPDX-License-Identifier: Apache-2.0
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
      return Self.lastBoxed(in: text) ?? Self.lastTagged(in: text) ?? AnswerCue.answer(in: text) ?? text.trimmed
    case .none: return text.trimmed
    case .boxed: return Self.lastBoxed(in: text)
    case .answerTag: return Self.lastTagged(in: text)
    case .lastLine:
      let end = text.trimmed
      let start = end.lastIndex { $0 == 0x0A || $0 == 0x0D }.map { $0 + 1 } ?? end.startIndex
      return end.isEmpty ? nil : end[start...].trimmed
    }
  }

  /// What the last `\boxed{…}` holds, up to the brace that closes it; nil when there is none or it stays open.
  ///
  /// `\{` and `\}` are characters of the answer, not braces. Of boxes in boxes the innermost last one counts,
  /// as in the reference.
  static func lastBoxed(in text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? { lastBox(in: text)?.content }

  /// What the last closed `<answer>…</answer>` holds.
  static func lastTagged(in text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? { Tag.lastPair("answer", in: text)?.content }

  /// The contents of the last answer tags, or else boxes, between which nothing stands but marks, "and" and "or".
  ///
  /// A box within a tag counts for the tag. Nil where there is neither.
  static func places(in text: ArraySlice<UInt8>) -> [ArraySlice<UInt8>]? {
    tags(in: text)?.map { lastBoxed(in: $0) ?? $0 } ?? boxes(in: text)
  }

  /// The contents of the last boxes.
  static func boxes(in text: ArraySlice<UInt8>) -> [ArraySlice<UInt8>]? { run(in: text, Self.lastBox) }

  /// The contents of the last answer tags.
  static func tags(in text: ArraySlice<UInt8>) -> [ArraySlice<UInt8>]? {
    run(in: text) { Tag.lastPair("answer", in: $0) }
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

  private typealias Place = (content: ArraySlice<UInt8>, range: Range<Int>)

  private static func run(
    in text: ArraySlice<UInt8>, _ last: (ArraySlice<UInt8>) -> Place?
  ) -> [ArraySlice<UInt8>]? {
    guard let place = last(text) else { return nil }
    var contents = [place.content]
    var start = place.range.lowerBound
    while contents.count < 16, let before = last(text[..<start]), isConnective(text[before.range.upperBound..<start]) {
      contents.append(before.content)
      start = before.range.lowerBound
    }
    return contents.reversed()
  }

  private static func lastBox(in text: ArraySlice<UInt8>) -> Place? {
    guard var start = text.last("\\boxed") else { return nil }
    var open = text.skippingSpace(from: start + 6)
    while !text.holds("{", at: open) {
      guard let before = text[..<start].last("\\boxed") else { return nil }
      start = before
      open = text.skippingSpace(from: start + 6)
    }
    var depth = 0
    var position = open + 1
    while position < text.endIndex {
      switch text[position] {
      case UInt8(ascii: "\\"): position += 1
      case UInt8(ascii: "{"): depth += 1
      case UInt8(ascii: "}"):
        if depth == 0 { return (text[(open + 1)..<position].trimmed, start..<position + 1) }
        depth -= 1
      default: break
      }
      position += 1
    }
    return nil
  }

  private static func isConnective(_ text: ArraySlice<UInt8>) -> Bool {
    guard text.count <= 40 else { return false }
    let words = text.split { !$0.isWord }
    return words.allSatisfy { word in ["and", "or", "和", "或"].contains { word.elementsEqual($0.utf8) } }
      && !text.contains { ".=+-/".utf8.contains($0) }
  }
}
