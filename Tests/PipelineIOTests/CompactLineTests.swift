// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineIO
import Testing

@Suite("Compact lines", .timeLimit(.minutes(15)))
struct CompactLineTests {
  private let place = SourceLocation(file: "in.jsonl", line: 1, column: 1)

  private func compact(_ line: String) throws -> (text: String, isNonFinite: Bool) {
    let reader = CompactLine()
    return try Array(line.utf8).withUnsafeBytes { bytes in
      let read = try reader.read(bytes, at: place)
      var written: [UInt8] = []
      read.line.write(to: &written)
      return (String(decoding: written, as: UTF8.self), read.isNonFinite)
    }
  }

  @Test(
    "a line is written with the least that JSON needs",
    arguments: [
      (#" { "a" : [ 1 , 2 ] , "b" : { } } "#, #"{"a":[1,2],"b":{}}"#),
      (#"{"a":"\u00e9\ud83d\ude00\/\u0041"}"#, #"{"a":"é😀/A"}"#),
      (
        #"{"a":"\b\f\n\r\t\"\\\u0000\u001f\u0022\u005c\u000a"}"#,
        #"{"a":"\u0008\u000c\n\r\t\"\\\u0000\u001f\"\\\n"}"#
      ),
      (#"{"a":[NaN, -Infinity, Infinity],"N":"NaN"}"#, #"{"a":[null,null,null],"N":"NaN"}"#),
      (#"{"a":1.50e+3,"b":-0.0,"c":true,"d":null}"#, #"{"a":1.50e+3,"b":-0.0,"c":true,"d":null}"#),
      (#"{"x":"\\\\\"","y":"\\"}"#, #"{"x":"\\\\\"","y":"\\"}"#),
    ])
  func least(line: String, expected: String) throws { #expect(try compact(line).text == expected) }

  @Test("a line becomes what its value is written as, and its strings have as many scalars")
  func law() throws {
    var random = PhiloxGenerator(seed: 11, purpose: "lines")
    let pieces = [
      "a", "é", "😀", "\\n", "\\t", "\\\"", "\\\\", "\\/", "\\b", "\\f", "\\u00e9", "\\ud83d\\ude00", "\\u0007",
      "\\u0041",
      "long enough for a word of eight bytes", " ", "\\u2028", "\u{7f}", "漢",
    ]
    for _ in 0..<2_000 {
      let text = (0..<Int.random(in: 0...12, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }
        .joined()
      let line = "{\"k\" : \"\(text)\", \"list\":[ \"\(text)\" , {\"\(text)\" : NaN} ]}"
      let value = try JSONValue(parsing: line)
      let found = try compact(line)
      #expect(found.text == value.json && found.isNonFinite)
      let scalars = Array(text.utf8).withUnsafeBytes { RecordWalk.scalarCount(inside: $0) }
      #expect(scalars == value["k"]?.stringValue?.unicodeScalars.count)
    }
  }

  @Test("a hash index numbers hashes in their order, and finds each again")
  func hashIndex() {
    var index = HashIndex()
    // Multiples of a power of two share their low bits.
    let hashes = (0..<5_000).map { UInt64($0) << 40 | UInt64($0 % 3) }
    for (number, hash) in hashes.enumerated() { #expect(index.insert(hash) == (number, true)) }
    for (number, hash) in hashes.enumerated() { #expect(index.insert(hash) == (number, false)) }
    #expect(index.count == 5_000)
  }
}
