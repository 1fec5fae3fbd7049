// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

/// verl's dumps of rollouts and validation samples (`trainer.rollout_data_dir`, `validation_data_dir`).
///
/// One rollout per line: `input` ↔ `prompt` (rendered text), `output` ↔ `response`, `gts` ↔ `answer`, `score` ↔
/// `reward`, `step`; the other numbers are the reward function's extra values and become `rewards` (except
/// `num_turns`). `uid` identifies the group. Newer versions write `QUERY_SAMPLE_OUTPUT` there, with QUERY the group;
/// the whole is kept as `uid`. Without a `uid`, rows of one file and step with the same input form a group.
///
/// EasyR1 writes no such file; forks of it that do use these keys.
///
/// Source: verl 0.9.1, `verl/trainer/ppo/ray_trainer.py` (`_write_generations`) and
/// `verl/trainer/ppo/v1/trainer_base.py` (`_log_rollout_data`; the key's form: `v1/replay_buffer.py`).
public struct VerlFormat: RowFormat {
  /// `verl`.
  public let name = "verl"
  /// The summary that `convert` shows.
  public let summary = "verl's dumps of rollouts, a line each"

  /// The format.
  public init() {}

  private static let notRewards: Set<String> = ["uid", "num_turns", "__num_turns__", "request_id"]

  var unknownKeys: UnknownKeys { .pass(except: ["input", "output", "gts", "score"]) }

  /// `likely` when every line has `input`, `output` and either of `score` and `gts`.
  public func likeness(of sample: [JSONValue]) -> FormatLikeness {
    likeness(of: sample, needs: ["input", "output"]) { $0["score"] != nil || $0["gts"] != nil }
  }

  func read(_ row: inout PeerRow, into record: inout RecordBuilder, options: ImportOptions) throws
    -> GroupIdentity
  {
    for key in ["input", "output"] where !row.has(key) { throw row.missing(key, in: name) }
    let input = row.take("input")
    try record.setPrompt(input, key: "input", row: row, options: options)
    record.set(.response, try row.takeString("output"))
    record.set(.answer, row.take("gts"))
    record.set(.reward, try row.takeNumber("score"))
    record.set(.step, try row.takeInteger("step"))
    record.addParts(row.takeParts(except: Self.notRewards))
    guard let value = row.peek("uid"), value != .null else {
      _ = row.take("uid")
      return .samePrompt(input, step: record.step)
    }
    guard let uid = value.scalarText, !uid.isEmpty else { throw row.wrongKind("uid", value, "a string") }
    let group = Self.group(ofUID: uid)
    if group == uid { _ = row.take("uid") }
    return .named(group)
  }

  /// The part before `_SAMPLE_OUTPUT`, or the whole.
  static func group(ofUID uid: String) -> String {
    let bytes = Array(uid.utf8)
    var end = bytes.count
    for _ in 0..<2 {
      var start = end
      while start > 0, (0x30...0x39).contains(bytes[start - 1]) { start -= 1 }
      guard start < end, start > 1, bytes[start - 1] == UInt8(ascii: "_") else { return uid }
      end = start - 1
    }
    return String(decoding: bytes[..<end], as: UTF8.self)
  }

  func write(_ record: inout OutgoingRecord) throws {
    record.write("input", record.takePromptText())
    record.write("output", record.take(.response) ?? .null)
    record.write("gts", record.take(.answer) ?? .null)
    record.write("score", record.take(.reward) ?? .null)
    record.write("step", record.take(.step) ?? .null)
    let group = record.takeIdentity()
    let uid = record.take("uid")
    let keepsGroup = uid?.scalarText.map { Self.group(ofUID: $0) == group } ?? false
    if uid != nil, !keepsGroup { record.lose("uid", "it names another group than the record is in") }
    record.write("uid", keepsGroup ? uid ?? .string(group) : .string(group))
    record.writeParts(record.takeParts())
  }
}
