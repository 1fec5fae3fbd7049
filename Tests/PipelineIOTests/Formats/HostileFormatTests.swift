// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineIO
import Testing

@Suite("Hostile values in peers' files", .timeLimit(.minutes(15)))
struct HostileFormatTests {
  private static let values: [JSONValue] = [
    .null, true, 1, .number("1e999"), .number("-0"), "text", "", [], [[]], [.null], [1, "a"], [["role": 1]],
    [["role": "user", "content": 3]], [["role": "user", "content": [3]]],
    [["role": "user", "content": [["type": "image_url"]]]], [:], ["a": ["b": .null]],
  ]

  @Test(
    "any value under any key is read or refused with a place, never a crash", arguments: FormatSupport.names)
  func anyValue(format: String) throws {
    for line in try FormatSupport.fixture(format) {
      let members = try #require(line.objectValue)
      for position in members.indices {
        for value in Self.values + [nested(300)] {
          var changed = members
          changed[position].value = value
          try check(.object(changed), format)
        }
        var shorter = members
        shorter.remove(at: position)
        try check(.object(shorter), format)
      }
    }
  }

  @Test(
    "a record of ours with any value under any key converts or is refused", arguments: FormatSupport.names)
  func anyRecord(format: String) throws {
    let record = try FormatSupport.fixture("shuffle-r1")[0]
    let members = try #require(record.objectValue)
    for position in members.indices {
      for value in Self.values + [nested(300)] {
        var changed = members
        changed[position].value = value
        let message = FormatSupport.message { _ = try FormatSupport.exported([.object(changed)], to: format) }
        #expect(message?.hasPrefix("another") != true)
      }
    }
  }

  @Test("lines that are no objects, and keys that occur twice", arguments: FormatSupport.names)
  func noObject(format: String) {
    for value in Self.values where value.objectValue == nil {
      let message = FormatSupport.message { _ = try FormatSupport.imported([value], as: format) }
      #expect(message == "in.jsonl:1:1: the line is \(value.kindDescription), it must be an object")
    }
    let twice = JSONValue.object([.init("a", 1), .init("a", 2)])
    #expect(
      FormatSupport.message { _ = try FormatSupport.imported([twice], as: format) }
        == "in.jsonl:1:1: the key 'a' occurs twice")
  }

  @Test(
    "the key is named",
    arguments: [
      ("verl", #"{"output":"a"}"#, "'input' is missing, every line of verl has it"),
      ("verl", #"{"input":"a","output":3}"#, "'output' is a number, it must be a string"),
      ("verl", #"{"input":"a","output":"b","score":"one"}"#, "'score' is a string, it must be a number"),
      ("verl", #"{"input":"a","output":"b","score":1e400}"#, "'score' is too large for a 64-bit number"),
      ("verl", #"{"input":"a","output":"b","uid":""}"#, "'uid' is empty, it must be a string"),
      (
        "openai-chat", #"{"messages":{"role":"user","content":[{"type":"text","text":"hi"}]}}"#,
        "'messages' is one message, it must be a list of messages; put it in brackets"
      ),
      ("verl", #"{"input":"a","output":"b","step":1.5}"#, "'step' is a number, it must be an integer"),
      ("verl", #"{"input":"a","output":"b","uid":[]}"#, "'uid' is an array, it must be a string"),
      ("trl", #"{"prompt":"a"}"#, "'completion' is missing, every line of trl has it"),
      (
        "trl", #"{"prompt":{},"completion":"x"}"#,
        "'prompt' is an object, it must be a string or a list of messages"
      ),
      (
        "trl", #"{"prompt":[{"role":"user","content":1}],"completion":"x"}"#,
        "'prompt.0.content' is a number, it must be a string, a list of parts or null"
      ),
      ("trl", #"{"prompt":"a","completion":[{"content":"x"}]}"#, "'completion.0.role' must be a string"),
      ("ms-swift", #"{"prompt":["a"]}"#, "'completion' is missing, every line of ms-swift has it"),
      ("roll", #"{"responses":"a"}"#, "'responses' is a string, it must be a list"),
      (
        "roll", #"{"responses":["a"],"messages":["{"]}"#,
        "'messages' must be a list of messages, or one as a string of JSON"
      ),
      (
        "verifiers", #"{"prompt":"a","completion":"b","metrics":{"m":"x"}}"#,
        "'metrics.m' is a string, it must be a number"
      ),
      (
        "open-instruct", #"{"prompt_tokens":["a"],"response_tokens":[]}"#,
        "'prompt_tokens' must be a list of token ids"
      ),
      (
        "openai-chat", #"{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}"#,
        "'messages.0.content.0.image_url' must be an address or hold one as 'url'"
      ),
      (
        "openai-chat", #"{"messages":[],"choices":[{}]}"#,
        "'message' is missing, every line of 'choices' has it"
      ),
      ("shuffle-r1", #"{"id":"a"}"#, "'group' is missing, every line of shuffle-r1 has it"),
    ])
  func namesKey(format: String, line: String, message: String) {
    #expect(
      FormatSupport.message { _ = try FormatSupport.imported(line, as: format) } == "in.jsonl:1:1: \(message)"
    )
  }

  @Test("200,000 keys in a line and 20,000 rows take linear time")
  func large() throws {
    let wide = JSONValue.object(
      [.init("input", "a"), .init("output", "b")] + (0..<200_000).map { .init("k\($0)", .number($0)) })
    #expect(
      try FormatSupport.imported([wide], as: "verl").records[0]["rewards"]?.objectValue?.count == 200_000)
    let rows = (0..<20_000).map { index in
      JSONValue.object([.init("input", .string("q\(index / 8)")), .init("output", "b"), .init("step", 1)])
    }
    #expect(try FormatSupport.imported(rows, as: "verl").summary.groupSizes.description == "2500 groups of 8")
  }

  private func check(_ line: JSONValue, _ format: String) throws {
    let message = FormatSupport.message {
      let records = try FormatSupport.imported([line], as: format).records
      for target in FormatSupport.names { _ = try? FormatSupport.exported(records, to: target) }
    }
    if let message { #expect(message.hasPrefix("in.jsonl:1:1: '"), "\(message)") }
  }

  private func nested(_ depth: Int) -> JSONValue {
    (0..<depth).reduce(JSONValue.array([])) { value, _ in [value] }
  }
}
