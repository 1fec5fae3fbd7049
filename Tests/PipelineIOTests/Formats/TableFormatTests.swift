// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineIO
import Testing

@Suite("TRL's rows, ms-swift's and ROLL's columns", .timeLimit(.minutes(15)))
struct TableFormatTests {
  @Test("TRL: parts before the advantage, their sum as reward, rows of a prompt as group")
  func trl() throws {
    let imported = try FormatSupport.imported(FormatSupport.fixture("trl"), as: "trl")
    let first = imported.records[0]
    #expect(first["reward"] == .number("1.5"))
    #expect(first["rewards"] == ["accuracy_reward": .number("1.0"), "format_reward": .number("0.5")])
    #expect(first["advantage"] == .number("0.7"))
    #expect(first["answer"] == "yes")
    #expect(imported.records.map { $0["id"] } == ["10-q0/0", "10-q0/1", "11-q1/0", "11-q1/1"])
    #expect(
      imported.summary.notes == [
        "trl keeps only the parts of rewards: in 2 records, 'reward' is their plain sum",
        "1 completions have several messages or tool calls: 'response' is the text of the last answer, 'completion' "
          + "keeps them all",
      ])
  }

  @Test("TRL: a tool call's messages stay, the last answer is the response")
  func toolCalls() throws {
    let record = try FormatSupport.imported(FormatSupport.fixture("trl"), as: "trl").records[1]
    #expect(record["response"] == "No")
    #expect(record["completion"]?.arrayValue?.count == 3)
    #expect(record["rewards"] == ["accuracy_reward": .number("0.0")])
  }

  @Test("TRL: a total behind the advantage is the reward, empty cells are left out")
  func trlTotal() throws {
    let records = try FormatSupport.imported(FormatSupport.fixture("trl"), as: "trl").records
    #expect(
      records[2]
        == (try FormatSupport.json(
          #"{"id":"11-q1/0","group":"11-q1","prompt":"1+1=","response":"2","reward":3.5,"rewards":{"accuracy_reward":1.0},"step":11,"note":"kept"}"#
        )))
    #expect(
      records[3]
        == (try FormatSupport.json(
          #"{"id":"11-q1/1","group":"11-q1","prompt":"1+1=","advantage":0.0,"step":11}"#)))
  }

  @Test("TRL: weights for the sum")
  func weights() throws {
    var options = ImportOptions()
    options.rewardWeights = ["format_reward": 0.1, "accuracy_reward": 0.9]
    let imported = try FormatSupport.imported(FormatSupport.fixture("trl"), as: "trl", options: options)
    #expect(imported.records[0]["reward"]?.doubleValue == 0.9 + 0.05)
  }

  @Test("ms-swift: a line gives as many records as it has rows, an empty one none")
  func msSwift() throws {
    let imported = try FormatSupport.imported(FormatSupport.fixture("ms-swift"), as: "ms-swift")
    #expect(imported.summary.lines == 3)
    #expect(imported.summary.rows == 4)
    #expect(imported.records.map { $0["id"] } == ["1-q0/0", "1-q0/1", "1-q1/0", "2-q2/0"])
    #expect(imported.records[0]["step"] == 1)
    #expect(imported.records[0]["rewards"] == ["Accuracy": .number("1.0"), "Format": .number("1.0")])
    #expect(imported.records[0]["reward"] == .number("2.0"))
    #expect(imported.records[0]["entropy"] == .number("0.1"))
    #expect(imported.records[2]["response"] == nil)
    #expect(imported.records[2]["rewards"] == ["Format": .number("0.0")])
  }

  @Test("columns of unequal length are refused, with the key and both lengths")
  func unequal() {
    let message = FormatSupport.message {
      _ = try FormatSupport.imported(
        #"{"step":["1"],"prompt":["a","b"],"completion":["c","d"],"advantages":[1,2]}"#, as: "ms-swift")
    }
    #expect(
      message == "in.jsonl:1:1: 'step' has 1 values, but 'completion' has 2: the rows cannot be told apart")
  }

  @Test("ms-swift: steps become lines again, columns are filled up with null")
  func msSwiftExport() throws {
    let records = try FormatSupport.imported(
      """
      {"id":"a/0","group":"a","prompt":"P","response":"x","rewards":{"f":1},"reward":1,"step":1}
      {"id":"a/1","group":"a","prompt":"P","response":"y","rewards":{"g":2},"reward":2,"step":1,"mine":3}
      {"id":"b/0","group":"b","prompt":"P","response":"z","reward":9,"step":2}
      """, as: "shuffle-r1"
    ).records
    let (lines, losses) = try FormatSupport.exported(records, to: "ms-swift")
    #expect(
      lines.map(\.json) == [
        #"{"step":["1","1"],"prompt":["P","P"],"completion":["x","y"],"f":[1,null],"g":[null,2],"advantages":[null,null],"reward":[1,2],"mine":[null,3]}"#,
        #"{"step":["2"],"prompt":["P"],"completion":["z"],"advantages":[null],"reward":[9]}"#,
      ])
    #expect(
      losses == [
        ConversionLoss(
          "group", 3, "ms-swift has no groups: the next import groups rows of a step by their prompt")
      ])
  }

  @Test("ROLL: the data set's id and the step are the group")
  func roll() throws {
    let imported = try FormatSupport.imported(FormatSupport.fixture("roll"), as: "roll")
    #expect(imported.records.map { $0["id"] } == ["5-17/0", "5-17/1", "5-18/0", "6-17/0", "6-17/1"])
    #expect(imported.records[0]["extra"] == ["id": "17"])
    #expect(imported.records[0]["tag"] == nil)
    #expect(imported.records[3]["prompt"] == [["role": "user", "content": "What is x?"]])
    #expect(imported.records[4]["reward"] == nil)
  }

  @Test("a record without a reward has none after a format that sums parts", arguments: ["trl", "ms-swift"])
  func noReward(format: String) throws {
    let record: JSONValue = [
      "id": "a/0", "group": "a", "prompt": "P", "response": "R", "rewards": ["f": 1], "step": 1,
    ]
    let lines = try FormatSupport.exported([record], to: format).lines
    let back = try FormatSupport.imported(lines, as: format).records[0]
    #expect(back["reward"] == nil)
    #expect(back["rewards"] == ["f": 1])
  }

  @Test("verl to TRL and back keeps reward, parts and step")
  func verlToTRL() throws {
    let verl = try FormatSupport.imported(FormatSupport.fixture("verl"), as: "verl").records
    let trl = try FormatSupport.exported(verl, to: "trl").lines
    let back = try FormatSupport.imported(trl, as: "trl").records
    for (a, b) in zip(verl, back) {
      for key in ["prompt", "response", "answer", "reward", "rewards", "step"] { #expect(a[key] == b[key]) }
    }
  }
}
