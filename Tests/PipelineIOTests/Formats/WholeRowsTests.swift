// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineIO
import Testing

@Suite("rows mean what they say", .timeLimit(.minutes(15)))
struct WholeRowsTests {
  private func verl(_ rows: [(input: String, answer: String, uid: String?)]) throws -> FormatSupport.Imported {
    try FormatSupport.imported(
      rows.map { row in
        .object(
          [
            .init("input", .string(row.input)), .init("output", "A"), .init("gts", .string(row.answer)),
            .init("score", .number("1")), .init("step", .number("1")),
          ] + (row.uid.map { [.init("uid", .string($0))] } ?? []))
      }, as: "verl")
  }

  @Test("without a name, the same prompt with another answer is another group")
  func answersTellGroupsApart() throws {
    let imported = try verl([("Q", "1", nil), ("Q", "2", nil), ("Q", "1", nil)])
    #expect(imported.records.map { $0["id"] } == ["1-q0/0", "1-q1/0", "1-q0/1"])
  }

  @Test("a named group that holds two answers or two prompts is told of")
  func contradictoryGroup() throws {
    let note =
      "1 groups, such as 'x', hold several prompts or answers: rollouts are compared that answer different questions; "
      + "name what makes a group with --group-by"
    #expect(try verl([("Q", "1", "x"), ("Q", "2", "x")]).summary.notes.contains(note))
    #expect(try verl([("Q", "1", "x"), ("R", "1", "x")]).summary.notes.contains(note))
    #expect(try verl([("Q", "1", "x"), ("Q", "1", "x")]).summary.notes == [])
  }

  @Test("uids whose last two numbers belong to different questions keep the first of them")
  func numberedQueries() throws {
    let imported = try verl([
      ("Q", "1", "geo_0_0"), ("Q", "1", "geo_0_1"), ("R", "1", "geo_1_0"), ("R", "1", "geo_1_1"),
    ])
    #expect(imported.records.map { $0["group"] } == ["geo_0", "geo_0", "geo_1", "geo_1"])
    #expect(imported.records.allSatisfy { $0["session"] == nil })
  }

  @Test("outputs of verl's sessions know their session")
  func sessions() throws {
    let imported = try verl([("Q", "1", "q7_0_0"), ("Q", "1", "q7_0_1"), ("Q", "1", "q7_1_0")])
    #expect(imported.records.map { $0["group"] } == ["q7", "q7", "q7"])
    #expect(imported.records[1]["session"] == ["id": "q7_0", "output": .number("1")])
    let lines = try FormatSupport.exported(imported.records, to: "verl").lines
    #expect(lines.map { $0["uid"] } == ["q7_0_0", "q7_0_1", "q7_1_0"])
  }

  @Test("earlier turns of a conversation stay in the prompt, tool calls among them")
  func conversation() throws {
    let imported = try FormatSupport.imported(
      #"""
      {"messages":[{"role":"user","content":"Q"},{"role":"assistant","content":"A"},{"role":"user","content":"R"}],"answer":"square"}
      {"messages":[{"role":"user","content":"Q"},{"role":"assistant","content":"A"},{"role":"user","content":"R"},{"role":"assistant","content":"B"}]}
      {"messages":[{"role":"user","content":"Q"},{"role":"assistant","content":null,"tool_calls":[{"id":"c"}]},{"role":"tool","tool_call_id":"c","content":"144"},{"role":"assistant","content":"144"}]}
      """#, as: "openai-chat")
    #expect(imported.records.map { $0["prompt"]?.arrayValue?.count } == [3, 3, 3])
    #expect(imported.records.map { $0["response"] } == [nil, "B", "144"])
    #expect(imported.records[0]["answer"] == "square")
    #expect(imported.records[2]["prompt"]?.arrayValue?[1]["tool_calls"] == [["id": "c"]])
  }

  @Test("what a peer calls answer or response is that")
  func adopted() throws {
    let record = try FormatSupport.imported(
      #"{"input":"Q","output":"A","score":1,"answer":"7","tokens":"x"}"#, as: "verl"
    ).records[0]
    #expect(record["answer"] == "7")
    #expect(record["extra"] == ["tokens": "x"])
  }

  @Test("a score in quotes is a number, and is counted")
  func textNumbers() throws {
    let imported = try FormatSupport.imported(
      #"{"input":"Q","output":"A","gts":"A","score":"0.5","step":1}"#, as: "verl")
    #expect(imported.records[0]["reward"] == .number("0.5"))
    #expect(imported.summary.notes == ["1 numbers were written as text, and are read as numbers"])
    for odd in ["", "half", "0x1", "1 2", "NaN"] {
      let line: JSONValue = ["input": "Q", "output": "A", "score": .string(odd)]
      #expect(
        FormatSupport.message { _ = try FormatSupport.imported([line], as: "verl") }
          == "in.jsonl:1:1: 'score' is \(odd.isEmpty ? "empty" : "a string"), it must be a number")
    }
  }

  @Test("only columns of rewards make the reward, where their names tell")
  func rewardColumns() throws {
    let row =
      #"{"step":1,"prompt":"Q","completion":"A","accuracy_reward":1.0,"level":4,"advantage":0.7}"#
    let record = try FormatSupport.imported(row, as: "trl").records[0]
    #expect(record["reward"] == .number("1.0"))
    #expect(record["rewards"] == ["accuracy_reward": .number("1.0")])
    #expect(record["level"] == .number("4"))
    var options = ImportOptions()
    options.rewardColumns = ["level"]
    options.rewardWeights = ["level": 0.5]
    #expect(try FormatSupport.imported(row, as: "trl", options: options).records[0]["reward"]?.doubleValue == 2)
  }

  @Test("groups in sequence")
  func groupSize() throws {
    var options = ImportOptions()
    options.groupSize = 2
    let rows = ["A", "B", "C", "D"].map {
      #"{"step":1,"prompt":"Q","completion":"\#($0)","r":1,"advantage":0}"#
    }.joined(separator: "\n")
    let imported = try FormatSupport.imported(rows, as: "trl", options: options)
    #expect(imported.records.map { $0["id"] } == ["q0/0", "q0/1", "q1/0", "q1/1"])
  }

  @Test("alpaca: every instruction is a prompt of its own")
  func alpaca() throws {
    let text = """
      {"instruction":"Name a fruit.","input":"","output":"Cherry."}
      {"instruction":"Translate.","input":"Birne","output":"Pear.","system":"S","history":[["a","b"]]}
      """
    let lines = try text.split(separator: "\n").map { try FormatSupport.json(String($0)) }
    #expect(try FormatCatalog.standard.detect(sample: lines, file: "a.jsonl").name == "alpaca")
    let records = try FormatSupport.imported(lines, as: "alpaca").records
    #expect(records.map { $0["group"] } == ["q0", "q1"])
    #expect(records[0]["prompt"] == [["role": "user", "content": "Name a fruit."]])
    #expect(records[1]["prompt"]?.arrayValue?.map { $0["content"] } == ["S", "a", "b", "Translate.\nBirne"])
    #expect(records[1]["response"] == "Pear.")
    let back = try FormatSupport.exported(records, to: "alpaca").lines
    #expect(back[1]["history"] == [["a", "b"]])
    #expect(back[1]["system"] == "S")
  }

  @Test("ShareGPT: turns with from and value, their pictures and the last answer")
  func shareGPT() throws {
    let text = """
      {"image":"a.png","conversations":[{"from":"human","value":"<image>\\nShape?"},{"from":"gpt","value":"Square."},{"from":"human","value":"Colour?"},{"from":"gpt","value":"Red."}]}
      {"system":"S","conversations":[{"from":"human","value":"3+4?"},{"from":"gpt","value":"7"}]}
      """
    let lines = try text.split(separator: "\n").map { try FormatSupport.json(String($0)) }
    #expect(try FormatCatalog.standard.detect(sample: lines, file: "a.jsonl").name == "sharegpt")
    let records = try FormatSupport.imported(lines, as: "sharegpt").records
    #expect(records.map { $0["response"] } == ["Red.", "7"])
    #expect(records[0]["prompt"]?.arrayValue?.map { $0["role"] } == ["user", "assistant", "user"])
    #expect(
      try ChatMessage.images(in: ChatMessage.messages(from: records[0]["prompt"] ?? .null)).map(\.address) == ["a.png"])
    #expect(records[1]["prompt"]?.arrayValue?.map { $0["role"] } == ["system", "user"])
    let back = try FormatSupport.exported(records, to: "sharegpt").lines
    #expect(back[1]["conversations"] == [["from": "human", "value": "3+4?"], ["from": "gpt", "value": "7"]])
    #expect(back[0]["images"] == ["a.png"])
  }

  @Test("every answer of a conversation, with what comes before it and the pictures that were shown by then")
  func everyTurn() throws {
    let text = """
      {"messages":[{"role":"user","content":"<image>1"},{"role":"assistant","content":"A"},{"role":"user","content":"<image>2"},{"role":"assistant","content":"B"}],"images":["a.png","b.png"]}
      {"messages":[{"role":"user","content":"1"},{"role":"assistant","content":"C","weight":0},{"role":"user","content":"2"},{"role":"assistant","content":"D"}]}
      """
    let lines = try text.split(separator: "\n").map { try FormatSupport.json(String($0)) }
    var options = ImportOptions()
    for (turns, expected) in [(AnswerTurns.last, ["B", "D"]), (.every, ["A", "B", "D"])] {
      options.turns = turns
      let imported = try FormatSupport.imported(lines, as: "openai-chat", options: options)
      #expect(imported.records.map { $0["response"]?.stringValue } == expected)
      #expect(
        imported.summary.notes.contains { $0.hasPrefix("2 conversations have earlier answers") } == (turns == .last))
    }
    let records = try FormatSupport.imported(lines, as: "openai-chat", options: options).records
    let images = try records.map {
      try ChatMessage.images(in: ChatMessage.messages(from: $0["prompt"] ?? .null)).map(\.address)
    }
    #expect(images == [["a.png"], ["a.png", "b.png"], []])
  }

  @Test("rows of no known format are read by a column map, which the message suggests")
  func columnMap() throws {
    let line = try FormatSupport.json(
      #"{"input_prompt":"2+2?","output_response":"4","score":"1.0","meta":{"uid":7},"data_source":"own"}"#)
    let message = FormatSupport.message { _ = try FormatCatalog.standard.detect(sample: [line], file: "a.jsonl") }
    #expect(
      message?.contains("such as --map prompt=input_prompt,response=output_response,reward=score or 'columns'") == true,
      "\(message ?? "")")
    var importer = ColumnMap([
      .init(.prompt, column: "input_prompt"), .init(.response, column: "output_response"),
      .init(.reward, column: "score"), .init(.group, column: "meta.uid"),
    ]).makeImporter(options: ImportOptions())
    let records = try importer.records(from: line, at: SourceLocation(file: "a.jsonl", line: 1, column: 1))
    #expect(
      records == [
        try FormatSupport.json(
          #"{"id":"7/0","group":"7","prompt":"2+2?","response":"4","reward":1.0,"meta":{"uid":7},"data_source":"own"}"#)
      ])
  }
}
