// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Which part of a response is its answer.
public enum AnswerExtraction: String, Codable, Sendable, CaseIterable {
  /// The whole response.
  case none
  /// What the last `\boxed{…}` holds.
  case boxed
  /// What the last `<answer>…</answer>` holds.
  case answerTag = "answer-tag"
  /// The last line that is not blank.
  case lastLine = "last-line"

  /// The answer part of a response without space around it, or nil when there is none.
  func answer(in response: String) -> ArraySlice<UInt8>? {
    let text = Array(response.utf8)[...]
    switch self {
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
  static func lastBoxed(in text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard let start = text.last("\\boxed{").map({ $0 + 7 }) else { return nil }
    var depth = 0
    var position = start
    while position < text.endIndex {
      switch text[position] {
      case UInt8(ascii: "\\"): position += 1
      case UInt8(ascii: "{"): depth += 1
      case UInt8(ascii: "}"):
        if depth == 0 { return text[start..<position].trimmed }
        depth -= 1
      default: break
      }
      position += 1
    }
    return nil
  }

  /// What the last closed `<answer>…</answer>` holds.
  static func lastTagged(in text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard let end = text.last("</answer>"), let start = text[..<end].last("<answer>") else { return nil }
    return text[(start + 8)..<end].trimmed
  }
}
