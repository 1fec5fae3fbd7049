// SPDX-License-Identifier: Apache-2.0

/// Walks over the top-level members of a line that has been checked, decoding only the keys.
public enum RecordWalk {
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
      let keyEnd = skipString(line, position)
      guard
        case .string(let key) = try JSONValue(parsing: UnsafeRawBufferPointer(rebasing: line[position..<keyEnd]))
      else { return }
      position = keyEnd
      while position < line.count, line[position] == UInt8(ascii: ":") || line[position] <= 0x20 { position += 1 }
      let valueEnd = skipValue(line, position)
      guard try body(key, position..<valueEnd) else { return }
      position = valueEnd
    }
  }

  private static func skipString(_ line: UnsafeRawBufferPointer, _ start: Int) -> Int {
    var position = start + 1
    while position < line.count, line[position] != UInt8(ascii: "\"") {
      position += line[position] == UInt8(ascii: "\\") ? 2 : 1
    }
    return min(position + 1, line.count)
  }

  private static func skipValue(_ line: UnsafeRawBufferPointer, _ start: Int) -> Int {
    var position = start
    var depth = 0
    while position < line.count {
      switch line[position] {
      case UInt8(ascii: "\""):
        position = skipString(line, position)
        if depth == 0 { return position }
        continue
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        if depth == 0 { return position }
        depth -= 1
        if depth == 0 { return position + 1 }
      case UInt8(ascii: ","), 0...0x20:
        if depth == 0 { return position }
      default: break
      }
      position += 1
    }
    return position
  }
}
