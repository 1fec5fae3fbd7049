// SPDX-License-Identifier: Apache-2.0
import Jinja
import Testing

/// Source: "Whitespace Control" in Jinja's template documentation; the expected texts were printed by Jinja 3.1.6.
@Suite("Jinja: white space", .timeLimit(.minutes(15)))
struct WhitespaceTests {
  private let text = "a\n  {% if true %}\n  b\n  {% endif %}\nc\n"

  @Test("as chat templates are read, lines that hold a block alone are removed")
  func trimmed() { #expect(rendered(text) == "a\n  b\nc") }

  @Test("as a plain template is read, they are kept, and one line end at the end is dropped")
  func kept() {
    #expect(rendered(text, options: .plain) == "a\n  \n  b\n  \nc")
    #expect(rendered("x\n\n", options: .plain) == "x\n")
  }

  @Test(
    "signs decide about the white space at a tag",
    arguments: [
      ("a {%- if true -%} b {%- endif -%} c", "abc"), ("a {{- 1 -}} b", "a1b"), ("a {{ 1 }} b", "a 1 b"),
      ("  {%+ if true %}b{% endif %}", "  b"), ("{% if true +%}\nb{% endif %}", "\nb"), ("a\n{{ 1 }}\nb", "a\n1\nb"),
      ("a\n  {# c #}\nb", "a\nb"), ("a {#- c -#} b", "ab"), ("a\n  {% raw %}\n{{ x }}{% endraw %}\nb", "a\n\n{{ x }}b"),
      ("a\r\nb\rc", "a\nb\nc"), ("x {%- set y = 1 %}\n  z", "x  z"), ("{{ {'a': {'b': 1}}.a.b }}", "1"),
    ] as [(String, String)])
  func signs(text: String, expected: String) { #expect(rendered(text) == expected) }
}
