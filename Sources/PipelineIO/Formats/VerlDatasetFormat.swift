// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// The rows of a data set for verl: prompts without rollouts.
///
/// One question per line: `prompt` (messages whose text has `<image>` where `images` go), `reward_model.ground_truth` ↔
/// `answer` (the rest of `reward_model` is kept, unless it is verl's usual `style`); `data_source`, `ability` and
/// `extra_info` pass through. The group consists of `data_source`, `extra_info.split` and `extra_info.index` if there
/// is an index; otherwise each line is one. As a target it takes one line of each group: responses and everything about
/// them are lost.
///
/// Source: verl 0.9.1, `verl/utils/dataset/rl_dataset.py` (`_build_messages`), and verl's documentation,
/// "Prepare Data for Post-Training".
package struct VerlDatasetFormat: RowFormat {
  /// `verl-dataset`.
  package let name = "verl-dataset"
  /// The summary that `convert` shows.
  package let summary = "Data sets for verl: messages with images and a ground truth, a line each"

  /// The format.
  package init() {}

  private static let defaultModel: [JSONValue.Member] = [.init("style", "rule")]

  var unknownKeys: UnknownKeys { .pass(except: ["prompt", "images", "reward_model"]) }

  /// `likely` when every line has messages as `prompt` and an object `reward_model`.
  package func likeness(of sample: [JSONValue]) -> FormatLikeness {
    if sample.contains(where: { $0["completion"] != nil || $0["group"] != nil }) { return .no }
    return likeness(of: sample, needs: ["prompt", "reward_model"]) {
      $0["prompt"]?.arrayValue != nil && $0["reward_model"]?.objectValue != nil
    }
  }

  func read(_ row: inout PeerRow, into record: inout RecordBuilder, options: ImportOptions) throws
    -> GroupIdentity
  {
    guard let prompt = row.take("prompt") else { throw row.missing("prompt", in: name) }
    record.set(.prompt, try ChatMessages.imported(prompt, key: "prompt", row: row))
    try RowMedia.take(from: &row, into: &record)
    try RowMedia.checkMarks(of: record, row: row)
    if let model = try row.takeObject("reward_model") {
      let truth = model.first { $0.key == "ground_truth" }?.value
      if truth != .null { record.set(.answer, truth) }
      let others = model.filter { $0.key != "ground_truth" }
      if !others.isEmpty, others != Self.defaultModel { record.adopt(.init("reward_model", .object(others))) }
    }
    guard let index = row.value(at: "extra_info.index")?.scalarText else { return .ownRow }
    let source = ["data_source", "extra_info.split"].compactMap { row.value(at: $0)?.scalarText }
    return .named((source + [index]).joined(separator: "-"))
  }

  func write(_ record: inout OutgoingRecord) throws {
    record.writeIfAny("data_source", record.take("data_source"))
    var messages = record.peek(.prompt)?.arrayValue ?? []
    if let text = record.take(.prompt), text.stringValue != nil {
      messages = [ChatMessages.message(role: "user", text)]
    }
    let (plain, images, omissions) = PromptImages.extract(messages, sizes: .kept)
    record.lose("prompt.content", "a data set's prompt is text and images with an address", count: omissions)
    record.write("prompt", .array(plain))
    let named = record.take(.images)
    if !images.isEmpty || named == [] { record.write("images", .array(images)) }
    let model = try record.takeObject("reward_model") ?? Self.defaultModel
    record.write("reward_model", .object(model + [.init("ground_truth", record.take(.answer) ?? .null)]))
    if record.takeIdentity() != "", record.row.peek("extra_info")?["index"] == nil {
      record.lose("group", "verl's data sets have no groups: the next import numbers the lines")
    }
  }

  /// Writes one line for each group, at its first appearance.
  package func makeExporter() -> any RolloutExporter { PromptExporter(format: self) }
}
