// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineIO
import Testing

/// An image is never dropped: it reaches the prompt, in order, or the row is a bad record.
@Suite("pictures beside a prompt", .timeLimit(.minutes(15)))
struct RowMediaTests {
  /// Rows that ask a question with a place for text, in every format that has prompts with images.
  private static let rows: [(format: String, key: String, line: @Sendable (JSONValue) -> [JSONValue.Member])] = [
    ("openai-chat", "messages", { [.init("messages", [["role": "user", "content": $0]])] }),
    ("easyr1-dataset", "problem", { [.init("problem", $0), .init("answer", "7")] }),
    (
      "verl-dataset", "prompt",
      { [.init("prompt", [["role": "user", "content": $0]]), .init("reward_model", ["ground_truth": "7"])] }
    ),
    ("verl", "input", { [.init("input", $0), .init("output", "A"), .init("score", .number("1"))] }),
    (
      "trl", "prompt",
      {
        [
          .init("step", .number("1")), .init("prompt", [["role": "user", "content": $0]]), .init("completion", "A"),
          .init("r", .number("1")), .init("advantage", .number("0")),
        ]
      }
    ),
    (
      "sharegpt", "value",
      { [.init("conversations", [["from": "human", "value": $0], ["from": "gpt", "value": "A"]])] }
    ),
    ("alpaca", "instruction", { [.init("instruction", $0), .init("output", "A")] }),
  ]

  private func images(of record: JSONValue) throws -> [String] {
    try ChatMessage.images(in: ChatMessage.messages(from: record["prompt"] ?? .null)).map(\.address)
  }

  @Test("named pictures reach the prompt in order, or the row is refused", arguments: 0..<rows.count)
  func law(index: Int) throws {
    let row = Self.rows[index]
    for marks in 0...3 {
      for count in 0...3 {
        for column in ["images", "image", "multi_modal_data"] {
          let text = "a" + String(repeating: "<image>b", count: marks)
          let names = (0..<count).map { JSONValue.string("\($0).png") }
          let value: JSONValue =
            switch column {
            case "image": names.first ?? .null
            case "multi_modal_data": ["image": .array(names)]
            default: .array(names)
            }
          if column == "image", count > 1 { continue }
          let line = JSONValue.object(row.line(.string(text)) + [.init(column, value)])
          let isPrompt = row.format.hasSuffix("dataset")
          let message = FormatSupport.message {
            let record = try FormatSupport.imported([line], as: row.format).records[0]
            #expect(try images(of: record) == (0..<count).map { "\($0).png" }, "\(line.json)")
            #expect(marks == 0 || count == marks || count == 0 && !isPrompt, "\(line.json)")
          }
          let isWrong = marks > 0 && count != marks && (count > 0 || isPrompt)
          #expect((message != nil) == isWrong, "\(line.json): \(message ?? "accepted")")
        }
      }
    }
  }

  @Test("unmarked pictures go before the text of the first user's message")
  func unmarked() throws {
    let record = try FormatSupport.imported(
      #"{"messages":[{"role":"system","content":"S"},{"role":"user","content":"Q"},{"role":"assistant","content":"A"},{"role":"user","content":"R"}],"images":["a.png"]}"#,
      as: "openai-chat"
    ).records[0]
    #expect(
      record["prompt"]?.arrayValue?[1]["content"] == [
        ["type": "image", "image": "a.png"], ["type": "text", "text": "Q"],
      ])
  }

  @Test("parts without an address are marks")
  func parts() throws {
    let record = try FormatSupport.imported(
      #"{"messages":[{"role":"user","content":[{"type":"text","text":"Q"},{"type":"image","max_pixels":784},{"type":"image"}]}],"images":["a.png","b.png"]}"#,
      as: "openai-chat"
    ).records[0]
    #expect(
      record["prompt"]?.arrayValue?[0]["content"] == [
        ["type": "text", "text": "Q"], ["type": "image", "image": "a.png", "max_pixels": .number("784")],
        ["type": "image", "image": "b.png"],
      ])
  }

  @Test("sizes that a row's own list asks of its images arrive, and are written again for verl")
  func sizes() throws {
    let record = try FormatSupport.imported(
      #"{"data_source":"s","prompt":[{"role":"user","content":"<image><image>Q"}],"images":[{"path":"a.png","max_pixels":784},{"bytes":null,"path":"b.png"}],"reward_model":{"ground_truth":"1"}}"#,
      as: "verl-dataset"
    ).records[0]
    #expect(
      record["prompt"]?.arrayValue?[0]["content"] == [
        ["type": "image", "image": "a.png", "max_pixels": .number("784")], ["type": "image", "image": "b.png"],
        ["type": "text", "text": "Q"],
      ])
    let verl = try FormatSupport.exported([record], to: "verl-dataset")
    #expect(verl.lines[0]["images"] == [["image": "a.png", "max_pixels": .number("784")], "b.png"])
    // EasyR1 has no place for them, and says so.
    let easyR1 = try FormatSupport.exported([record], to: "easyr1-dataset")
    #expect(easyR1.lines[0]["images"] == ["a.png", "b.png"])
    #expect(easyR1.losses.contains { "\($0)".contains("prompt.content") })
  }

  @Test(
    "what cannot be meant is refused with the reason",
    arguments: [
      (#""videos":["a.mp4"]"#, "'videos' names video; only text and images are supported"),
      (#""audio":"a.wav""#, "'audio' names sound; only text and images are supported"),
      (
        #""multi_modal_data":{"video":["a.mp4"]}"#,
        "'multi_modal_data.video' is not supported; only text and images are"
      ),
      (
        #""images":["a.png"],"image":"b.png""#,
        "'image' names other pictures than 'images'; keep one of the two columns"
      ),
      (
        #""images":[{"bytes":"b'\\x89PNG'","path":null}]"#,
        "'images.0' has 'bytes' that are no base64 (b'\\x89PNG'); write the image to a file and name its path"
      ),
    ])
  func refused(members: String, message: String) throws {
    #expect(
      FormatSupport.message {
        _ = try FormatSupport.imported(#"{"problem":"Q","answer":"A",\#(members)}"#, as: "easyr1-dataset")
      } == "in.jsonl:1:1: " + message)
  }

  @Test("an empty list of images survives, for loaders that want the column in every row")
  func emptyList() throws {
    let imported = try FormatSupport.imported(
      """
      {"problem":"What is 3+4?","answer":"7","images":[]}
      {"problem":"<image>What?","answer":"8","images":["a.png"]}
      {"problem":"What is 3+5?","answer":"8"}
      """, as: "easyr1-dataset")
    let lines = try FormatSupport.exported(imported.records, to: "easyr1-dataset").lines
    #expect(lines.map { $0["images"] } == [[], ["a.png"], nil])
  }
}
