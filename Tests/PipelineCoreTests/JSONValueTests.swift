// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import Testing

@Suite("JSONValue", .timeLimit(.minutes(15)))
struct JSONValueTests {
  @Test(
    "what is parsed is written again as it was",
    arguments: [
      #"{"b":1,"a":[1.50,-0,1e400,123456789012345678901234567890],"b":2}"#, "[]", "{}", "[[],{}]",
      #""\"\\\n\t\u0001é😀""#,
      "true", "null", "-1.5E+3",
    ])
  func roundTrips(_ text: String) throws {
    #expect(try JSONValue(parsing: text).json == text)
  }

  @Test("escapes become characters, surrogate pairs one")
  func unescapes() throws {
    #expect(try JSONValue(parsing: #""\u0041\ud83d\ude00\/\b\f""#) == .string("A😀/\u{8}\u{c}"))
  }

  @Test("a bare NaN or Infinity is null")
  func nonFiniteIsNull() throws {
    #expect(try JSONValue(parsing: "[NaN, Infinity, -Infinity]") == [.null, .null, .null])
  }

  @Test(
    "what is not JSON is refused with the byte at which it shows",
    arguments: [
      ("", 0, "the text ends inside a value"), ("[1,]", 3, "expected a JSON value"),
      ("01", 2, "a number has a leading zero"), ("1.", 2, "expected a JSON value"),
      (#"{"a" 1}"#, 5, "expected ':' after the key"), (#"{a:1}"#, 1, "expected a key in quotes"),
      (#"["\x"]"#, 3, "an escape that JSON does not have"), (#"["\ud800"]"#, 8, "a lone surrogate in a string"),
      ("[1 2]", 3, "expected ',' or ']'"), (#""abc"#, 4, "the text ends inside a string"),
      ("tru", 0, "expected a JSON value"), ("1 2", 2, "unexpected text after the value"),
    ])
  func refuses(_ text: String, _ offset: Int, _ reason: String) {
    #expect(throws: JSONValue.ParseError(reason: reason, offset: offset)) { try JSONValue(parsing: text) }
  }

  @Test("nesting has a limit instead of overflowing the stack")
  func limitsDepth() {
    let deep = String(repeating: "[", count: 100_000)
    #expect(throws: JSONValue.ParseError(reason: "nested deeper than 1024 levels", offset: 1025)) {
      try JSONValue(parsing: deep)
    }
  }

  @Test("pretty text keeps short lists on one line")
  func pretty() {
    let value: JSONValue = ["a": [1, 2], "b": [["c": .null]], "d": [:], "e": ["x"]]
    #expect(
      value.prettyJSON == """
        {
          "a": [1, 2],
          "b": [
            {
              "c": null
            }
          ],
          "d": {},
          "e": ["x"]
        }
        """)
  }
}
