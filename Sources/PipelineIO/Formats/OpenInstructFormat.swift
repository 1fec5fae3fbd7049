// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// open-instruct's saved rollouts (`--save_traces`, `--rollouts_save_path`).
///
/// One rollout per line: `step`, `prompt_idx` and `sample_idx` (the step and the prompt's index form the group; both
/// indices are kept), `prompt_tokens`, `response_tokens` ↔ `tokens`, `logprobs`, `reward`, `advantage`, `finish_reason`
/// ↔ `finish`; `ground_truth` ↔ `answer` if it is text or a number (token ids stay as `ground_truth`). Lines of
/// filtered rollouts also have text: `raw_prompt` ↔ `prompt`, `decoded_response` ↔ `response`, `model_step` ↔
/// `policy_version`. `dataset`, `request_info`, `filter_reason`, … pass through.
///
/// Source: open-instruct, its rollout-saving module (`RolloutRecord`, `FilteredRolloutRecord`), 2025.
package struct OpenInstructFormat: RowFormat {
  /// `open-instruct`.
  package let name = "open-instruct"
  /// The summary that `convert` shows.
  package let summary = "open-instruct's saved rollouts, as token ids"

  /// The format.
  package init() {}

  var unknownKeys: UnknownKeys {
    .pass(except: [
      "step", "prompt_tokens", "response_tokens", "logprobs", "reward", "advantage", "finish_reason",
      "raw_prompt",
      "decoded_response", "model_step",
    ])
  }

  /// `likely` when every line has `prompt_tokens`, `response_tokens` and `prompt_idx`.
  package func likeness(of sample: [JSONValue]) -> FormatLikeness {
    likeness(of: sample, needs: ["prompt_tokens", "response_tokens"]) { $0["prompt_idx"] != nil }
  }

  func read(_ row: inout PeerRow, into record: inout RecordBuilder, options: ImportOptions) throws
    -> GroupIdentity
  {
    for key in ["prompt_tokens", "response_tokens"] where !row.has(key) { throw row.missing(key, in: name) }
    record.set(.step, try row.takeInteger("step"))
    let promptTokens = try takeIDs("prompt_tokens", &row)
    record.set(.promptTokens, promptTokens)
    record.set(.tokens, try takeIDs("response_tokens", &row))
    record.set(.logprobs, try row.takeArray("logprobs"))
    record.set(.reward, try row.passNumber("reward"))
    record.set(.advantage, try row.passNumber("advantage"))
    record.set(.finish, try row.passString("finish_reason"))
    try record.setPrompt(row.take("raw_prompt"), key: "raw_prompt", row: row, options: options)
    record.set(.response, try row.passString("decoded_response"))
    record.set(.policyVersion, try row.takeInteger("model_step"))
    if row.peek("ground_truth")?.scalarText != nil { record.set(.answer, row.pass("ground_truth")) }
    guard let prompt = row.peek("prompt_idx"), prompt != .null else {
      return .samePrompt(promptTokens.map { Cell($0) }, step: record.step)
    }
    guard let index = prompt.intValue else { throw row.wrongKind("prompt_idx", prompt, "an integer") }
    return .named(record.step.map { "\($0)-\(index)" } ?? String(index))
  }

  private func takeIDs(_ key: String, _ row: inout PeerRow) throws -> JSONValue? {
    guard let ids = try row.takeArray(key) else { return nil }
    guard ids.arrayValue?.allSatisfy({ $0.intValue != nil }) == true else {
      throw row.fault(key, "must be a list of token ids")
    }
    return ids
  }

  func write(_ record: inout OutgoingRecord) throws {
    record.write("step", record.take(.step) ?? .null)
    if record.takeIdentity() != "", !record.row.has("prompt_idx") {
      record.lose(
        "group", "open-instruct numbers prompts: the next import groups rows of a step by their tokens")
    }
    for (key, field) in [("prompt_tokens", Field.promptTokens), ("response_tokens", .tokens)] {
      if !record.has(field) {
        record.lose("\(field)", "open-instruct needs token ids and the record has none")
      }
      record.write(key, record.take(field) ?? [])
    }
    record.write("reward", record.take(.reward) ?? .null)
    record.write("advantage", record.take(.advantage) ?? .null)
    record.write("finish_reason", record.take(.finish) ?? .null)
    if let answer = record.take(.answer) {
      if !record.write("ground_truth", answer) {
        record.lose("answer", "the record has a 'ground_truth' too")
      }
    }
    record.writeIfAny("logprobs", record.take(.logprobs))
    if record.has(.prompt) { record.write("raw_prompt", record.takePromptText()) }
    record.writeIfAny("decoded_response", record.take(.response))
    record.writeIfAny("model_step", record.take(.policyVersion))
    for part in record.takeParts() {
      record.lose("rewards.\(part.key)", "open-instruct keeps the total only")
    }
  }
}
