// SPDX-License-Identifier: Apache-2.0
import CRecordScanner
import Testing

@Suite("Members of a record", .timeLimit(.minutes(15)))
struct MemberTests {
  private typealias Member = ScanOutcome.Member

  private func member(
    _ key: String, _ value: String, _ type: record_type, _ flags: [record_flag] = [], name: Int16 = -1
  ) -> ScanOutcome.Member {
    let bits = flags.reduce(UInt8(0)) { $0 | UInt8($1.rawValue) }
    return Member(key: key, value: value, type: type.rawValue, flags: bits, name: name)
  }

  private func expect(_ line: String, _ members: [ScanOutcome.Member], names: OpaquePointer? = nil) {
    let bytes = Array(line.utf8)
    #expect(ReferenceValidator.accepts(bytes), "\(line)")
    withEveryAlignment(of: bytes) { padded, blanks in
      for level in everyLevel {
        let outcome = scan(padded, level: level, names: names)
        if outcome != ScanOutcome(code: RECORD_OK.rawValue, offset: 0, members: members) {
          Issue.record("\(line): \(outcome), level \(level), \(blanks) blanks before")
        }
      }
    }
  }

  @Test("an empty object has none")
  func none() {
    for line in ["{}", " {} ", "{ \t\r\n}\n", "\r\n{}\r\n"] { expect(line, []) }
  }

  @Test("every type is told apart")
  func types() {
    expect(
      #"{"a": {"b": [1]}, "c": [{}], "d": "e", "f": -1.5e+3, "g": true, "h": false, "i": null}"#,
      [
        member("a", #"{"b": [1]}"#, RECORD_OBJECT), member("c", "[{}]", RECORD_ARRAY),
        member("d", "\"e\"", RECORD_STRING), member("f", "-1.5e+3", RECORD_NUMBER),
        member("g", "true", RECORD_TRUE),
        member("h", "false", RECORD_FALSE), member("i", "null", RECORD_NULL),
      ])
  }

  @Test("whitespace around tokens belongs to no span")
  func whitespace() {
    expect(
      "\t{ \"a\" \r\n:\t[ 1 ,\t2 ] \n, \"b\"\t: \"c\" , \"d\" : 1 , \"e\" : { } }\r\n",
      [
        member("a", "[ 1 ,\t2 ]", RECORD_ARRAY), member("b", "\"c\"", RECORD_STRING),
        member("d", "1", RECORD_NUMBER), member("e", "{ }", RECORD_OBJECT),
      ])
    let gap = String(repeating: " ", count: 150)
    expect(
      "{\(gap)\"a\"\(gap):\(gap)1\(gap),\(gap)\"b\"\(gap):\(gap)[\(gap)]\(gap)}\(gap)",
      [member("a", "1", RECORD_NUMBER), member("b", "[\(gap)]", RECORD_ARRAY)])
  }

  @Test("every form of number passes")
  func numbers() {
    let numbers = [
      "0", "-0", "10", "-10", "0.0", "-0.5", "100.001", "1e5", "1E5", "1e+5", "1e-5", "1e05", "0e0", "0E-00",
      "-0.0e-0",
      "1.5e10", "1.7976931348623157e308", "123456789012345678901234567890",
      "0.00000000000000000000000000000001",
      "-1.1920928955078125e-07", "1e400", String(repeating: "9", count: 200),
      "0." + String(repeating: "0", count: 200),
      "1e" + String(repeating: "0", count: 200), "-" + String(repeating: "12", count: 70) + ".5e-000",
    ]
    for number in numbers { expect("{\"a\":\(number)}", [member("a", number, RECORD_NUMBER)]) }
    for separator in [",", ", ", " ,\t", "\n,\n"] {
      let array = "[" + numbers.joined(separator: separator) + "]"
      expect("{\"a\":\(array)}", [member("a", array, RECORD_ARRAY)])
    }
  }

  @Test("every form of string passes")
  func strings() {
    let strings = [
      "", "a", "é", "中文，字", "😀", "\u{7F}", "\u{80}", "\u{7FF}", "\u{800}", "\u{FFFF}", "\u{10000}",
      "\u{10FFFF}",
      "\u{D7FF}\u{E000}", "/", "[1,2]", "{}", ":,", "'", String(repeating: "x", count: 200),
      String(repeating: "中", count: 100), String(repeating: "😀", count: 50), "NaN", "true",
    ]
    let escapes = [
      "\\\"", "\\\\", "\\/", "\\b\\f\\n\\r\\t", "\\u0000", "\\u00e9\\u00E9", "\\ud83d\\ude00",
      "\\uD83D\\uDE00",
      "\\\\\\\"", "\\\\\\\\", "\\ud7ff", "\\uDBFF\\uDFFF\\ud800\\udc00", "\\\\u12", "\\u005cn", "\\ue000",
      "\\uABCD\\uabcd",
      String(repeating: "\\\\", count: 100), String(repeating: "\\\"", count: 100), "\\n\\ud83d\\ude00\\n",
      String(repeating: "\\ud83d\\ude00", count: 20), String(repeating: "\\u4e2d", count: 40), "a\\u0064",
    ]
    for text in strings { expect("{\"a\":\"\(text)\"}", [member("a", "\"\(text)\"", RECORD_STRING)]) }
    for text in escapes {
      expect("{\"a\":\"\(text)\"}", [member("a", "\"\(text)\"", RECORD_STRING, [RECORD_VALUE_ESCAPED])])
    }
    let all = strings + escapes
    let array = "[\"" + all.joined(separator: "\", \"") + "\"]"
    expect("{\"a\":\(array)}", [member("a", array, RECORD_ARRAY)])
  }

  @Test("only the member that holds a backslash is flagged, and arrays are not")
  func escapeFlags() {
    expect(
      #"{"a": "b", "c\n": "d", "e": "f\\", "g": ["\n"], "h": "i", "\"": "\"", "j": {"k\n": 1}, "l": 2}"#,
      [
        member("a", "\"b\"", RECORD_STRING), member("c\\n", "\"d\"", RECORD_STRING, [RECORD_KEY_ESCAPED]),
        member("e", #""f\\""#, RECORD_STRING, [RECORD_VALUE_ESCAPED]), member("g", #"["\n"]"#, RECORD_ARRAY),
        member("h", "\"i\"", RECORD_STRING),
        member("\\\"", #""\"""#, RECORD_STRING, [RECORD_KEY_ESCAPED, RECORD_VALUE_ESCAPED]),
        member("j", #"{"k\n": 1}"#, RECORD_OBJECT), member("l", "2", RECORD_NUMBER),
      ])
  }

  @Test("NaN and the infinities pass, and flag the member that holds them")
  func nonfinite() {
    let flag = [RECORD_VALUE_NONFINITE]
    expect(
      #"{"a": NaN, "b": 1, "c": -Infinity, "d": [1, {"e": [NaN]}], "f": ["NaN"], "g": Infinity, "h": "NaN"}"#,
      [
        member("a", "NaN", RECORD_NONFINITE, flag), member("b", "1", RECORD_NUMBER),
        member("c", "-Infinity", RECORD_NONFINITE, flag),
        member("d", "[1, {\"e\": [NaN]}]", RECORD_ARRAY, flag), member("f", "[\"NaN\"]", RECORD_ARRAY),
        member("g", "Infinity", RECORD_NONFINITE, flag), member("h", "\"NaN\"", RECORD_STRING),
      ])
    let long = "[NaN, " + String(repeating: "-0.5, ", count: 40) + "-Infinity,Infinity,-Infinity,true,null]"
    expect(
      "{\"a\":0,\"b\":\(long),\"c\":[1]}",
      [
        member("a", "0", RECORD_NUMBER), member("b", long, RECORD_ARRAY, flag),
        member("c", "[1]", RECORD_ARRAY),
      ])
  }

  @Test("only the top level counts")
  func topLevel() {
    let inner = #"[{"a": 1, "b": {"a": 2, "c": [{"a": 3}, {}, []]}}, [[], {}], "a", {"a": "}"}]"#
    expect(
      "{\"a\":\(inner),\"b\":\(inner)}", [member("a", inner, RECORD_ARRAY), member("b", inner, RECORD_ARRAY)])
  }

  @Test("keys are found by name, also escaped, empty or repeated")
  func names() {
    let names = ["id", "tokens", "response", "", "é", "a\nb", "policy_version", "logprobs", "old_logprobs"]
    withNames(names) { table in
      expect(
        #"{"id":1,"tokens":2,"":3,"é":4,"\u00e9":5,"a\nb":6,"\u0069d":7,"policy_version":8,"ID":9,"idx":0,"id":1}"#,
        [
          member("id", "1", RECORD_NUMBER, name: 0), member("tokens", "2", RECORD_NUMBER, name: 1),
          member("", "3", RECORD_NUMBER, name: 3), member("é", "4", RECORD_NUMBER, name: 4),
          member("\\u00e9", "5", RECORD_NUMBER, [RECORD_KEY_ESCAPED], name: 4),
          member("a\\nb", "6", RECORD_NUMBER, [RECORD_KEY_ESCAPED], name: 5),
          member("\\u0069d", "7", RECORD_NUMBER, [RECORD_KEY_ESCAPED], name: 0),
          member("policy_version", "8", RECORD_NUMBER, name: 6), member("ID", "9", RECORD_NUMBER),
          member("idx", "0", RECORD_NUMBER), member("id", "1", RECORD_NUMBER, name: 0),
        ], names: table)
      for (index, name) in names.enumerated() {
        #expect(record_names_find(table, Array(name.utf8), name.utf8.count) == Int16(index))
      }
    }
  }

  @Test("a table of very many names finds each, and the first of equal ones")
  func manyNames() {
    let names = (0..<5000).map { "field_\($0)" } + ["field_7"]
    withNames(names) { table in
      for index in 0..<5000 {
        #expect(record_names_find(table, Array(names[index].utf8), names[index].utf8.count) == Int16(index))
      }
      #expect(record_names_find(table, Array("field_5000".utf8), 10) == -1)
    }
  }

  @Test("more members than fit are counted, and the first are filled in")
  func capacity() {
    let line = Array(("{" + (0..<100).map { "\"k\($0)\":\($0)" }.joined(separator: ",") + "}").utf8)
    for level in everyLevel {
      for capacity in [0, 1, 99, 100, 101] {
        var members = [record_member](repeating: record_member(), count: capacity + 1)
        members[capacity].name = 77
        var count = 0
        var error = record_error()
        let code = record_scan_with(level, line, line.count, nil, &members, capacity, &count, &error)
        #expect(UInt32(code) == (capacity < 100 ? RECORD_CAPACITY.rawValue : RECORD_OK.rawValue))
        #expect(count == 100)
        #expect(members[capacity].name == 77)
        if capacity > 0 { #expect(members[0].key_start == 2 && members[0].value_start == 6) }
      }
    }
  }

  @Test("the default scan gives what the best level gives")
  func bestLevel() {
    let line = Array(#"{"a": [1, 2], "b": "c"}"#.utf8)
    var members = [record_member](repeating: record_member(), count: 4)
    var count = 0
    var error = record_error()
    #expect(record_scan(line, line.count, nil, &members, 4, &count, &error) == RECORD_OK.rawValue)
    #expect(count == 2 && members[1].value_end == 22)
    #expect(String(cString: record_simd_name()) == String(cString: record_level_name(record_best_level())))
  }
}
