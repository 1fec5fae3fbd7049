// SPDX-License-Identifier: Apache-2.0
import Jinja
import Testing

/// The expected texts were printed by Jinja 3.1.6 as transformers sets it up.
@Suite("Jinja: filters, tests and methods", .timeLimit(.minutes(15)))
struct FilterTests {
  private let people: [String: Value] = [
    "m": [["role": "user", "n": 2], ["role": "system", "n": 1], ["role": "user", "n": nil]]
  ]

  @Test(
    "filters",
    arguments: [
      ("' a '|trim, 'xxa'|trim('x')", "('a', 'a')"), ("'ß'|upper, 'ΑΣ'|lower", "('SS', 'ας')"),
      ("'hello wOrld-x'|title, 'aB'|capitalize", "('Hello World-X', 'Ab')"), ("'a,b'|replace(',', ';')", "a;b"),
      ("[3, 1, 2]|sort, [3, 1]|sort(reverse=true), ['b', 'A']|sort", "([1, 2, 3], [3, 1], ['A', 'b'])"),
      ("[1, 2]|first, []|first, 'ab'|last", "(1, Undefined, 'b')"), ("[1, none]|join('-')", "1-None"),
      ("'3.7'|int, '0x1f'|int(base=16), 'x'|int(9), '1_0'|int", "(3, 31, 9, 10)"),
      ("'2'|float, 'x'|float", "(2.0, 0.0)"),
      ("2.5|round, 3.5|round, 2.675|round(2), 1.25|round(1, 'ceil')", "(2.0, 4.0, 2.67, 1.3)"), ("-3|abs", "3"),
      ("m|map(attribute='role')|list", "['user', 'system', 'user']"), ("['a']|map('upper')|list", "['A']"),
      ("m|selectattr('role', 'equalto', 'user')|list|length", "2"),
      ("m|rejectattr('n')|map(attribute='role')|first", "user"),
      ("[1, 2, 3]|select('odd')|list, [0, 1]|reject|list", "([1, 3], [0])"),
      ("m|map(attribute='role')|unique|list", "['user', 'system']"),
      ("{'b': 1, 'A': 2}|dictsort, {'b': 1}|items|list", "([('A', 2), ('b', 1)], [('b', 1)])"),
      ("[1, 2, 3]|batch(2, 0)|list, [1, 2, 3]|slice(2)|list", "([[1, 2], [3, 0]], [[1, 2], [3]])"),
      ("[1, 2]|sum, m|map(attribute='n')|first, [2, 1]|min, 'ab'|max", "(3, 2, 1, 'b')"),
      ("'a\n\nb'|indent(2), 'a'|indent(1, true)", "('a\\n\\n  b', ' a')"),
      ("'a'|reverse, [1, 2]|reverse|list", "('a', [2, 1])"),
      ("'<a>'|e, ('<'|e) + '<', '<'|safe", "(Markup('&lt;a&gt;'), Markup('&lt;&lt;'), Markup('<'))"),
    ] as [(String, String)])
  func filters(expression: String, expected: String) { #expect(value(expression, people) == expected) }

  @Test(
    "tojson is Python's json.dumps",
    arguments: [
      (
        #"{'a': [1, 2.0, none, true], 'é': '<"\\\n\x01>'}|tojson"#,
        #"{"a": [1, 2.0, null, true], "é": "<\"\\\n\u0001>"}"#
      ),
      ("{'a': [1], 'b': {}}|tojson(indent=2)", "{\n  \"a\": [\n    1\n  ],\n  \"b\": {}\n}"),
      ("{'b': 1, 'a': 2}|tojson(sort_keys=true, separators=(',', ':'))", #"{"a":2,"b":1}"#),
      ("'🙂'|tojson(ensure_ascii=true)", #""\ud83d\ude42""#),
      ("x|tojson", "line 1: Object of type Undefined is not JSON serializable"),
    ] as [(String, String)])
  func json(expression: String, expected: String) { #expect(value(expression) == expected) }

  @Test("a plain template's tojson sorts keys and escapes HTML")
  func plainJSON() {
    #expect(rendered("{{ {'b': '<', 'a': 'é'}|tojson }}", options: .plain) == #"{"a": "\u00e9", "b": "\u003c"}"#)
  }

  @Test(
    "tests",
    arguments: [
      ("1 is number, true is number, 1 is float, 'a' is string", "(True, True, False, True)"),
      ("{} is mapping, [] is sequence, 'a' is sequence, 1 is iterable", "(True, True, True, False)"),
      ("3 is odd, 4 is divisibleby 2, 'a' is in ['a'], none is none", "(True, True, True, True)"),
      ("true is true, 1 is true, false is false, 2 is gt 1", "(True, False, True, True)"),
      ("range is callable, 'trim' is filter", "(True, True)"),
    ] as [(String, String)])
  func tests(expression: String, expected: String) { #expect(value(expression) == expected) }

  @Test(
    "methods",
    arguments: [
      (
        "'a b  c'.split(), 'a,b,c'.split(',', 1), 'a,b,c'.rsplit(',', 1)",
        "(['a', 'b', 'c'], ['a', 'b,c'], ['a,b', 'c'])"
      ),
      ("'<think>x</think>\n\ny'.split('</think>')[-1].lstrip('\n')", "y"),
      ("'xax'.strip('x'), '  a'.lstrip(), 'a '.rstrip()", "('a', 'a', 'a')"),
      ("'abc'.startswith('ab'), 'abc'.endswith(('x', 'c'))", "(True, True)"),
      ("'héé'.find('é'), 'a'.find('x'), 'aa'.count('a')", "(1, -1, 2)"),
      ("'a'.replace('a', 'b').upper(), ', '.join(['x', 'y'])", "('B', 'x, y')"),
      ("'{}-{n:>3}'.format(1, n=2)", "1-  2"),
      ("{'a': 1}.get('a'), {}.get('a'), {}.get('a', 2), {'a': 1}.keys()|list", "(1, None, 2, ['a'])"),
      ("[1, 2].index(2)", "1"),
      (
        "'  a b  '.split(none, 1), '  a b  '.rsplit(none, 1), '  a '.rsplit(none, 1)",
        "(['a', 'b  '], ['  a', 'b'], ['a'])"
      ),
    ] as [(String, String)])
  func methods(expression: String, expected: String) { #expect(value(expression) == expected) }

  @Test("what would change a value is out of reach, as in the sandbox")
  func sandbox() {
    #expect(value("[].append(1)") == "line 1: access to attribute 'append' of 'list' object is unsafe.")
    #expect(value("{}.update({})") == "line 1: access to attribute 'update' of 'dict' object is unsafe.")
    #expect(value("''.__class__.x") == "line 1: access to attribute '__class__' of 'str' object is unsafe.")
    #expect(
      value("range(100001)") == "line 1: Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000).")
  }
}
