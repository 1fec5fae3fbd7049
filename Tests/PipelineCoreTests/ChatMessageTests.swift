// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import Testing

@Suite("Chat messages", .timeLimit(.minutes(15)))
struct ChatMessageTests {
  @Test("a plain string is one message of the user")
  func plainString() throws {
    #expect(try ChatMessage.messages(from: "Hi") == [ChatMessage(role: "user", content: .text("Hi"))])
  }

  @Test("images are listed in the order of the prompt")
  func images() throws {
    let prompt = try JSONValue(
      parsing: #"""
        [{"role":"system","content":"s"},{"role":"user","content":[{"type":"image","image":"a.png"},{"type":"text",
        "text":"x"},{"type":"image_url","image_url":{"url":"b.png"}},{"type":"image"}]}]
        """#)
    #expect(ChatMessage.images(in: try ChatMessage.messages(from: prompt)).map(\.address) == ["a.png", "b.png", ""])
  }

  @Test(
    "an image is the same in every way of writing it",
    arguments: [
      #"{"type":"image","image":"a.png"}"#,
      #"{"image":"a.png"}"#,
      #"{"type":"image","image":{"url":"a.png"}}"#,
      #"{"type":"image","image":{"path":"a.png"}}"#,
      #"{"type":"image_url","image_url":"a.png"}"#,
      #"{"type":"image_url","image_url":{"url":"a.png"}}"#,
      #"{"image_url":{"url":"a.png"}}"#,
      #"{"type":"image","url":"a.png"}"#,
      #"{"type":"image","path":"a.png"}"#,
      #"{"type":"image_url","value":"a.png"}"#,
      #"{"type":"image","image":null,"path":"a.png"}"#,
    ])
  func spellings(text: String) throws {
    #expect(ChatImage(part: try JSONValue(parsing: text))?.address == "a.png")
  }

  @Test("base64 becomes a data URI, unless it is one")
  func base64() throws {
    #expect(ChatImage(part: ["type": "image", "base64": "AAAA"])?.address == "data:;base64,AAAA")
    let uri: JSONValue = "data:image/png;base64,AAAA"
    #expect(ChatImage(part: ["type": "image", "base64": uri])?.address == uri.stringValue)
  }

  @Test("what else a part says stays with its image")
  func details() throws {
    let part: JSONValue = ["type": "image", "path": "a.png", "min_pixels": 784, "max_pixels": 3136]
    let image = try #require(ChatImage(part: part))
    #expect(image.details == [.init("min_pixels", 784), .init("max_pixels", 3136)])
    #expect(image.json == ["type": "image", "image": "a.png", "min_pixels": 784, "max_pixels": 3136])
    let mark = try #require(ChatImage(part: ["type": "image", "resized_height": 28]))
    #expect(mark == ChatImage("", details: [.init("resized_height", 28)]))
    #expect(mark.json == ["type": "image", "resized_height": 28])
    let nested = ChatImage(part: ["type": "image_url", "image_url": ["url": "a.png", "detail": "low"], "x": 1])
    #expect(nested == ChatImage("a.png", details: [.init("detail", "low"), .init("x", 1)]))
    #expect(nested?.openAI == ["type": "image_url", "image_url": ["url": "a.png", "detail": "low", "x": 1]])
  }

  @Test(
    "a part of words is the same in every way of writing it",
    arguments: [
      #""x""#, #"{"type":"text","text":"x"}"#, #"{"text":"x"}"#, #"{"type":"text","value":"x"}"#,
      #"{"type":"text","text":"x","image":null,"video":null,"audio":null}"#,
    ])
  func words(text: String) throws {
    #expect(try ChatMessage.Part(JSONValue(parsing: text), place: "here") == .text("x"))
  }

  @Test("a message that only calls tools says nothing, and keeps its calls")
  func toolCalls() throws {
    let prompt = try JSONValue(
      parsing: #"""
        [{"role":"assistant","content":null,"tool_calls":[{"id":"c1"}]},{"role":"tool","tool_call_id":"c1","content":"4"}]
        """#)
    let messages = try ChatMessage.messages(from: prompt)
    #expect(
      messages[0] == ChatMessage(role: "assistant", content: .none, others: [.init("tool_calls", [["id": "c1"]])]))
    #expect(messages[0].parts.isEmpty)
    #expect(messages[1].others == [.init("tool_call_id", "c1")])
  }

  @Test(
    "what is no prompt is refused by name",
    arguments: [
      ("7", "prompt: is a number, it must be an array of messages or a string"),
      (#"[{"content":"x"}]"#, "prompt: message 0 has no role"),
      (#"[{"role":"user"}]"#, "prompt: message 0 has no content: a string or an array of parts"),
      (
        #"[{"role":"user","content":null,"tool_calls":[]}]"#,
        "prompt: message 0 has no content: a string or an array of parts"
      ),
      (
        #"[{"role":"user","content":[{"type":"video","video":"v.mp4"}]}]"#,
        "prompt: message 0, part 0 is a video; only text and images are supported"
      ),
      (
        #"[{"role":"user","content":[{"type":"video_url","video_url":{"url":"v.mp4"},"text":"x"}]}]"#,
        "prompt: message 0, part 0 is a video; only text and images are supported"
      ),
      (
        #"[{"role":"user","content":[{"type":"audio"}]}]"#,
        "prompt: message 0, part 0 is of type 'audio'; only text and images are supported"
      ),
      (
        #"[{"role":"user","content":["x",{"type":"input_audio","input_audio":{"data":""},"text":"x"}]}]"#,
        "prompt: message 0, part 1 is of type 'input_audio'; only text and images are supported"
      ),
      (
        #"[{"role":"user","content":[{"audio":"a.wav"}]}]"#,
        "prompt: message 0, part 0 is of type 'audio'; only text and images are supported"
      ),
    ])
  func refusals(text: String, expected: String) throws {
    let prompt = try JSONValue(parsing: text)
    let error = #expect(throws: PipelineError.self) { try ChatMessage.messages(from: prompt) }
    #expect(error?.description == expected)
  }

  @Test("text for people is what there is of it")
  func text() {
    #expect(ChatMessage.text(ofContent: "x") == "x")
    #expect(ChatMessage.text(ofContent: [["type": "text", "text": "x"], ["type": "video"], "y"]) == "xy")
    #expect(ChatMessage.text(ofContent: [["type": "image"]]) == nil)
    #expect(ChatMessage.text(ofContent: .null) == nil)
  }
}
