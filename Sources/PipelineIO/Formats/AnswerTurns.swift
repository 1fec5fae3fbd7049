// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Which turns of the assistant in a conversation become responses.
package enum AnswerTurns: String, Codable, Sendable, Hashable, CaseIterable {
  /// Those that end the conversation; earlier ones belong to the prompt.
  case last
  /// Every one: a record for each, with all that comes before it as its prompt.
  case every

  private static let columns = ["messages", "conversations"]

  /// The rows of a line: itself, or its conversation up to each answer.
  ///
  /// A turn with `weight` 0, as OpenAI's files for training have it, is no answer to learn from.
  func rows(of line: JSONValue) -> [JSONValue] {
    guard self == .every, let key = Self.columns.first(where: { line[$0]?.arrayValue != nil }),
      let turns = line[key]?.arrayValue
    else { return [line] }
    func isAnswer(_ turn: JSONValue) -> Bool {
      let speaker = turn["role"]?.stringValue ?? turn["from"]?.stringValue.map(ShareGPTFormat.role)
      return speaker == "assistant"
    }
    let ends = turns.indices.filter { index in
      isAnswer(turns[index]) && (index + 1 == turns.count || !isAnswer(turns[index + 1]))
        && turns[index]["weight"]?.doubleValue != 0
    }
    return ends.isEmpty ? [line] : ends.map { Self.cut(line, key, behind: $0) }
  }

  /// A line with the turns up to an answer, and the images whose marks are in them.
  private static func cut(_ line: JSONValue, _ key: String, behind end: Int) -> JSONValue {
    let turns = Array((line[key]?.arrayValue ?? [])[...end])
    let marks = turns.reduce(0) { count, turn in
      let text = turn["value"] != nil && turn["content"] == nil ? turn["value"] : turn["content"]
      return count + PromptImages.markCount(in: .object([.init("content", text ?? .null)]))
    }
    return .object(
      (line.objectValue ?? []).map { member in
        if member.key == key { return .init(key, .array(turns)) }
        guard member.key == "images", marks > 0, let images = member.value.arrayValue else { return member }
        return .init("images", .array(Array(images.prefix(marks))))
      })
  }
}
