// SPDX-License-Identifier: Apache-2.0
import Jinja
import Testing

/// Templates in the shapes in which published checkpoints write them; the expected texts were printed by Jinja 3.1.6.
@Suite("Jinja: shapes of chat templates", .timeLimit(.minutes(15)))
struct ChatShapeTests {
  private let messages: Value = [
    ["role": "system", "content": "Be brief."],
    ["role": "user", "content": [["type": "image"], ["type": "text", "text": "What?"]]],
    ["role": "assistant", "tool_calls": [["function": ["name": "f", "arguments": ["a": 1]]]]],
    ["role": "tool", "content": "5"], ["role": "tool", "content": "6"], ["role": "user", "content": " thanks "],
  ]

  @Test("roles between marks, image parts, calls of tools, and grouped answers of tools")
  func marks() {
    let text = """
      {%- macro body(content) %}
          {%- if content is string %}{{- content }}
          {%- else %}
              {%- for part in content %}
                  {%- if 'image' in part or part.type == 'image' %}{{- '<img>' }}{% elif 'text' in part %}{{- part.text }}{% endif %}
              {%- endfor %}
          {%- endif %}
      {%- endmacro %}
      {%- for m in messages %}
          {%- if m.role == "tool" %}
              {%- if loop.first or (messages[loop.index0 - 1].role != "tool") %}{{- '<user>' }}{% endif %}
              {{- '\\n<r>' + body(m.content) + '</r>' }}
              {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}{{- '<end>\\n' }}{% endif %}
          {%- else %}
              {{- '<' + m.role + '>' + body(m.content) }}
              {%- for c in m.tool_calls or [] %}
                  {%- set c = c.function if c.function is defined else c %}
                  {{- '<call>' ~ {'name': c.name} | tojson ~ c.arguments | tojson }}
              {%- endfor %}
              {{- '<end>\\n' }}
          {%- endif %}
      {%- endfor %}
      {%- if add_generation_prompt %}{{- '<assistant>' }}{% endif %}
      """
    #expect(
      rendered(text, ["messages": messages, "add_generation_prompt": true])
        == """
        <system>Be brief.<end>
        <user><img>What?<end>
        <assistant><call>{"name": "f"}{"a": 1}<end>
        <user>
        <r>5</r>
        <r>6</r><end>
        <user> thanks <end>
        <assistant>
        """)
  }

  @Test("the last question is found from the end, and reasoning before it is dropped")
  func reasoning() {
    let text = """
      {%- set ns = namespace(found=false, last=messages|length - 1) %}
      {%- for m in messages[::-1] %}
          {%- set index = (messages|length - 1) - loop.index0 %}
          {%- if not ns.found and m.role == "user" %}{% set ns.found = true %}{% set ns.last = index %}{% endif %}
      {%- endfor %}
      {%- for m in messages %}
          {%- set words = m.content %}
          {%- if '</think>' in words and loop.index0 < ns.last %}{% set words = words.split('</think>')[-1].lstrip('\\n') %}{% endif %}
          {{- '[' ~ m.role[0] ~ ']' ~ words }}
      {%- endfor %}
      """
    let chat: Value = [
      ["role": "user", "content": "1"], ["role": "assistant", "content": "<think>a</think>\n\nb"],
      ["role": "user", "content": "2"], ["role": "assistant", "content": "<think>c</think>d"],
    ]
    #expect(rendered(text, ["messages": chat]) == "[u]1[a]b[u]2[a]<think>c</think>d")
  }

  @Test("a system message goes into the first turn, and roles must alternate")
  func alternating() {
    let text = """
      {{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system = messages[0]['content'].strip() + '

      ' %}{% else %}{% set loop_messages = messages %}{% set system = '' %}{% endif %}
      {% for message in loop_messages %}
      {% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
      {{ raise_exception('Roles must alternate.') }}
      {% endif %}
      {{ '[INST] ' + (system if loop.first else '') + message['content'] | trim + ' [/INST]' if message['role'] == 'user' else message['content'] + eos_token }}
      {%- endfor %}
      """
    let tokens: [String: Value] = ["bos_token": "<s>", "eos_token": "</s>"]
    let chat: Value = [
      ["role": "system", "content": " S "], ["role": "user", "content": " q "], ["role": "assistant", "content": "a"],
    ]
    #expect(rendered(text, tokens.merging(["messages": chat]) { $1 }) == "<s>[INST] S\n\nq [/INST]a</s>")
    let twice: Value = [["role": "user", "content": "q"], ["role": "user", "content": "q"]]
    #expect(rendered(text, tokens.merging(["messages": twice]) { $1 }) == "line 6: Roles must alternate.")
  }

  @Test("a prompt is framed as EasyR1 does it")
  func format() throws {
    let template = try Template("{{ content | trim }} Put the answer in \\boxed{}.\n")
    #expect(try template.render(["content": " What? \n"]) == "What? Put the answer in \\boxed{}.")
  }
}
