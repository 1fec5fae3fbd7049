// SPDX-License-Identifier: Apache-2.0
import CRecordScanner

/// Walks over the top-level members of a line that has been checked, decoding only the keys.
public enum RecordWalk {
  /// The number of Unicode scalars between the quotes of a string that the scanner has accepted, escapes resolved.
  package static func scalarCount(inside bytes: UnsafeRawBufferPointer) -> Int {
    record_count_scalars(bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
  }

  /// The value of the first top-level key of a name, or nil.
  ///
  /// - Parameter line: A valid JSON object; only what memory safety needs is checked again.
  public static func value(of field: Field, in line: UnsafeRawBufferPointer) throws -> JSONValue? {
    var found: JSONValue?
    try forEachMember(in: line) { name, value in
      guard name == field.rawValue else { return true }
      found = try JSONValue(parsing: UnsafeRawBufferPointer(rebasing: line[value]))
      return false
    }
    return found
  }

  /// Calls `body` with each top-level key and the bytes of its value, until it returns false.
  public static func forEachMember(
    in line: UnsafeRawBufferPointer, _ body: (String, Range<Int>) throws -> Bool
  ) throws {
    var position = line.firstIndex(of: UInt8(ascii: "{")).map { $0 + 1 } ?? line.count
    while true {
      while position < line.count, line[position] != UInt8(ascii: "\"") {
        if line[position] == UInt8(ascii: "}") { return }
        position += 1
      }
      guard position < line.count else { return }
      let keyEnd = end(ofValueAt: position, in: line)
      guard keyEnd > position + 1 else { return }
      let key = JSONValue.string(inside: line[position + 1..<keyEnd - 1])
      position = keyEnd
      while position < line.count, line[position] == UInt8(ascii: ":") || line[position] <= 0x20 { position += 1 }
      let valueEnd = end(ofValueAt: position, in: line)
      guard try body(key, position..<valueEnd) else { return }
      position = valueEnd
    }
  }

  /// The offset behind the value or the key at a position.
  package static func end(ofValueAt position: Int, in bytes: UnsafeRawBufferPointer) -> Int {
    record_value_end(bytes.bindMemory(to: UInt8.self).baseAddress, position, bytes.count)
  }
}
