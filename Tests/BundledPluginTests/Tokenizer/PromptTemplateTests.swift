// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import Testing

@Suite("Chat templates of models", .timeLimit(.minutes(15)))
struct PromptTemplateTests {
  /// A template that prints what it is given.
  private static let plain = """
    {% for m in messages %}<{{ m.role }}>{% if m.content is string %}{{ m.content }}{% else %}{% for p in m.content %}\
    {{ '<|image_pad|>' if p.type == 'image' else p.text }}{% endfor %}{% endif %}{% for c in m.tool_calls or [] %}\
    {{ c.function | tojson }}{% endfor %}{{ m.name }}{{ eos_token }}{% endfor %}{{ '<assistant>' if add_generation_prompt }}
    """

  private func messages(_ json: String) throws -> [ChatMessage] {
    try ChatMessage.messages(from: try JSONValue(parsing: json))
  }

  @Test("the first file with a template counts, and the one named default of several")
  func origin() throws {
    let scratch = try Scratch()
    func origin() throws -> ChatTemplateOrigin { try PromptTemplate(folder: scratch.path).origin }
    #expect(try origin() == .none)
    try scratch.write("tokenizer_config.json", #"{"chat_template": "{{ messages }}"}"#)
    #expect(try origin() == .own(file: "tokenizer_config.json"))
    let named = #"{"chat_template": [{"name": "tool_use", "template": "x"}, {"name": "default", "template": "y"}]}"#
    try scratch.write("tokenizer_config.json", named)
    #expect(try PromptTemplate(folder: scratch.path).render([]) == "y")
    try scratch.write("chat_template.json", #"{"chat_template": "z"}"#)
    #expect(try PromptTemplate(folder: scratch.path).render([]) == "z")
    try scratch.write("chat_template.jinja", "other")
    #expect(try origin() == .own(file: "chat_template.jinja"))
    #expect(try PromptTemplate(folder: scratch.path).render([]) == "other")
  }

  @Test("a template that is none is refused with its file and line")
  func invalid() throws {
    let scratch = try Scratch()
    try scratch.write("chat_template.jinja", "a\n{% if %}")
    #expect(
      scratch.message { _ = try PromptTemplate(folder: scratch.path) }
        == "chat_template.jinja:2: the chat template cannot be read: Expected an expression, got 'end of statement block';"
        + " correct it, or give records 'prompt_tokens' and take it out of the folder")
    try scratch.write("chat_template.jinja", Data([0xFF]))
    #expect(scratch.message { _ = try PromptTemplate(folder: scratch.path) } == "chat_template.jinja is not UTF-8")
    let other = try Scratch()
    try other.write("tokenizer_config.json", #"{"chat_template": [{"name": "x", "template": "y"}]}"#)
    #expect(
      other.message { _ = try PromptTemplate(folder: other.path) }
        == "tokenizer_config.json: 'chat_template' has no template named 'default', it must be a text, or a list of named"
        + " ones with a 'default'")
  }

  @Test("a template sees messages as transformers passes them")
  func rendering() throws {
    let scratch = try Scratch()
    try scratch.write("chat_template.jinja", Self.plain)
    try scratch.write("tokenizer_config.json", #"{"eos_token": {"content": "<e>"}}"#)
    let template = try PromptTemplate(folder: scratch.path)
    let chat = try messages(
      #"""
      [{"role": "user", "content": [{"type": "image", "image": "a.png"}, {"type": "text", "text": "é?"}], "name": "bob"},
       {"role": "assistant", "content": null, "tool_calls": [{"function": {"name": "f", "arguments": "{\"a\":1}"}}]},
       {"role": "tool", "content": "144", "name": null}]
      """#)
    let expected =
      #"<user><|image_pad|>é?bob<e><assistant>{"name": "f", "arguments": "{\"a\":1}"}<e><tool>144<e>"#
    #expect(try template.render(chat) == expected + "<assistant>")
    #expect(try template.render(chat, ending: .lastMessage) == expected)
  }

  @Test("a reasoning has all the names that templates give it")
  func reasoning() throws {
    let scratch = try Scratch()
    try scratch.write("chat_template.jinja", "{{ messages[0].reasoning_content }}{{ messages[0].thinking }}")
    let chat = try messages(#"[{"role": "assistant", "content": "a", "reasoning": "r"}]"#)
    #expect(try PromptTemplate(folder: scratch.path).render(chat) == "rr")
  }

  @Test("messages that a template refuses are refused with its words, file and line")
  func refusal() throws {
    let scratch = try Scratch()
    try scratch.write(
      "tokenizer_config.json", #"{"chat_template": "\n{{ raise_exception('no ' + messages[0].role) }}"}"#)
    let chat = try messages(#"[{"role": "tool", "content": "a"}]"#)
    #expect(
      scratch.message { _ = try PromptTemplate(folder: scratch.path).render(chat) }
        == "prompt: the chat template refuses these messages: no tool (tokenizer_config.json: 'chat_template', line 2);"
        + " change the messages, or give the record 'prompt_tokens'")
    try scratch.write("chat_template.jinja", "{{ messages[0].content.x.y }}")
    #expect(
      scratch.message { _ = try PromptTemplate(folder: scratch.path).render(chat) }
        == "prompt: the chat template fails on these messages: 'str object' has no attribute 'x' (chat_template.jinja:1);"
        + " change the messages, or give the record 'prompt_tokens'")
  }

  @Test("what is written for Qwen2.5-VL equals what a template of its shape prints")
  func shape() throws {
    let scratch = try Scratch()
    try scratch.write(
      "chat_template.jinja",
      """
      {% for message in messages %}{% if loop.first and message['role'] != 'system' %}<|im_start|>system
      You are a helpful assistant.<|im_end|>
      {% endif %}<|im_start|>{{ message['role'] }}
      {% if message['content'] is string %}{{ message['content'] }}<|im_end|>
      {% else %}{% for part in message['content'] %}{% if part['type'] == 'image' %}<|vision_start|><|image_pad|>\
      <|vision_end|>{% elif 'text' in part %}{{ part['text'] }}{% endif %}{% endfor %}<|im_end|>
      {% endif %}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
      {% endif %}
      """)
    let template = try PromptTemplate(folder: scratch.path)
    let cases = try Fixture.lines(Fixture.path("tokenizer/chat.jsonl")).map { example in
      try ChatMessage.messages(from: try #require(example["messages"]))
    }
    #expect(cases.count == 11)
    let calls = try messages(#"[{"role": "user", "content": "q"}, {"role": "assistant", "tool_calls": [{"id": "c"}]}]"#)
    for chat in cases + [calls] {
      #expect(try template.render(chat) == ChatTemplate.render(chat))
      let open = chat + [ChatMessage(role: "assistant", content: .text(" So far: \n"))]
      #expect(try template.render(open, ending: .continuation) == ChatTemplate.render(open, ending: .continuation))
      #expect(try template.render(chat, ending: .lastMessage) == ChatTemplate.render(chat, ending: .lastMessage))
    }
  }

  @Test("a prompt that ends with the assistant is left open behind its last text")
  func continuation() throws {
    let scratch = try Scratch()
    try scratch.write("chat_template.jinja", Self.plain)
    let own = try PromptTemplate(folder: scratch.path)
    let (question, plainly) = (#"[{"role": "user", "content": "q"}"#, ", ")
    func text(_ answer: String) throws -> [String] {
      let chat = try messages(question + plainly + answer + "]")
      #expect(ChatMessage.endInAnswer(chat))
      return [
        try own.render(chat, ending: .response(to: chat)), ChatTemplate.render(chat, ending: .response(to: chat)),
      ]
    }
    let opening =
      "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n"
    #expect(
      try text(#"{"role": "assistant", "content": "It is "}"#) == ["<user>q<assistant>It is ", opening + "It is "])
    #expect(try text(#"{"role": "assistant", "content": ""}"#) == ["<user>q<assistant>", opening])
    // The text of the first message is the last one's, and mark-like words in it are no mark.
    #expect(
      try text(
        #"{"role": "assistant", "content": [{"type": "text", "text": "q"}, {"type": "text", "text": "SHUFFLE_R1_"}]}"#)
        == ["<user>q<assistant>qSHUFFLE_R1_", opening + "qSHUFFLE_R1_"])
  }

  @Test("where a template strips texts, the white space at the end goes; where it leaves the text out, that is said")
  func strippedContinuation() throws {
    let scratch = try Scratch()
    let chat = try messages(#"[{"role": "user", "content": "q"}, {"role": "assistant", "content": " a \n"}]"#)
    try scratch.write("chat_template.jinja", "{% for m in messages %}[{{ m.content | trim }}]{% endfor %}")
    #expect(try PromptTemplate(folder: scratch.path).render(chat, ending: .continuation) == "[q][a")
    try scratch.write("chat_template.jinja", "{{ messages[0].content }}")
    #expect(
      scratch.message { _ = try PromptTemplate(folder: scratch.path).render(chat, ending: .continuation) }
        == "prompt: the last message is the assistant's, but the chat template leaves out its text (chat_template.jinja), so"
        + " that it cannot be continued; end the prompt with a message of the user, or give the record 'prompt_tokens'")
  }

  @Test("a prompt that ends with a call of a tool, or with another role, begins a new answer")
  func noContinuation() throws {
    for last in [
      #"{"role": "assistant", "content": null, "tool_calls": [{"id": "c"}]}"#, #"{"role": "tool", "content": "1"}"#,
    ] {
      let chat = try messages(#"[{"role": "user", "content": "q"}, "# + last + "]")
      #expect(ChatTemplate.Ending.response(to: chat) == .answer)
    }
  }
}
