// SPDX-License-Identifier: Apache-2.0
import Jinja
import Testing

/// The expected texts were printed by Jinja 3.1.6 on Python 3.11.
@Suite("Jinja: expressions", .timeLimit(.minutes(15)))
struct ExpressionTests {
  @Test(
    "values print as Python prints them",
    arguments: [
      ("none", "None"), ("true", "True"), ("1e16", "1e+16"), ("1e15", "1000000000000000.0"), ("0.00001", "1e-05"),
      ("-0.0", "-0.0"), ("[1, 'a', none, 2.5, (1,), {}]", "[1, 'a', None, 2.5, (1,), {}]"), ("()", "()"),
      (
        #"["it's", 'say "x"', 'both \' "', 'a\n\t\x01é\u2028']"#,
        #"["it's", 'say "x"', 'both \' "', 'a\n\t\x01é\u2028']"#
      ),
      ("{'a': 1, 'b': [true]}", "{'a': 1, 'b': [True]}"), ("{1: 'a', 1.0: 'b', true: 'c'}", "{1: 'c'}"),
      ("undefined", ""), ("[undefined]", "[Undefined]"), ("range(3)", "range(0, 3)"), ("0x1F + 0b11 + 1_000", "1034"),
    ] as [(String, String)])
  func printing(expression: String, expected: String) { #expect(value(expression) == expected) }

  @Test(
    "arithmetic is Python's",
    arguments: [
      ("7 // 2, -7 // 2, 7 % -3, -7 % 3", "(3, -4, -2, 2)"), ("7 / 2", "3.5"), ("4 / 2", "2.0"), ("2 ** 10", "1024"),
      ("2 ** -1", "0.5"), ("-2 ** 2", "4"), ("2 ** 3 ** 2", "64"), ("1 + 2.0", "3.0"), ("true + 1", "2"),
      ("'a' * 3", "aaa"), ("[1] * 2 + [3]", "[1, 1, 3]"), ("1 ~ 'a' ~ none", "1aNone"), ("-7.5 // 2", "-4.0"),
      ("-7.5 % 2", "0.5"), ("9007199254740993 / 1", "9007199254740992.0"), ("'%s-%03d' % ('x', 7)", "x-007"),
    ] as [(String, String)])
  func arithmetic(expression: String, expected: String) { #expect(value(expression) == expected) }

  @Test(
    "comparisons and logic are Python's",
    arguments: [
      ("1 < 2 < 3, 1 < 3 < 2", "(True, False)"), ("1 == 1.0, 1 == true, '1' == 1", "(True, True, False)"),
      ("'b' > 'a', 'Z' < 'a', 'é' > 'z'", "(True, True, True)"), ("[1, 2] < [1, 3]", "True"), ("(1,) == [1]", "False"),
      ("0 or 'x', 1 and [], not ''", "('x', [], True)"),
      ("'a' in 'cat', 2 in [1], 'k' in {'k': 1}", "(True, False, True)"),
      ("1 not in [1]", "False"), ("1 if false", ""), ("1 if false else 2 if false else 3", "3"),
      ("'e\\u0301' == '\\u00e9'", "False"), ("2 ** 53 + 1 == 9007199254740992.0", "False"),
    ] as [(String, String)])
  func logic(expression: String, expected: String) { #expect(value(expression) == expected) }

  @Test(
    "subscripts and slices are Python's",
    arguments: [
      ("'héllo'[1], 'héllo'[-1]", "('é', 'o')"), ("'héllo'[1:3], 'héllo'[::-1]", "('él', 'olléh')"),
      ("[1, 2, 3][-2:], [1, 2, 3][::2]", "([2, 3], [1, 3])"), ("{'items': 1}['items']", "1"),
      ("{'items': 1}.items()|list", "[('items', 1)]"), ("[1][5]", ""),
      ("range(10)[0:7:3], range(10)[::-1]", "(range(0, 7, 3), range(9, -1, -1))"), ("[10, 20].1", "20"),
      ("range(10)[2:8:3]|list", "[2, 5]"),
    ] as [(String, String)])
  func subscripts(expression: String, expected: String) { #expect(value(expression) == expected) }

  @Test(
    "escapes in strings are Python's",
    arguments: [
      (#"'\x41\u00e9\101\q\''"#, #"AéA\q'"#), (#"'a' "b""#, "ab"), ("'a\\\nb'", "ab"), (#"'\é'"#, #"\xe9"#),
    ] as [(String, String)])
  func escapes(expression: String, expected: String) { #expect(value(expression) == expected) }

  @Test(
    "what is not defined prints nothing, and is an error when it is used",
    arguments: [
      ("x", ""), ("x|default('d')", "d"), ("''|default('d', true)", "d"),
      ("x is defined, x is not undefined", "(False, False)"),
      ("x.y", "line 1: 'x' is undefined"), ("{}.y", ""), ("{}.y.z", "line 1: 'dict object' has no attribute 'y'"),
      ("[][0].z", "line 1: list object has no element 0"), ("x + 1", "line 1: 'x' is undefined"),
      ("x == y, x in [1]", "(True, False)"), ("x()", "line 1: 'x' is undefined"), ("x|length, x|list", "(0, [])"),
    ] as [(String, String)])
  func undefined(expression: String, expected: String) { #expect(value(expression) == expected) }

  @Test(
    "mistakes have Python's words, and the line",
    arguments: [
      ("1 + 'a'", "line 1: unsupported operand type(s) for +: 'int' and 'str'"),
      ("'a' + 1", "line 1: can only concatenate str (not \"int\") to str"),
      ("1 // 0", "line 1: integer division or modulo by zero"),
      ("1 < 'a'", "line 1: '<' not supported between instances of 'int' and 'str'"),
      ("5|length", "line 1: object of type 'int' has no len()"),
      ("'a'.upper(1)", "line 1: upper() takes at most 0 arguments (1 given)"),
      ("{[]: 1}", "line 1: unhashable type: 'list'"),
      (
        "9223372036854775807 + 1",
        "line 1: the result does not fit into 64 bits, which is the limit for whole numbers here"
      ),
      (
        "99999999999999999999",
        "line 1: 99999999999999999999 does not fit into 64 bits, which is the limit for whole numbers here"
      ),
    ] as [(String, String)])
  func mistakes(expression: String, expected: String) { #expect(value(expression) == expected) }
}
