// SPDX-License-Identifier: Apache-2.0
import CRecordScanner
import Foundation
import Testing

@Suite("Laws of the scanner", .timeLimit(.minutes(15)))
struct LawTests {
  @Test("valid and damaged records get the reference's verdict, the same at every level")
  func sameVerdict() {
    var random = RandomRecord(seed: 20_250_812)
    var valid = 0
    var codes: Set<UInt32> = []
    withNames(["id", "tokens", "reward"]) { names in
      for _ in 0..<20_000 {
        let record = random.record()
        for round in 0..<12 {
          let line = round == 0 ? record : random.damaged(record)
          let accepted = ReferenceValidator.accepts(line)
          let plain = scan(line, level: 0, names: names)
          if (plain.code == RECORD_OK.rawValue) != accepted {
            Issue.record("\(plain.code) for \(String(decoding: line, as: UTF8.self))")
          }
          #expect(round > 0 || accepted)
          valid += accepted ? 1 : 0
          codes.insert(plain.code)
          for level in everyLevel.dropFirst() {
            let outcome = scan(line, level: level, names: names)
            if outcome != plain {
              Issue.record(
                "level \(level): \(outcome), plain: \(plain): \(String(decoding: line, as: UTF8.self))")
            }
          }
        }
      }
    }
    // The damage must leave some lines valid and meet every fault but those of size.
    #expect(valid > 40_000)
    #expect(codes.count >= 19, "\(codes.sorted())")
  }

  /// A page that may not be touched behind one that may.
  private struct GuardedPage {
    let base: UnsafeMutableRawPointer
    let size = Int(getpagesize())

    init() {
      base = mmap(nil, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)!
      mprotect(base + size, size, PROT_NONE)
    }

    /// Puts `bytes` so that they end with the page.
    func place(_ bytes: [UInt8]) -> UnsafeBufferPointer<UInt8> {
      let start = base + size - bytes.count
      start.copyMemory(from: bytes, byteCount: bytes.count)
      return UnsafeBufferPointer(start: start.assumingMemoryBound(to: UInt8.self), count: bytes.count)
    }
  }

  @Test("nothing behind the line is read")
  func guardedEnd() {
    let page = GuardedPage()
    defer { munmap(page.base, 2 * page.size) }
    var random = RandomRecord(seed: 5)
    withNames(["id", "tokens", "reward", "é"]) { names in
      for _ in 0..<1_500 {
        var record = random.record()
        while record.count > 3_000 { record = random.record() }
        if random.generator.below(2) == 0 { record = random.damaged(record) }
        let cut = random.generator.below(4) == 0 ? random.generator.below(record.count + 1) : record.count
        let line = Array(record[..<cut])
        for level in everyLevel {
          let outcome = scan(page.place(line), level: level, names: names)
          #expect(outcome == scan(line, level: 0, names: names))
        }
      }
      // Every prefix of a line with each kind of token, also where it fills its last block.
      let line = Array(
        #"{"id": [1.5e-3, -2], "x": "é\u00e9\ud83d\ude00中", "y": [true, -Infinity, NaN, null]}"#.utf8)
      for length in 0...line.count {
        let prefix = Array(line[..<length])
        for blanks in [0, 63 - (length + 63) % 64] {
          let padded = [UInt8](repeating: 0x20, count: blanks) + prefix
          for level in everyLevel {
            let outcome = scan(page.place(padded), level: level, names: names)
            #expect(outcome == scan(padded, level: 0, names: names))
          }
        }
      }
    }
  }

  @Test("a line of 100 MB is scanned")
  func longLine() {
    var line = Array("{\"tokens\": [".utf8)
    let piece = Array("151643, 11, -0.25, 1e-05, 7, ".utf8)
    while line.count < 50_000_000 { line.append(contentsOf: piece) }
    line.append(contentsOf: Array("0], \"response\": \"".utf8))
    let text = Array("中文 and \\n\\\"English\\\", on and on ".utf8)
    while line.count < 100_000_000 { line.append(contentsOf: text) }
    line.append(contentsOf: Array("\", \"reward\": 1}".utf8))
    for level in everyLevel {
      var members = [record_member](repeating: record_member(), count: 4)
      var count = 0
      var error = record_error()
      #expect(
        record_scan_with(level, line, line.count, nil, &members, 4, &count, &error) == RECORD_OK.rawValue)
      #expect(count == 3)
      #expect(Int(members[2].value_start) == line.count - 2)
      #expect(members[1].flags == UInt8(RECORD_VALUE_ESCAPED.rawValue))
    }
    line[line.count - 2] = UInt8(ascii: "x")
    for level in everyLevel {
      let fault = ScanOutcome(code: RECORD_INVALID_LITERAL.rawValue, offset: UInt64(line.count - 2))
      #expect(scan(line, level: level) == fault)
    }
  }

  @Test("a line beyond 1 GiB is refused unread")
  func tooLong() {
    var count = 1
    var error = record_error()
    let length = 1 << 30 + 1
    #expect(record_scan(nil, length, nil, nil, 0, &count, &error) == RECORD_TOO_LONG.rawValue)
    #expect(error.offset == 1 << 30 && count == 0)
  }

  @Test("threads share a table of names")
  func threads() async {
    let line = Array(#"{"id": "a", "tokens": [1, 2, 3], "reward": 1.0}"#.utf8)
    nonisolated(unsafe) let table = withNamesLeaked(["id", "tokens", "reward"])
    await withTaskGroup(of: [Int16].self) { group in
      for _ in 0..<8 {
        group.addTask { (0..<1_000).flatMap { _ in scan(line, names: table).members.map(\.name) } }
      }
      for await names in group { #expect(names == (0..<3_000).map { Int16($0 % 3) }) }
    }
    record_names_free(table)
  }

  private func withNamesLeaked(_ names: [String]) -> OpaquePointer {
    let pointers = names.map { UnsafePointer(strdup($0)) }
    defer { for pointer in pointers { free(UnsafeMutablePointer(mutating: pointer)) } }
    return record_names_make(pointers, names.map { UInt16($0.utf8.count) }, names.count)!
  }
}
