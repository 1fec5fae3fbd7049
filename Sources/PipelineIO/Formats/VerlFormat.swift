// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// verl's dumps of rollouts and validation samples (`trainer.rollout_data_dir`, `validation_data_dir`).
///
/// A line a rollout: `input` ↔ `prompt` (rendered text), `output` ↔ `response`, `gts` ↔ `answer`,
/// `score` ↔ `reward`, `step`; the other numbers are the reward function's extra values and become
/// `rewards` (`num_turns` excepted). `uid` names the group. Newer versions write `QUERY_SESSION_OUTPUT` there, with QUERY
/// the group and `QUERY_SESSION` the session, of which a rollout may be one of several outputs (``Field/session``); other
/// writers have `QUERY_SAMPLE`. The whole stays as `uid`. Without a `uid`, rows of one file and step with the same input, answer and
/// images are a group.
///
/// EasyR1 writes no such file; forks of it that do use these keys.
///
/// Source: verl 0.9.1, `verl/trainer/ppo/ray_trainer.py` (`_write_generations`) and
/// `verl/trainer/ppo/v1/trainer_base.py` (`_log_rollout_data`; the key's form: `v1/replay_buffer.py`).
package struct VerlFormat: RowFormat {
  /// `verl`.
  package let name = "verl"
  /// The summary that `convert` shows.
  package let summary = "verl's dumps of rollouts, a line each"

  /// What the numbers at the end of a `uid` say.
  private enum UIDForm {
    /// `QUERY_SESSION_OUTPUT`: the query, which of its sessions, and which output of that.
    case sessions
    /// `QUERY_SAMPLE`: a number before that belongs to the query.
    case samples
  }

  private var form = UIDForm.sessions

  /// The format.
  package init() {}

  private static let notRewards: Set<String> = ["uid", "num_turns", "__num_turns__", "request_id"]

  var unknownKeys: UnknownKeys { .pass(except: ["input", "output", "gts", "score"]) }

  /// `likely` when every line has `input`, `output` and either of `score` and `gts`.
  package func likeness(of sample: [JSONValue]) -> FormatLikeness {
    likeness(of: sample, needs: ["input", "output"]) { $0["score"] != nil || $0["gts"] != nil }
  }

  func read(_ row: inout PeerRow, into record: inout RecordBuilder, options: ImportOptions) throws
    -> GroupIdentity
  {
    for key in ["input", "output"] where !row.has(key) { throw row.missing(key, in: name) }
    let input = row.pass("input")
    try record.setPrompt(input, key: "input", row: row, options: options)
    record.set(.response, try row.passString("output"))
    record.set(.answer, row.pass("gts"))
    record.set(.reward, try row.passNumber("score"))
    record.set(.step, try row.takeInteger("step"))
    record.addParts(row.takeParts(except: Self.notRewards))
    guard let value = row.peek("uid"), value != .null else {
      _ = row.take("uid")
      return .samePrompt(input, step: record.step)
    }
    guard let uid = value.scalarText, !uid.isEmpty else { throw row.wrongKind("uid", value, "a string") }
    guard let numbered = NumberedUID(uid) else {
      _ = row.take("uid")
      return .named(uid)
    }
    if form == .samples { return .named(numbered.query + "_" + numbered.session) }
    record.set(
      .session, ["id": .string(numbered.query + "_" + numbered.session), "output": .number(Int(numbered.output) ?? 0)])
    return .named(numbered.query)
  }

  /// Finds out what the numbers of uids mean: where rows agree in all but the last two numbers and ask different questions,
  /// the number before the last belongs to the query; so it does where it does not count sessions from 0.
  func adapted(to sample: [JSONValue]) -> VerlFormat {
    var adapted = self
    var questions: [String: JSONValue] = [:]
    var counts: [String: (from: Int, sessions: Set<String>)] = [:]
    for row in sample {
      guard let uid = row["uid"]?.scalarText, let numbered = NumberedUID(uid) else { continue }
      let question: JSONValue = [row["input"] ?? .null, row["gts"] ?? .null]
      if let known = questions[numbered.query], known != question {
        adapted.form = .samples
        return adapted
      }
      questions[numbered.query] = question
      let session = Int(numbered.session) ?? .max
      var count = counts[numbered.query] ?? (session, [])
      count.from = min(count.from, session)
      count.sessions.insert(numbered.session)
      counts[numbered.query] = count
    }
    if !counts.isEmpty, counts.values.allSatisfy({ $0.from > 0 && $0.sessions.count == 1 }) { adapted.form = .samples }
    return adapted
  }

  /// A uid that ends in two numbers.
  struct NumberedUID {
    let query: String
    let session: String
    let output: String

    init?(_ uid: String) {
      let bytes = uid.utf8
      guard let output = Self.number(before: bytes.endIndex, in: bytes),
        let session = Self.number(before: bytes.index(before: output.lowerBound), in: bytes)
      else { return nil }
      query = String(uid[..<bytes.index(before: session.lowerBound)])
      self.session = String(uid[session])
      self.output = String(uid[output])
      if query.isEmpty { return nil }
    }

    /// The digits that end at an index, if an underscore stands before them.
    private static func number(before end: String.Index, in bytes: String.UTF8View) -> Range<String.Index>? {
      let digits = bytes[..<end].reversed().prefix { (0x30...0x39).contains($0) }.count
      let start = bytes.index(end, offsetBy: -digits)
      guard digits > 0, start > bytes.startIndex, bytes[bytes.index(before: start)] == UInt8(ascii: "_") else {
        return nil
      }
      return start..<end
    }
  }

  func write(_ record: inout OutgoingRecord) throws {
    record.write("input", record.takePromptText())
    record.write("output", record.take(.response) ?? .null)
    record.write("gts", record.take(.answer) ?? .null)
    record.write("score", record.take(.reward) ?? .null)
    record.write("step", record.take(.step) ?? .null)
    let group = record.takeIdentity()
    let uid = record.take("uid")
    _ = record.take(.session)
    let keepsGroup =
      uid?.scalarText.map { text in
        NumberedUID(text).map { $0.query == group || $0.query + "_" + $0.session == group } ?? (text == group)
      } ?? false
    if uid != nil, !keepsGroup { record.lose("uid", "it names another group than the record is in") }
    record.write("uid", keepsGroup ? uid ?? .string(group) : .string(group))
    record.writeParts(record.takeParts())
  }
}
