// SPDX-License-Identifier: Apache-2.0
import CRecordScanner

/// What a scan found, as something to compare.
struct ScanOutcome: Equatable, CustomStringConvertible {
  struct Member: Equatable {
    var key, value: String
    var type: UInt32
    var flags: UInt8
    var name: Int16
  }

  var code: UInt32
  var offset: UInt64
  var members: [Member] = []

  var description: String { "code \(code) at \(offset), members \(members)" }

  /// The same found `distance` bytes further on.
  func moved(by distance: Int) -> ScanOutcome {
    var moved = self
    if code != RECORD_OK.rawValue { moved.offset += UInt64(distance) }
    return moved
  }
}

let everyLevel = Int32(0)...record_best_level()

/// Scans `bytes` with nothing readable assumed beyond them.
func scan(_ bytes: UnsafeBufferPointer<UInt8>, level: Int32, names: OpaquePointer? = nil) -> ScanOutcome {
  var members = [record_member](repeating: record_member(), count: 64)
  var count = 0
  var error = record_error()
  func run() -> Int32 {
    record_scan_with(level, bytes.baseAddress, bytes.count, names, &members, members.count, &count, &error)
  }
  var code = run()
  if code == RECORD_CAPACITY.rawValue {
    members = [record_member](repeating: record_member(), count: count)
    code = run()
  }
  precondition(code == error.code)
  return ScanOutcome(
    code: UInt32(code), offset: error.offset,
    members: members[..<count].map { member in
      ScanOutcome.Member(
        key: String(decoding: bytes[Int(member.key_start)..<Int(member.key_end)], as: UTF8.self),
        value: String(decoding: bytes[Int(member.value_start)..<Int(member.value_end)], as: UTF8.self),
        type: UInt32(member.type), flags: member.flags, name: member.name)
    })
}

func scan(_ bytes: [UInt8], level: Int32 = record_best_level(), names: OpaquePointer? = nil) -> ScanOutcome {
  bytes.withUnsafeBufferPointer { scan($0, level: level, names: names) }
}

/// Calls `body` with `text` pushed to the right by 0 to 63 blanks, so that everything in it crosses the border of a
/// block once, and the number of blanks.
func withEveryAlignment(of text: [UInt8], _ body: ([UInt8], Int) -> Void) {
  for blanks in 0..<64 { body([UInt8](repeating: 0x20, count: blanks) + text, blanks) }
}

/// A table of names for the length of `body`.
func withNames<Result>(_ names: [String], _ body: (OpaquePointer) throws -> Result) rethrows -> Result {
  var pointers: [UnsafePointer<CChar>?] = []
  var lengths: [UInt16] = []
  for name in names {
    let copy = UnsafeMutablePointer<CChar>.allocate(capacity: name.utf8.count + 1)
    for (i, byte) in name.utf8.enumerated() { copy[i] = CChar(bitPattern: byte) }
    pointers.append(UnsafePointer(copy))
    lengths.append(UInt16(name.utf8.count))
  }
  defer { for pointer in pointers { pointer?.deallocate() } }
  let table = record_names_make(pointers, lengths, names.count)!
  defer { record_names_free(table) }
  return try body(table)
}
