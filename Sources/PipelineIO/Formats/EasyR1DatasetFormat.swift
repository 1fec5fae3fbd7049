// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// The rows of a data set for EasyR1: prompts without rollouts.
///
/// One question per line: `problem` (or another of ``ImportOptions/promptColumns``) ↔ the only message, from the user,
/// with the images of `images` where the text has `<image>`; `answer`; `id`, if there is one, is the group. Other
/// columns pass through. As a target it takes one line of each group: responses and everything about them are lost.
///
/// Source: EasyR1, `verl/utils/dataset.py` (`RLHFDataset`), `verl/trainer/config.py` (`DataConfig`), 2025.
package struct EasyR1DatasetFormat: RowFormat {
  /// `easyr1-dataset`.
  package let name = "easyr1-dataset"
  /// The summary that `convert` shows.
  package let summary = "Data sets for EasyR1: a question with images and its answer, a line each"

  /// The format.
  package init() {}

  var unknownKeys: UnknownKeys { .pass(except: ["problem", "images", "answer", "id"]) }

  /// `likely` when every line has texts `problem` and `answer`; `possible` with `prompt` or `question`.
  package func likeness(of sample: [JSONValue]) -> FormatLikeness {
    guard sample.allSatisfy({ Self.isQuestion($0) }) else { return .no }
    return likeness(of: sample, needs: []) { $0["problem"]?.stringValue != nil }
  }

  private static func isQuestion(_ line: JSONValue) -> Bool {
    let options = ImportOptions()
    return options.promptColumns.contains { line[$0]?.stringValue != nil }
      && options.answerColumns.contains { line[$0] != nil }
      && !["completion", "response", "responses", "output", "group"].contains { line[$0] != nil }
  }

  func read(_ row: inout PeerRow, into record: inout RecordBuilder, options: ImportOptions) throws
    -> GroupIdentity
  {
    guard let column = options.promptColumns.first(where: row.has) else {
      throw row.missing(options.promptColumns.first ?? "problem", in: name)
    }
    guard let text = try row.takeString(column) else { throw row.wrongKind(column, .null, "a string") }
    record.set(.prompt, [ChatMessages.message(role: "user", text)])
    try RowMedia.take(from: &row, into: &record)
    try RowMedia.checkMarks(of: record, row: row)
    record.set(.answer, row.take(firstOf: options.answerColumns))
    guard let id = row.peek("id")?.scalarText else { return .ownRow }
    _ = row.take("id")
    return .named(id)
  }

  func write(_ record: inout OutgoingRecord) throws {
    let group = record.takeIdentity()
    var messages = record.peek(.prompt)?.arrayValue ?? []
    if let text = record.take(.prompt), text.stringValue != nil {
      messages = [ChatMessages.message(role: "user", text)]
    }
    let (plain, images, omissions) = PromptImages.extract(messages)
    record.lose("prompt.content", "a data set's prompt is text and images with an address", count: omissions)
    let question = plain.last { $0["role"] == "user" }
    record.lose(
      "prompt", "EasyR1 asks with one user's message: other messages have no place",
      count: plain.count - (question == nil ? 0 : 1))
    record.write("id", .string(group))
    record.write("problem", question?["content"] ?? .null)
    record.write("answer", record.take(.answer) ?? .null)
    let named = record.take(.images)
    if !images.isEmpty || named == [] { record.write("images", .array(images)) }
  }

  /// Writes one line for each group, at its first appearance.
  package func makeExporter() -> any RolloutExporter { PromptExporter(format: self) }
}

/// Writes the first record of each group; for the others it only counts what is lost.
///
/// A record without a prompt gives no row, which is also a loss.
struct PromptExporter<Format: RowFormat>: RolloutExporter {
  private var rows: RowExporter<Format>
  private var seen: Set<String> = []

  init(format: Format) { rows = RowExporter(format: format) }

  mutating func lines(for record: JSONValue) throws -> [JSONValue] {
    let lines = try rows.lines(for: record)
    switch lines.first.map({ $0["problem"] ?? $0["prompt"] ?? .null }) {
    case .null?, .array([])?:
      rows.lose("prompt", "a data set's row needs a question, and the record has none")
      return []
    default: break
    }
    return seen.insert(record["group"]?.scalarText ?? "").inserted ? lines : []
  }

  mutating func finish() -> [JSONValue] { [] }

  var losses: [ConversionLoss] { rows.losses }
}
