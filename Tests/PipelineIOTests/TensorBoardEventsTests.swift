// SPDX-License-Identifier: Apache-2.0
import PipelineIO
import Testing

@Suite("TensorBoardEvents", .timeLimit(.minutes(15)))
struct TensorBoardEventsTests {
  /// The records of a file; checks every length and check on the way.
  private func records(_ bytes: [UInt8]) throws -> [[UInt8]] {
    func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) } }
    var records: [[UInt8]] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      try #require(rest.count >= 16)
      let head = rest.prefix(8)
      let end = rest.startIndex + 12 + Int(number(head))
      try #require(end + 4 <= rest.endIndex)
      let data = rest[(rest.startIndex + 12)..<end]
      #expect(number(rest[(rest.startIndex + 8)..<(rest.startIndex + 12)]) == UInt64(CRC32C.masked(head)))
      #expect(number(rest[end..<(end + 4)]) == UInt64(CRC32C.masked(data)))
      records.append(Array(data))
      rest = rest[(end + 4)...]
    }
    return records
  }

  @Test(
    "CRC-32C gives the published values",
    arguments: [
      ("123456789", 0xE306_9283), ("", 0), ("a", 0xC1D0_4330), ("abc", 0x364B_3FB7),
    ] as [(String, UInt32)])
  func checksumOfText(_ text: String, _ expected: UInt32) {
    #expect(CRC32C.checksum(text.utf8) == expected)
  }

  // RFC 3720, B.4; its table shows the bytes of the check in the order in which they are sent.
  @Test(
    "CRC-32C gives the values of RFC 3720",
    arguments: [
      ([UInt8](repeating: 0, count: 32), 0x8A91_36AA), ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
      ([UInt8](0..<32), 0x46DD_794E), ([UInt8]((0..<32).reversed()), 0x113F_DB5C),
    ] as [([UInt8], UInt32)])
  func checksumOfBytes(_ bytes: [UInt8], _ expected: UInt32) {
    #expect(CRC32C.checksum(bytes) == expected)
  }

  @Test("the first record says the version")
  func version() throws {
    let record = try #require(try records(TensorBoardEvents.fileVersion(wallTime: 1.5)).first)
    // Wall time 1.5 as a double, then 13 bytes of text.
    #expect(record == [0x09, 0, 0, 0, 0, 0, 0, 0xF8, 0x3F, 0x1A, 13] + Array("brain.Event:2".utf8))
  }

  @Test("a step's scalars are 32-bit floats under their names")
  func scalars() throws {
    let bytes = TensorBoardEvents.step(300, wallTime: 1.5, scalars: [("a/b", -2), ("c", 0)])
    let first: [UInt8] = [0x0A, 10, 0x0A, 3] + Array("a/b".utf8) + [0x15, 0, 0, 0, 0xC0]
    let second: [UInt8] = [0x0A, 8, 0x0A, 1] + Array("c".utf8) + [0x15, 0, 0, 0, 0]
    let head: [UInt8] = [0x09, 0, 0, 0, 0, 0, 0, 0xF8, 0x3F, 0x10, 0xAC, 0x02, 0x2A, 22]
    #expect(try records(bytes) == [head + first + second])
  }

  @Test("what is appended is a file still")
  func appended() throws {
    let version = TensorBoardEvents.fileVersion(wallTime: 0)
    let steps = (0..<5).map { TensorBoardEvents.step($0, wallTime: 0, scalars: [("x", Double($0))]) }
    #expect(try records(version + steps.joined()).count == 6)
  }

  @Test("the length of a record does not depend on values")
  func lengths() throws {
    func record(_ value: Double) throws -> [UInt8] {
      let histogram = try #require(TensorBoardEvents.Histogram(edges: [-1, 1], counts: [0, value.magnitude, 0]))
      return TensorBoardEvents.step(7, wallTime: value, scalars: [("x", value)], histograms: [("h", histogram)])
    }
    let lengths = try [0, 1, -1e30, 1e-30, .pi].map { try record($0).count }
    #expect(Set(lengths).count == 1)
  }

  @Test("a histogram needs ascending edges and one count more")
  func histograms() {
    typealias Histogram = TensorBoardEvents.Histogram
    #expect(Histogram(edges: [0], counts: [1, 2]) != nil)
    #expect(Histogram(edges: [], counts: [1]) == nil)
    #expect(Histogram(edges: [0, 1], counts: [1, 2]) == nil)
    #expect(Histogram(edges: [1, 1], counts: [1, 2, 3]) == nil)
    #expect(Histogram(edges: [0, .infinity], counts: [1, 2, 3]) == nil)
    #expect(Histogram(edges: [0, 1], counts: [1, .nan, 3]) == nil)
  }
}
