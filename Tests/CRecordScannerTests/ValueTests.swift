// SPDX-License-Identifier: Apache-2.0
import CRecordScanner
import Foundation
import Testing

@Suite("Reading of values", .timeLimit(.minutes(15)))
struct ValueTests {
  private func integers(_ text: String, capacity: Int = 16) -> [Int64]? {
    var values = [Int64](repeating: 0, count: capacity)
    let count = record_parse_integers(Array(text.utf8), text.utf8.count, &values, capacity)
    return count < 0 ? nil : Array(values[..<min(capacity, Int(count))])
  }

  private func doubles(_ text: String) -> [Double]? {
    var values = [Double](repeating: 0, count: text.utf8.count)
    let count = record_parse_doubles(Array(text.utf8), text.utf8.count, &values, values.count)
    return count < 0 ? nil : Array(values[..<Int(count)])
  }

  @Test("integers are read to the limits of 64 bits, and nothing else passes")
  func integerArrays() {
    #expect(integers("[]") == [] && integers("[ ]") == [])
    #expect(integers("[1]") == [1] && integers("[ -12 ,0,\t-0\n, 151643 ]") == [-12, 0, 0, 151_643])
    #expect(integers("[9223372036854775807,-9223372036854775808]") == [.max, .min])
    for text in [
      "[9223372036854775808]", "[-9223372036854775809]", "[18446744073709551616]", "[99999999999999999999]",
      "[1.0]",
      "[1e3]", "[1,null]", "[true]", "[\"1\"]", "[[1]]", "[NaN]", "[-Infinity]", "1", "{}", "\"[1]\"", "null",
    ] {
      #expect(integers(text) == nil, "\(text)")
    }
    // Every number of digits, with every separator, at every distance from the end.
    for digits in 1...18 {
      for separator in [",", ", ", " , ", ",\n"] {
        for count in 1...4 {
          let number = String("123456789012345678".prefix(digits))
          let text = "[" + (0..<count).map { _ in number }.joined(separator: separator) + "]"
          #expect(integers(text) == Array(repeating: Int64(number)!, count: count))
          #expect(doubles(text) == Array(repeating: Double(number)!, count: count))
        }
      }
    }
    #expect(integers("[1,2,3]", capacity: 2) == [1, 2])
    #expect(record_parse_integers(Array("[1,2,3]".utf8), 7, nil, 0) == 3)
  }

  @Test("numbers are rounded as Swift rounds them")
  func rounding() {
    var random = SeededGenerator(state: 11)
    var texts = [
      "0", "-0", "0.0", "1", "-1.5", "9007199254740993", "9007199254740992.5",
      "9007199254740993.0000000000000001", "1e22",
      "1e23", "8.5e22", "-1.1920928955078125e-07", "2.2250738585072014e-308", "2.2250738585072011e-308",
      "5e-324", "2e-324",
      "1.7976931348623157e308", "1.7976931348623159e308", "1e400", "-1e400", "1e-400", "18446744073709551616",
      "18446744073709551615", "0.1", "0.00012345678901234567",
      "-0.0000000000000000000000000012345678901234567", "0.30000000000000004", "100000000000000000000000",
      "1e-27", "1e27", "1e28",
      "9999999999999999999e27", "9999999999999999999e-27", "4503599627370496.5", "4503599627370497.5",
      "9007199254740991.5", "18014398509481985", "18014398509481983", "36893488147419103231",
      "0e99999999999999999999",
      "1e99999999999999999999", "1e-99999999999999999999", "0.000000000000000000000000000001e30",
      "1" + String(repeating: "0", count: 900), "0." + String(repeating: "0", count: 900) + "1e900",
      "9007199254740993." + String(repeating: "0", count: 900),
      "9007199254740993." + String(repeating: "0", count: 900) + "1",
      "9007199254740992." + String(repeating: "9", count: 900), "-" + String(repeating: "7", count: 310),
    ]
    for _ in 0..<60_000 {
      let bits = random.next()
      let digits = String(random.next() >> UInt64(random.below(64)))
      switch random.below(4) {
      case 0:
        texts.append(
          "\(-Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits & 0xBFFF_FFFF))).magnitude)")
      case 1:
        let value = Double(bitPattern: bits)
        if value.isFinite { texts.append("\(value)") }
      case 2: texts.append("\(digits)e\(random.below(60) - 30)")
      default:
        texts.append("0.\(String(repeating: "0", count: random.below(8)))\(digits)E+\(random.below(12))")
      }
    }
    texts.removeAll { $0.contains("n") }
    let read = doubles("[" + texts.joined(separator: ", ") + "]") ?? []
    #expect(read.count == texts.count)
    for (text, value) in zip(texts, read) {
      let expected = strtod(text, nil)
      if value.bitPattern != expected.bitPattern { Issue.record("\(text): \(value), expected \(expected)") }
    }
  }

  @Test("halfway cases between two doubles round to even")
  func halfway() {
    var random = SeededGenerator(state: 12)
    for _ in 0..<20_000 {
      // m + 1/2 for a 53-bit m, written out exactly, and its neighbours in the last place.
      let odd = (random.next() >> 10 | 1 << 53) | 1
      for text in ["\(odd)", "\(odd).0", "\(odd)e0", "\(odd)00e-2", "\(odd).01", "\(odd - 1).99"] {
        let value = doubles("[\(text)]")?.first
        if value != strtod(text, nil) { Issue.record("\(text): \(String(describing: value))") }
      }
    }
  }

  @Test("null and what is not finite become NaN, other elements are refused")
  func specialDoubles() {
    let values = doubles("[null, NaN,Infinity, -Infinity , 1e400, 1]") ?? []
    #expect(values.count == 6 && values[..<4].allSatisfy(\.isNaN) && values[4] == .infinity && values[5] == 1)
    for text in ["[true]", "[\"1\"]", "[[1]]", "[{}]", "1", "null", "{}"] {
      #expect(doubles(text) == nil, "\(text)")
    }
    #expect(doubles("[]") == [])
  }

  @Test("elements are counted, whatever they are")
  func elements() {
    for (text, count) in [
      ("[]", 0), ("[ ]", 0), ("[1]", 1), ("[1, 2,3 ]", 3), ("[[]]", 1), ("[[1,2],[3,4]]", 2),
      ("[\"a,b\"]", 1),
      ("[\"]\\\",\", {\"a\": [1, 2]}, null]", 3), ("[{}]", 1), ("{\"a\": 1}", 0), ("1", 0), ("[\"\"]", 1),
      ("[" + String(repeating: "1, ", count: 999) + "1]", 1000),
      ("[" + String(repeating: "\"a,\",", count: 99) + "[1,2]]", 100),
    ] {
      #expect(record_count_elements(Array(text.utf8), text.utf8.count) == count, "\(text)")
    }
  }

  @Test("strings are unescaped, also in place")
  func unescape() throws {
    var random = RandomRecord(seed: 3)
    var texts = [
      "", "abc", #"\"\\\/\b\f\n\r\t"#, #"\u0041\u00e9\u4e2d\ud83d\ude00"#, "中\\n文", #"\u0000"#, #"\\u0041"#,
    ]
    for _ in 0..<2_000 {
      let value = random.value(depth: 9, separators: (",", ":"))
      if value.hasPrefix("\"") { texts.append(String(value.dropFirst().dropLast())) }
    }
    for text in texts {
      let expected = try JSONDecoder().decode(String.self, from: Data("\"\(text)\"".utf8))
      var bytes = Array(text.utf8)
      var copy = [UInt8](repeating: 0, count: bytes.count)
      let length = record_unescape(bytes, bytes.count, &copy)
      #expect(Array(expected.utf8) == Array(copy[..<length]))
      let inPlace = bytes.withUnsafeMutableBufferPointer {
        record_unescape($0.baseAddress, $0.count, $0.baseAddress)
      }
      #expect(Array(expected.utf8) == Array(bytes[..<inPlace]))
    }
  }

  @Test("what is not finite becomes null, strings stay")
  func nonfiniteToNull() {
    for (text, expected, count) in [
      ("NaN", "null", 1), ("-Infinity", "null", 1), ("Infinity", "null", 1), ("[]", "[]", 0),
      ("[NaN,NaN,NaN]", "[null,null,null]", 3),
      ("[1, -Infinity, \"NaN\\\"NaN\", Infinity]", "[1, null, \"NaN\\\"NaN\", null]", 2),
      ("{\"NaN\": NaN, \"I\": [-1, \"\\\\\", NaN]}", "{\"NaN\": null, \"I\": [-1, \"\\\\\", null]}", 2),
    ] {
      let bytes = Array(text.utf8)
      var copy = [UInt8](repeating: 0, count: bytes.count + bytes.count / 3 + 1)
      var replaced: UInt64 = 9
      let length = record_nonfinite_to_null(bytes, bytes.count, &copy, &replaced)
      #expect(String(decoding: copy[..<length], as: UTF8.self) == expected)
      #expect(replaced == count)
    }
  }
}
