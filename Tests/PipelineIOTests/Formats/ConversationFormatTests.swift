// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineIO
import Testing

@Suite("verifiers, open-instruct, Trinity, OpenAI chat and data sets", .timeLimit(.minutes(15)))
struct ConversationFormatTests {
  private func record(_ format: String, _ index: Int) throws -> JSONValue {
    try FormatSupport.imported(FormatSupport.fixture(format), as: format).records[index]
  }

  @Test("verifiers: example, metrics, truncation; image addresses in our form")
  func verifiers() throws {
    let first = try record("verifiers", 0)
    #expect(first["id"] == "0/0")
    #expect(first["rewards"] == ["correct": .number("1.0"), "num_turns": .number("1.0")])
    #expect(first["correct"] == nil)
    #expect(first["finish"] == "stop")
    #expect(
      first["prompt"]?.arrayValue?[1]["content"]?.arrayValue?[0] == [
        "type": "image", "image": "a.png", "detail": "low",
      ])
    #expect(try record("verifiers", 1)["finish"] == "length")
  }

  @Test("verifiers: a rollout that failed has no reward 0")
  func failed() throws {
    let failed = try record("verifiers", 2)
    #expect(failed["reward"] == nil)
    #expect(failed["reward_status"] == "failed")
    #expect(failed["response"] == nil)
    let lines = try FormatSupport.exported([failed], to: "verifiers").lines
    #expect(lines[0]["reward"] == .number("0.0"))
  }

  @Test("verifiers: older files, with 'id' and bare metrics")
  func olderVerifiers() throws {
    let record = try FormatSupport.imported(
      #"{"id":3,"prompt":"P","completion":"C","task":"t","generation_ms":1.0,"scoring_ms":2.0,"total_ms":3.0,"reward":1.0,"check":0.5}"#,
      as: "verifiers"
    ).records[0]
    #expect(record["group"] == "3")
    #expect(record["rewards"] == ["check": .number("0.5")])
    #expect(record["total_ms"] == .number("3.0"))
  }

  @Test("open-instruct: token ids, log-probabilities, text where there is any")
  func openInstruct() throws {
    let first = try record("open-instruct", 0)
    #expect(first["id"] == "2-0/0")
    #expect(first["prompt_tokens"] == [1, 2, 3])
    #expect(first["tokens"] == [4, 5])
    #expect(first["ground_truth"] == [7, 8])
    #expect(first["answer"] == nil)
    let filtered = try record("open-instruct", 2)
    #expect(filtered["response"] == "A")
    #expect(filtered["policy_version"] == 1)
  }

  @Test("open-instruct needs token ids, and says when there are none")
  func tokensLost() throws {
    let losses = try FormatSupport.exported(
      [["id": "a/0", "group": "a", "response": "x"]], to: "open-instruct"
    ).losses
    #expect(losses.map(\.field) == ["group", "prompt_tokens", "tokens"])
  }

  @Test("Trinity: batch and task are the group, messages split before the first answer")
  func trinity() throws {
    #expect(try record("trinity", 0)["id"] == "1/0/0")
    #expect(try record("trinity", 1)["finish"] == "length")
    let multi = try record("trinity", 2)
    #expect(multi["prompt"]?.arrayValue?.count == 1)
    #expect(multi["response"] == "42")
    #expect(multi["completion"]?.arrayValue?.count == 3)
    #expect(try record("trinity", 3)["truncate_status"] == "prompt_truncated")
    let message = FormatSupport.message {
      _ = try FormatSupport.imported(#"{"eid":{},"type":"dpo"}"#, as: "trinity")
    }
    #expect(message == "in.jsonl:1:1: 'type' is \"dpo\": a pair of answers is no rollout")
  }

  @Test("OpenAI chat: choices are a group, two images keep their order and details")
  func openAI() throws {
    let imported = try FormatSupport.imported(FormatSupport.fixture("openai-chat"), as: "openai-chat")
    #expect(imported.records.map { $0["id"] } == ["q0/0", "q0/1", "q1/0", "q2/0", "q3/0"])
    #expect(imported.records[1]["response"] == "Right")
    #expect(imported.records[1]["finish"] == "length")
    let content = imported.records[0]["prompt"]?.arrayValue?[0]["content"]?.arrayValue
    #expect(content?[1] == ["type": "image", "image": "a.png"])
    #expect(content?[2] == ["type": "image", "image": "data:image/png;base64,AA==", "detail": "high"])
    #expect(imported.records[4]["response"] == nil)
    let lines = try FormatSupport.exported([imported.records[1]], to: "openai-chat").lines
    #expect(
      lines[0]["messages"]?.arrayValue?[0]["content"]?.arrayValue?[2]
        == ["type": "image_url", "image_url": ["url": "data:image/png;base64,AA==", "detail": "high"]])
  }

  @Test("EasyR1: images go where the text says, or first")
  func easyR1() throws {
    let records = try FormatSupport.imported(FormatSupport.fixture("easyr1-dataset"), as: "easyr1-dataset")
      .records
    #expect(
      records[0]["prompt"]
        == (try FormatSupport.json(
          #"[{"role":"user","content":[{"type":"image","image":"1.png"},{"type":"text","text":"Find x, given "},{"type":"image","image":"2.png"},{"type":"text","text":"."}]}]"#
        )))
    #expect(records[0]["level"] == 3)
    #expect(records.map { $0["group"] } == ["geo-1", "q1", "q2"])
    #expect(records[2]["prompt"]?.arrayValue?[0]["content"]?.arrayValue?[0]["image"] == "cat.png")
  }

  @Test("a data set's images must be as many as its marks, and have addresses")
  func imageFaults() {
    func message(_ line: String) -> String? {
      FormatSupport.message { _ = try FormatSupport.imported(line, as: "easyr1-dataset") }
    }
    #expect(
      message(#"{"problem":"<image>?","answer":"1","images":["a","b"]}"#)
        == "in.jsonl:1:1: 'images' has 2 images, but the prompt has 1 image marks (<image>, or parts without an address)"
    )
    #expect(
      message(#"{"problem":"<image>?","answer":"1","images":[{"bytes":[1]}]}"#)
        == "in.jsonl:1:1: 'images.0' has no address: write the image to a file and name its path, or use a data URI"
    )
  }

  @Test("verl's data sets: ground truth and index")
  func verlDataset() throws {
    let records = try FormatSupport.imported(FormatSupport.fixture("verl-dataset"), as: "verl-dataset")
      .records
    #expect(records.map { $0["group"] } == ["geo3k-train-17", "gsm8k-train-0", "q2"])
    #expect(records[0]["answer"] == "25")
    #expect(records[0]["reward_model"] == nil)
  }

  @Test("rollouts to a data set: one line of each group")
  func prompts() throws {
    let records = try FormatSupport.imported(FormatSupport.fixture("verifiers"), as: "verifiers").records
    let (lines, losses) = try FormatSupport.exported(records, to: "verl-dataset")
    #expect(lines.count == 2)
    #expect(losses.contains(ConversionLoss("response", 3, "verl-dataset has no place for it")))
  }

  @Test("rendered ChatML becomes messages only where asked for and only without loss")
  func chatML() throws {
    let text =
      "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>Q\nR<|im_end|>\n"
      + "<|im_start|>assistant\n"
    let line = JSONValue.object([.init("input", .string(text)), .init("output", "A"), .init("uid", "u")])
    var options = ImportOptions()
    #expect(
      try FormatSupport.imported([line], as: "verl", options: options).records[0]["prompt"] == .string(text))
    options.renderedPrompt = .parseChatML
    let parsed = try FormatSupport.imported([line], as: "verl", options: options).records
    #expect(
      parsed[0]["prompt"]
        == (try FormatSupport.json(
          #"[{"role":"system","content":"S"},{"role":"user","content":[{"type":"image"},{"type":"text","text":"Q\nR"}]}]"#
        )))
    #expect(try FormatSupport.exported(parsed, to: "verl").lines[0]["input"] == .string(text))
    for other in [String(text.dropLast()), "x" + text, "<|im_start|>assistant\n", "user\nQ\nassistant\n"] {
      let line = JSONValue.object([.init("input", .string(other)), .init("output", "A"), .init("uid", "u")])
      let record = try FormatSupport.imported([line], as: "verl", options: options).records[0]
      #expect(record["prompt"] == .string(other))
    }
  }
}
