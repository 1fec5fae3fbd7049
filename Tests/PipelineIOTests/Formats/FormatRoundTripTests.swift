// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineIO
import Testing

@Suite("Every format, there and back", .timeLimit(.minutes(15)))
struct FormatRoundTripTests {
  @Test("import, export, import gives the same records", arguments: FormatSupport.names)
  func roundTrip(format: String) throws {
    let first = try FormatSupport.imported(FormatSupport.fixture(format), as: format)
    #expect(!first.records.isEmpty)
    let back = try FormatSupport.exported(first.records, to: format)
    let second = try FormatSupport.imported(back.lines, as: format)
    #expect(second.records.count == first.records.count)
    for (a, b) in zip(first.records, second.records) where a != b {
      if format == "openai-chat" || sorted(a) == sorted(b) && ["roll", "ms-swift"].contains(format) {
        continue
      }
      Issue.record("\(a.json)\nbecame\n\(b.json)")
    }
    #expect(second.summary.groupSizes == first.summary.groupSizes)
  }

  /// A table's columns have one order for all rows.
  private func sorted(_ record: JSONValue) -> JSONValue {
    .object((record.objectValue ?? []).sorted { $0.key < $1.key })
  }

  @Test(
    "OpenAI's chat format gives back messages, prompt and response, but no finish and no log-probabilities")
  func openAI() throws {
    let first = try FormatSupport.imported(FormatSupport.fixture("openai-chat"), as: "openai-chat")
    let back = try FormatSupport.exported(first.records, to: "openai-chat")
    let second = try FormatSupport.imported(back.lines, as: "openai-chat")
    for (a, b) in zip(first.records, second.records) {
      for key in ["id", "group", "prompt", "response", "completion", "tools"] { #expect(a[key] == b[key]) }
    }
    #expect(
      back.losses == [
        ConversionLoss(
          "group", 5, "OpenAI's format has no groups: the next import groups lines by their prompt"),
        ConversionLoss("finish", 2, "openai-chat has no place for it"),
        ConversionLoss("extra.logprobs", 1, "openai-chat has no place for it"),
      ])
  }

  @Test(
    "what a format holds comes back without a loss",
    arguments: [
      "shuffle-r1", "verl", "roll", "open-instruct", "trinity", "verifiers", "easyr1-dataset", "verl-dataset",
    ])
  func noLosses(format: String) throws {
    let first = try FormatSupport.imported(FormatSupport.fixture(format), as: format)
    let losses = try FormatSupport.exported(first.records, to: format).losses
    // A data set's row without an index is numbered anew.
    let expected =
      format == "verl-dataset"
      ? [ConversionLoss("group", 1, "verl's data sets have no groups: the next import numbers the lines")]
      : []
    #expect(losses == expected)
  }

  @Test("every pair of formats converts without an error, and names what it loses")
  func everyPair() throws {
    for source in FormatSupport.names {
      let records = try FormatSupport.imported(FormatSupport.fixture(source), as: source).records
      for target in FormatSupport.names {
        let (lines, losses) = try FormatSupport.exported(records, to: target)
        #expect(!lines.isEmpty || source == "open-instruct", "\(source) → \(target)")
        #expect(losses.allSatisfy { $0.count > 0 && !$0.reason.isEmpty }, "\(source) → \(target)")
        let again = try FormatSupport.imported(lines, as: target)
        let isDataSet = target.hasSuffix("dataset")
        #expect(isDataSet || again.records.count == records.count, "\(source) → \(target)")
        #expect(Set(again.records.map { $0["id"] }).count == again.records.count, "\(source) → \(target)")
      }
    }
  }

  @Test("ids are GROUP/INDEX and unique", arguments: FormatSupport.names.filter { $0 != "shuffle-r1" })
  func ids(format: String) throws {
    let records = try FormatSupport.imported(FormatSupport.fixture(format), as: format).records
    var next: [String: Int] = [:]
    for record in records {
      let group = try #require(record["group"]?.stringValue)
      #expect(record["id"] == .string("\(group)/\(next[group, default: 0])"))
      next[group, default: 0] += 1
    }
  }

  @Test("an import reads the same twice", arguments: FormatSupport.names)
  func stable(format: String) throws {
    let lines = try FormatSupport.fixture(format)
    let first = try FormatSupport.imported(lines, as: format)
    let second = try FormatSupport.imported(lines, as: format)
    #expect(first.records == second.records)
    #expect(first.summary == second.summary)
  }

  @Test("our own record in each target: what is lost, exactly")
  func losses() throws {
    let records = try FormatSupport.fixture("shuffle-r1")
    func losses(_ target: String) throws -> [String] {
      try FormatSupport.exported(records, to: target).losses.map { "\($0.field) \($0.count)" }
    }
    #expect(try losses("shuffle-r1") == [])
    #expect(
      try losses("verl") == [
        "prompt 1", "prompt.image 1", "finish 1", "tokens 1", "logprobs 1", "sampling 1", "reward_status 1",
        "advantage 1", "pair 1", "draws 1", "policy_version 1", "id 1", "extra.input 1",
      ])
    #expect(
      try losses("trl") == [
        "prompt.image 1", "group 2", "finish 1", "tokens 1", "logprobs 1", "sampling 1", "reward_status 1",
        "pair 1",
        "draws 1", "policy_version 1", "id 1",
      ])
    #expect(
      try losses("ms-swift") == [
        "prompt 1", "prompt.image 1", "group 2", "finish 1", "tokens 1", "logprobs 1", "sampling 1",
        "reward_status 1", "pair 1", "draws 1", "policy_version 1", "id 1",
      ])
  }
}
