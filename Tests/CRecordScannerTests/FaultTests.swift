// SPDX-License-Identifier: Apache-2.0
import CRecordScanner
import Testing

@Suite("Faults of a line", .timeLimit(.minutes(15)))
struct FaultTests {
  /// A line, its fault, and where: the offset of the first `‸` in the line, which is taken out.
  static let faults: [(record_error_code, [String])] = [
    (RECORD_EMPTY, ["‸", " \t\r\n‸"]),
    (
      RECORD_NOT_OBJECT,
      [
        "‸[]", "‸12", "‸\"a\"", "‸null", "‸NaN", "‸}", "‸x", "‸:", "‸\u{FEFF}{}", "‸[{}]", "‸1, {}", "‸,{}",
        "‸1 {}", "‸]{}",
      ]
    ),
    (
      RECORD_TRUNCATED,
      [
        "{‸", "{\"a\"‸", "{\"a\":‸", "{\"a\":1‸", "{\"a\":-‸", "{\"a\":1.‸", "{\"a\":1e‸", "{\"a\":1e+‸",
        "{\"a\":[‸",
        "{\"a\":[1,‸", "{\"a\":{‸", "{\"a\":{\"b\":1}‸", "{\"a\":tru‸", "{\"a\":n‸", "{\"a\":Infinit‸",
        "{\"a\":true‸",
        "{\"a\":1,‸", "{ \n‸", "{\"a\":[[]‸", "{\"a\":\"b\"‸",
      ]
    ),
    (
      RECORD_UNTERMINATED_STRING,
      [
        "{‸\"", "{‸\"a", "{\"a\":‸\"b", "{\"a\":‸\"b\\", "{\"a\":‸\"b\\\"", "{\"a\":‸\"b\\u",
        "{\"a\":‸\"b\\u12",
        "{\"a\":[‸\"é", "{\"a\":\"b\",‸\"}", "{\"a\":‸\"\\\\\\\"}",
      ]
    ),
    (
      RECORD_CONTROL_CHARACTER,
      [
        "{\"a\":\"b‸\u{0}c\"}", "{\"a\":\"‸\n\"}", "{\"‸\t\":1}", "{\"a\":\"‸\u{1F}\"}",
        "{\"a\":[\"x\",\"‸\r\"]}",
        "{\"a\":\"b‸\u{1}", "{\"a\":\"\(String(repeating: "x", count: 70))‸\u{2}\"}",
      ]
    ),
    (
      RECORD_INVALID_ESCAPE,
      [
        "{\"a\":\"‸\\x\"}", "{\"a\":\"‸\\a\"}", "{\"‸\\U0041\":1}", "{\"a\":\"‸\\u12g4\"}",
        "{\"a\":\"‸\\u\"}",
        "{\"a\":\"‸\\u123\"}", "{\"a\":\"\\\\‸\\ \"}", "{\"a\":\"‸\\'\"}", "{\"a\":\"‸\\0\"}",
        "{\"a\":\"‸\\é\"}",
        "{\"a\":\"‸\\u00é\"}", "{\"a\":\"\\ud83d‸\\u12x4\"}", "{\"a\":\"‸\\u+123\"}", "{\"a\":\"‸\\u 123\"}",
        "{\"a\":\"‸\\N\"}", "{\"a\":\"‸\\u12\\u1234\"}", "{\"a\":\"\\u12345‸\\u000\"}",
        "{\"a\":\"‸\\u:123\"}",
        "{\"a\":\"‸\\u@123\"}", "{\"a\":\"‸\\u`123\"}", "{\"a\":\"‸\\uG123\"}", "{\"a\":\"‸\\\u{7F}\"}",
      ]
    ),
    (
      RECORD_LONE_SURROGATE,
      [
        "{\"a\":\"‸\\ud83d\"}", "{\"a\":\"‸\\ude00\"}", "{\"a\":\"‸\\ud83dx\\ude00\"}",
        "{\"a\":\"‸\\uDE00\\uD83D\"}",
        "{\"a\":\"‸\\ud83d\\ud83d\\ude00\"}", "{\"a\":\"\\ud83d\\ude00‸\\ude00\"}", "{\"‸\\uDBFF\":1}",
        "{\"a\":\"‸\\ud800\\n\"}", "{\"a\":\"‸\\ud800\\\\udc00\"}", "{\"a\":\"‸\\uDFFF\"}",
        "{\"a\":\"‸\\ud83d\\u0064\"}",
        "{\"a\":\"‸\\udbff\\udbff\"}", "{\"a\":\"‸\\ud83d\",\"b\":\"\\ude00\"}",
        "{\"a\":\"‸\\ud83d\\ue000\"}",
      ]
    ),
    (
      RECORD_INVALID_NUMBER,
      [
        "{\"a\":‸+1}", "{\"a\":‸.5}", "{\"a\":1.‸}", "{\"a\":1.‸e5}", "{\"a\":1e‸}", "{\"a\":1e+‸}",
        "{\"a\":-‸}",
        "{\"a\":-‸a}", "{\"a\":1‸a}", "{\"a\":1.5‸.2}", "{\"a\":1e5‸.2}", "{\"a\":1e5‸e2}", "{\"a\":1‸-2}",
        "{\"a\":1‸+2}", "{\"a\":-‸-1}", "{\"a\":0‸x10}", "{\"a\":1e-‸-5}", "{\"a\":1e+‸+5}",
        "{\"a\":[1,2‸_3]}",
        "{\"a\":1.5e3‸E1}", "{\"a\":1e‸.5}", "{\"a\":-‸.5}", "{\"a\":1.‸.5}", "{\"a\":-‸Inf}",
        "{\"a\":-‸NaN}",
        "{\"a\":1‸true}", "{\"a\":-‸true}", "{\"a\":1e‸Infinity}", "{\"a\":1e-‸Infinity}",
        "{\"a\":-‸-Infinity}",
        "{\"a\":1‸Infinity}", "{\"a\":1‸-Infinity}", "{\"a\":1‸\\}", "{\"a\":1‸é}", "{\"a\":[-‸,1]}",
        "{\"a\":[1,-‸ 1]}",
        "{\"a\":[1‸.e1]}".replacing("‸.", with: ".‸"), "{\"a\":-‸Infinit}", "{\"a\":1‸/2}", "{\"a\":1‸'}",
        "{\"a\":1.5‸-1}", "{\"a\":1e5‸-1}", "{\"a\":1e5‸+1}", "{\"a\":‸+Infinity}",
      ]
    ),
    (
      RECORD_LEADING_ZERO,
      [
        "{\"a\":‸01}", "{\"a\":-‸01}", "{\"a\":‸00}", "{\"a\":‸00.5}", "{\"a\":[1,‸02,3]}", "{\"a\":‸01e5}",
        "{\"a\":[10, 20, -‸00]}",
      ]
    ),
    (
      RECORD_INVALID_LITERAL,
      [
        "{\"a\":‸True}", "{\"a\":‸tru}", "{\"a\":‸truer}", "{\"a\":‸nul,\"b\":1}", "{\"a\":‸nan}",
        "{\"a\":‸NAN}",
        "{\"a\":‸Infinit}", "{\"a\":‸infinity}", "{\"a\":‸falsee}", "{\"a\":‸nullnull}", "{\"a\":‸NaN1}",
        "{\"a\":‸true1}", "{\"a\":‸-Infinityy}", "{\"a\":‸undefined}", "{\"a\":‸e5}", "{\"a\":‸E}",
        "{\"a\":‸true.}",
        "{\"a\":‸null-1}", "{\"a\":‸Infinity-}", "{\"a\":‸trueé}", "{\"a\":‸false\\n}",
        "{\"a\":‸Infinity-Infinity}",
        "{\"a\":[null,‸nulL]}", "{\"a\":‸trux}",
      ]
    ),
    (
      RECORD_TRAILING_COMMA,
      [
        "{\"a\":1‸,}", "{\"a\":[1‸,]}", "{\"a\":[1 ‸, ]}", "{\"a\":{\"b\":1‸, }}", "{\"a\":[[]‸,]}",
        "{\"a\":[1‸,}",
      ]
    ),
    (
      RECORD_MISSING_COMMA,
      [
        "{\"a\":1 ‸2}", "{\"a\":[1 ‸2]}", "{\"a\":[\"x\"‸\"y\"]}", "{\"a\":[[]‸[]]}", "{\"a\":{}‸{}}",
        "{\"a\":\"b\"‸\"c\":1}",
        "{\"a\":1‸\"b\":2}", "{\"a\":1 ‸\"b\":2}", "{\"a\":[1‸[2]]}", "{\"a\":[true ‸false]}",
        "{\"a\":\"b\"‸1}",
        "{\"a\":[1‸\"x\"]}", "{\"a\":[null‸\"x\"]}", "{\"a\":\"b\"‸true}", "{\"a\":[1‸{}]}",
        "{\"a\":[\"x\" ‸-1]}",
      ]
    ),
    (
      RECORD_MISSING_COLON,
      [
        "{\"a\"‸}", "{\"a\"‸1}", "{\"a\"‸,1}", "{\"a\" ‸\"b\"}", "{\"a\"‸{}}", "{\"a\"‸true}", "{\"a\"‸[]}",
        "{\"a\" ‸]}",
      ]
    ),
    (
      RECORD_MISSING_VALUE,
      [
        "{\"a\":‸}", "{\"a\":‸,\"b\":1}", "{\"a\":‸:1}", "{\"a\":[‸,1]}", "{\"a\":[1,‸,2]}",
        "{\"a\":[1, ‸, 2]}",
        "{\"a\":[‸:]}", "{\"a\":‸]}", "{\"a\":[1,‸:2]}", "{\"a\":[‸,]}",
      ]
    ),
    (
      RECORD_MISSING_KEY,
      [
        "{‸1:2}", "{‸,}", "{‸:1}", "{‸{}}", "{‸a:1}", "{\"a\":1,‸b:2}", "{\"a\":1,‸,\"b\":2}",
        "{\"a\":1,‸:2}", "{‸[]}",
        "{\"a\":{‸null:1}}", "{‸'a':1}", "{\"a\":1,‸2}", "{‸-}", "{\"a\":1, ‸{}}", "{‸é:1}",
      ]
    ),
    (
      RECORD_MISMATCHED_BRACKET,
      [
        "{‸]", "{\"a\":[‸}", "{\"a\":[1‸}}", "{\"a\":{\"b\":1‸]}", "{\"a\":1‸]", "{\"a\":[[1‸}]}",
        "{\"a\":[{}‸}}",
      ]
    ),
    (
      RECORD_TRAILING_CONTENT,
      [
        "{}‸{}", "{} ‸1", "{}‸}", "{}‸]", "{}‸,", "{\"a\":1}‸x", "{}\n‸{}", "{}‸\"", "{}‸\u{0}", "{}‸:",
        "{} ‸true",
        "{\"a\":1} \(String(repeating: " ", count: 100))‸.", "{}‸é", "{}‸\u{B}", "{}‸\\",
      ]
    ),
    (
      RECORD_UNEXPECTED_CHARACTER,
      [
        "{\"a\":‸'b'}", "{\"a\":‸\u{0}}", "{\"a\":1 ‸:2}", "{\"a\":1 ‸x}", "{\"a\":[1 ‸/ 2]}", "{\"a\":‸é}",
        "{\"a\":‸\\}",
        "{\"a\":‸/**/1}", "{\"a\":[1 ‸:]}", "{\"a\":\"b\"‸:1}", "{\"a\":‸\u{C}1}", "{\"a\":\"b\"‸x}",
        "{\"a\":[]‸+}",
        "{\"a\":1‸:2}", "{\"a\":[\"k\"‸:1]}", "{\"a\":‸_}", "{\"a\":‸\u{A0}1}", "{\"a\":\"b\" ‸+1}",
        "{\"a\":1 ‸\\\"\"}",
      ]
    ),
  ]

  @Test("every fault is named and placed, at every level and alignment", arguments: faults.indices)
  func named(index: Int) {
    let (code, lines) = Self.faults[index]
    for line in lines {
      let parts = line.split(separator: "‸", omittingEmptySubsequences: false)
      let bytes = Array(parts.joined().utf8)
      let expected = ScanOutcome(code: code.rawValue, offset: UInt64(parts[0].utf8.count))
      #expect(!ReferenceValidator.accepts(bytes), "\(line)")
      expectEverywhere(bytes, expected, line)
    }
  }

  /// The bytes of a string, and the offset in it at which they stop being UTF-8.
  static let notUTF8: [([UInt8], Int)] = [
    ([0x80], 0), ([0xBF], 0), ([0xC0, 0x80], 0), ([0xC1, 0xBF], 0), ([0xC2], 0), ([0xC2, 0x41], 0),
    ([0xC3, 0xA9, 0xA9], 2), ([0xE0, 0x80, 0x80], 0), ([0xE0, 0x9F, 0xBF], 0), ([0xE4, 0xB8], 0),
    ([0xE4, 0xB8, 0x41], 0), ([0xE4, 0x41, 0x80], 0), ([0xED, 0xA0, 0x80], 0), ([0xED, 0xBF, 0xBF], 0),
    ([0xF0, 0x80, 0x80, 0x80], 0), ([0xF0, 0x8F, 0xBF, 0xBF], 0), ([0xF0, 0x9F, 0x98], 0),
    ([0xF4, 0x90, 0x80, 0x80], 0), ([0xF5, 0x80, 0x80, 0x80], 0), ([0xFF], 0), ([0xFE, 0x80], 0),
    ([0xE4, 0xB8, 0xAD, 0x80], 3), ([0x41, 0xF0, 0x9F, 0x98, 0x80, 0xF8, 0x88, 0x80, 0x80, 0x80], 5),
    ([0xE4, 0xE4, 0xB8, 0xAD], 0), ([0xF0, 0x9F, 0x98, 0xC3, 0xA9], 0), ([0xF1, 0x80, 0x80, 0x80, 0x80], 4),
    ([0xF8, 0x88, 0x80, 0x80, 0x80], 0), ([0xF4, 0xBF, 0xBF, 0xBF], 0), ([0xE4, 0x5C, 0x6E], 0),
  ]

  @Test("faults amid long arrays of numbers are found, at every level and alignment")
  func longArrays() {
    let before = "{\"a\":[" + String(repeating: "10, -0.5, 1e-05, ", count: 12)
    let after = String(repeating: ", 7", count: 40) + "]}"
    let faults: [(String, record_error_code)] = [
      ("1‸,]", RECORD_TRAILING_COMMA), ("1‸, ]", RECORD_TRAILING_COMMA), ("‸,1", RECORD_MISSING_VALUE),
      ("1 ‸2", RECORD_MISSING_COMMA), ("‸01", RECORD_LEADING_ZERO), ("-‸00", RECORD_LEADING_ZERO),
      ("1.‸", RECORD_INVALID_NUMBER), ("‸.5", RECORD_INVALID_NUMBER), ("1.5‸.5", RECORD_INVALID_NUMBER),
      ("1e‸", RECORD_INVALID_NUMBER), ("1e5‸e5", RECORD_INVALID_NUMBER), ("1e5‸.5", RECORD_INVALID_NUMBER),
      ("-‸", RECORD_INVALID_NUMBER), ("1‸-1", RECORD_INVALID_NUMBER), ("‸+1", RECORD_INVALID_NUMBER),
      ("1e+‸-1", RECORD_INVALID_NUMBER), ("1 ‸:", RECORD_UNEXPECTED_CHARACTER),
      ("1‸}", RECORD_MISMATCHED_BRACKET),
      ("‸nul", RECORD_INVALID_LITERAL), ("‸\u{1}", RECORD_UNEXPECTED_CHARACTER),
      ("-‸ 1", RECORD_INVALID_NUMBER),
    ]
    for (fault, code) in faults {
      for before in [before, "{\"a\":[" + String(repeating: "12, ", count: 50), "{\"a\":[3, "] {
        let place = fault.prefix { $0 != "‸" }
        let line = before + fault.replacing("‸", with: "") + after
        let offset = (before + place).utf8.count
        #expect(!ReferenceValidator.accepts(Array(line.utf8)), "\(line)")
        expectEverywhere(Array(line.utf8), ScanOutcome(code: code.rawValue, offset: UInt64(offset)), line)
      }
    }
    // The one ',' that no later one follows within a block.
    let numbers = "{\"a\":[" + String(repeating: "12, ", count: 50)
    for end in [",]", ", ]"] {
      let line = numbers + "3" + end + String(repeating: " ", count: 100) + "}"
      let offset = UInt64(numbers.utf8.count + 1)
      expectEverywhere(
        Array(line.utf8), ScanOutcome(code: RECORD_TRAILING_COMMA.rawValue, offset: offset), line)
    }
  }

  @Test("what is not UTF-8 in a string is placed, at every level and alignment", arguments: notUTF8.indices)
  func utf8(index: Int) {
    let (text, at) = Self.notUTF8[index]
    let head = Array("{\"a\":\"".utf8), key = Array("{\"".utf8)
    let code = RECORD_INVALID_UTF8.rawValue
    expectEverywhere(
      head + text + Array("\"}".utf8), ScanOutcome(code: code, offset: UInt64(head.count + at)), "\(text)")
    expectEverywhere(
      key + text + Array("\":1}".utf8), ScanOutcome(code: code, offset: UInt64(key.count + at)), "\(text)")
  }

  @Test("nesting deeper than 1024 levels is refused at the bracket too many")
  func depth() {
    func nested(_ levels: Int, _ open: String, _ close: String) -> [UInt8] {
      Array(
        ("{\"a\":" + String(repeating: open, count: levels - 1) + "1"
          + String(repeating: close, count: levels - 1) + "}").utf8)
    }
    for (open, close) in [("[", "]"), ("{\"b\":", "}"), ("[ ", " ]")] {
      for level in everyLevel {
        let deepest = scan(nested(1024, open, close), level: level)
        #expect(deepest.code == RECORD_OK.rawValue && deepest.members.count == 1)
        let fault = ScanOutcome(code: RECORD_DEPTH_LIMIT.rawValue, offset: UInt64(5 + 1023 * open.utf8.count))
        #expect(scan(nested(1025, open, close), level: level) == fault)
        #expect(
          scan(Array("{\"a\":".utf8) + Array(repeating: UInt8(ascii: "["), count: 100_000), level: level).code
            == RECORD_DEPTH_LIMIT.rawValue)
      }
    }
  }

  @Test("every code has a message of its own")
  func messages() {
    let messages = (0...RECORD_DISAGREEMENT.rawValue + 1).map {
      String(cString: record_error_message(Int32($0)))
    }
    #expect(Set(messages).count == messages.count)
    #expect(messages[Int(RECORD_TRAILING_COMMA.rawValue)] == "comma before a closing bracket")
  }

  private func expectEverywhere(_ bytes: [UInt8], _ expected: ScanOutcome, _ line: String) {
    withEveryAlignment(of: bytes) { padded, blanks in
      for level in everyLevel {
        let outcome = scan(padded, level: level)
        if outcome != expected.moved(by: blanks) {
          Issue.record("\(line): \(outcome), expected \(expected.moved(by: blanks)), level \(level)")
        }
      }
    }
  }
}
