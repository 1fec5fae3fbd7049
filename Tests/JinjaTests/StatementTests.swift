// SPDX-License-Identifier: Apache-2.0
import Jinja
import Testing

/// The expected texts were printed by Jinja 3.1.6 as transformers sets it up.
@Suite("Jinja: statements", .timeLimit(.minutes(15)))
struct StatementTests {
  @Test(
    "loops",
    arguments: [
      ("{% for x in [1, 2, 3] if x != 2 %}{{ loop.index }}/{{ loop.length }}:{{ x }} {% endfor %}", "1/2:1 2/2:3 "),
      ("{% for k, v in {'a': 1}.items() %}{{ k }}={{ v }}{% endfor %}", "a=1"),
      ("{% for x in [] %}a{% else %}none{% endfor %}", "none"),
      ("{% for x in [1, 2, 3] %}{{ x }}{{ ',' if not loop.last }}{% endfor %}", "1,2,3"),
      ("{% for x in 'ab' %}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.revindex0 }};{% endfor %}", "b1;a0;"),
      (
        "{% for x in range(5) %}{% if x == 1 %}{% continue %}{% endif %}{% if x == 3 %}{% break %}{% endif %}{{ x }}{% endfor %}",
        "02"
      ),
      ("{% for x in [1] %}{% break %}{% else %}e{% endfor %}", "e"),
      ("{% for x in [1, 2] %}{{ loop.cycle('a', 'b') }}{% endfor %}", "ab"),
      (
        "{% for x in [[1, 2], [3, 4]] %}{% for y in x %}{{ loop.index0 }}{{ y }}{% endfor %}{{ loop.index }}{% endfor %}",
        "0112103142"
      ),
    ] as [(String, String)])
  func loops(text: String, expected: String) { #expect(rendered(text) == expected) }

  @Test(
    "a variable belongs to the scope that stores it",
    arguments: [
      ("{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = 5 %}{{ x }}{% endfor %}{{ x }}", "15151"),
      ("{% set ns = namespace(x=1) %}{% for i in [1, 2] %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}", "4"),
      ("{% for i in [1] %}{{ c }}{% endfor %}{% set c = 2 %}{{ c }}", "2"),
      ("{% if false %}{% set c = 2 %}{% endif %}{{ c }}", "given"),
      ("{% macro m() %}{{ x }}{% endmacro %}{% set x = 1 %}{{ m() }}", "1"),
      ("{% set a, b = 1, 2 %}{{ a }}{{ b }}", "12"),
      ("{% set x %}a{{ 1 }}{% endset %}{{ x }}", "a1"), ("{% set x | upper %}ab{% endset %}{{ x }}", "AB"),
      ("{% with x = 1, y = 2 %}{{ x + y }}{% endwith %}{{ x }}", "3"),
      ("{% filter upper | trim %} ab {% endfilter %}", "AB"),
    ] as [(String, String)])
  func scopes(text: String, expected: String) { #expect(rendered(text, ["c": "given"]) == expected) }

  @Test(
    "macros and calls",
    arguments: [
      ("{% macro m(a, b=2, c=a) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(1) }} {{ m(1, c=9) }}", "121 129"),
      ("{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, x=2) }}", "(1,){'x': 2}"),
      ("{% macro m(x) %}<{{ caller(x) }}>{% endmacro %}{% call(y) m(3) %}{{ y }}!{% endcall %}", "<3!>"),
      ("{% macro f(n) %}{{ n }}{% if n %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}", "3210"),
      ("{% macro m(a) %}{{ a is defined }}{% endmacro %}{{ m() }}", "False"),
      ("{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "line 1: macro 'm' takes not more than 1 argument(s)"),
      ("{% macro m(a) %}{% endmacro %}{{ m(z=2) }}", "line 1: macro 'm' takes no keyword argument 'z'"),
    ] as [(String, String)])
  func macros(text: String, expected: String) { #expect(rendered(text) == expected) }

  @Test("what the assistant wrote is printed as it is")
  func generation() { #expect(rendered("a{% generation %}b{{ 1 }}{% endgeneration %}c") == "ab1c") }

  @Test("a template can refuse, with its line")
  func refusal() {
    #expect(
      rendered("a\n{% if true %}\n{{ raise_exception('No system message.') }}{% endif %}")
        == "line 3: No system message.")
    #expect(throws: TemplateError.self) { try Template("{{ raise_exception('x') }}", options: .chat).render([:]) }
  }

  @Test("today's date is what the options give, and an error without it")
  func date() {
    var options = TemplateOptions.chat
    #expect(
      rendered("{{ strftime_now('%Y') }}")
        == "line 1: the template asks for today's date (strftime_now), which is not given here: a prompt would be another one"
        + " tomorrow")
    #expect(
      rendered("{% if strftime_now is defined %}{{ strftime_now('%Y') }}{% else %}26 Jul 2024{% endif %}")
        == "26 Jul 2024")
    options.date = { "<\($0)>" }
    #expect(rendered("{{ strftime_now('%Y') }}", options: options) == "<%Y>")
  }

  @Test(
    "what is not valid is refused with its line",
    arguments: [
      (
        "a\n{% if x %}",
        "line 2: Unexpected end of template. Jinja was looking for the following tags: 'elif' or 'else' or 'endif'."
          + " The innermost block that needs to be closed is 'if'."
      ),
      ("{% endif %}", "line 1: Encountered unknown tag 'endif'."), ("{{ 1 +", "line 1: unexpected 'end of template'"),
      ("{{ x | nothing }}", "line 1: No filter named 'nothing'."),
      ("{{ x is nothing }}", "line 1: No test named 'nothing'."),
      ("\n{{ 'a }}", "line 2: unexpected char \"'\" at 4"),
      ("{{ a b }}", "line 1: expected token 'end of print statement', got 'b'"),
      ("{# a", "line 1: Missing end of comment tag"), ("{% raw %}a", "line 1: Missing end of raw directive"),
      ("{% break %}", "line 1: 'break' outside loop"), ("{{ (1] }}", "line 1: unexpected ']', expected ')'"),
      ("{% include 'x' %}", "line 1: 'include' is not supported: a template stands alone here"),
      ("{% for loop in [] %}{% endfor %}", "line 1: Can't assign to special loop variable in for-loop target"),
    ] as [(String, String)])
  func invalid(text: String, expected: String) { #expect(rendered(text) == expected) }
}
