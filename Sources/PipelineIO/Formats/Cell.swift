// SPDX-License-Identifier: Apache-2.0
import CRecordScanner
package import PipelineCore

/// A value on its way from a peer's row to a record: its text in the line, or a value that a format made.
///
/// Most values only change their key. They are copied from text to text: nothing is decoded, allocated and encoded again.
/// A text is what this program writes for the value (see ``CompactLine``), so that equal values have equal texts. It lies in
/// the line, and is gone once the next line is read.
package struct Cell {
  private enum Form {
    case text(UnsafeRawBufferPointer)
    case value(JSONValue)
    case object([PeerRow.Member])
  }

  private let form: Form

  /// A value that was made.
  init(_ value: JSONValue) { form = .value(value) }

  /// An object of such values.
  init(_ members: [PeerRow.Member]) { form = .object(members) }

  /// The text of a value in a ``CompactLine``.
  init(text: UnsafeRawBufferPointer) { form = .text(text) }

  /// The value, decoded at each call.
  var value: JSONValue {
    switch form {
    case .text(let text): JSONValue(checked: text)
    case .value(let value): value
    case .object(let members): .object(members.map { .init($0.key, $0.value) })
    }
  }

  /// Its text; nil if it was made.
  var text: UnsafeRawBufferPointer? { if case .text(let text) = form { text } else { nil } }

  /// Its members, undecoded; nil for a value of another form.
  var members: [PeerRow.Member]? { if case .object(let members) = form { members } else { nil } }

  var isNull: Bool {
    switch form {
    case .text(let text): text.first == UInt8(ascii: "n")
    case .value(let value): value == .null
    case .object: false
    }
  }

  var isString: Bool {
    switch form {
    case .text(let text): text.first == UInt8(ascii: "\"")
    case .value(let value): value.stringValue != nil
    case .object: false
    }
  }

  /// Whether it is a number that a `Double` can hold.
  var isFiniteNumber: Bool {
    guard case .text(let text) = form else { return value.isFiniteNumber }
    guard let first = text.first, first == UInt8(ascii: "-") || (0x30...0x39).contains(first) else { return false }
    return value.isFiniteNumber
  }

  /// Appends an object as compact JSON.
  ///
  /// - Parameter atMember: Is called with each member, and where its value was written.
  static func write(
    _ members: [PeerRow.Member], to bytes: inout [UInt8],
    atMember: (_ member: Int, _ value: Range<Int>) -> Void = { _, _ in }
  ) {
    bytes.append(UInt8(ascii: "{"))
    for index in members.indices {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      write(key: members[index].key, to: &bytes)
      let value = bytes.count
      members[index].cell.write(to: &bytes)
      atMember(index, value..<bytes.count)
    }
    bytes.append(UInt8(ascii: "}"))
  }

  /// Appends a key and its colon.
  private static func write(key: String, to bytes: inout [UInt8]) {
    if let position = Field.reservedIndex[key: key] { return bytes.append(contentsOf: reservedKeys[position]) }
    JSONValue.writeString(key, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
  }

  /// The keys of the reserved fields as they are written, each with its colon.
  private static let reservedKeys = Field.reserved.map { Array("\"\($0.rawValue)\":".utf8) }

  /// Appends it as compact JSON.
  package func write(to bytes: inout [UInt8]) {
    switch form {
    case .text(let text): bytes.append(contentsOf: text)
    case .value(let value): value.write(to: &bytes)
    case .object(let members): Self.write(members, to: &bytes)
    }
  }
}

/// Lines as this program would write them: no space between values, the escapes that JSON needs, `null` for NaN and infinities.
///
/// It has the room for one line, and is used by one task at a time.
package final class CompactLine {
  /// Values whose text is not what this program would write, made compact.
  private var room = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
  private var used = 0
  private var members = [record_member](repeating: record_member(), count: 64)

  /// Room for a line.
  package init() {}

  deinit { room.deallocate() }

  /// Checks a line of any format, and makes it compact.
  ///
  /// - Returns: The line's members, valid until the next call and as long as the line, and whether a bare NaN or Infinity
  ///   became null.
  /// - Throws: ``PipelineError`` at the column of the fault, when it is no JSON object.
  package func read(_ line: UnsafeRawBufferPointer, at place: SourceLocation) throws -> (line: Cell, isNonFinite: Bool)
  {
    let count = try scan(line, at: place)
    makeRoom(for: line)
    var isNonFinite = false
    let cells = members[..<count].map { member in
      isNonFinite = isNonFinite || member.holdsNonFinite
      return PeerRow.Member(
        JSONValue.string(inside: line[Int(member.key_start)..<Int(member.key_end)]),
        Cell(text: text(of: member, in: line)))
    }
    return (Cell(cells), isNonFinite)
  }

  /// Checks a line, and returns how many members it has.
  private func scan(_ line: UnsafeRawBufferPointer, at place: SourceLocation) throws -> Int {
    var count = 0
    var error = record_error()
    let status = UInt32(
      members.withUnsafeMutableBufferPointer {
        record_scan(
          line.bindMemory(to: UInt8.self).baseAddress, line.count, nil, $0.baseAddress, $0.count, &count, &error)
      })
    if status == RECORD_CAPACITY.rawValue {
      members = Array(repeating: record_member(), count: count)
      return try scan(line, at: place)
    }
    if status == RECORD_OK.rawValue { return count }
    throw PipelineError(
      .invalidData, "not JSON: " + String(cString: record_error_message(Int32(status))),
      at: SourceLocation(
        file: place.file, line: place.line, column: TextPositions.column(of: Int(error.offset), inLine: line)))
  }

  private func makeRoom(for line: UnsafeRawBufferPointer) {
    used = 0
    // An escape such as \b becomes \u0008.
    let most = 3 * line.count + 8
    if room.count >= most { return }
    room.deallocate()
    room = .allocate(byteCount: 2 * most, alignment: 16)
  }

  /// The compact text of a member's value: where it stands, if it is compact there.
  private func text(of member: record_member, in line: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    let value = UnsafeRawBufferPointer(rebasing: line[Int(member.value_start)..<Int(member.value_end)])
    if member.isCompact { return value }
    let free = UnsafeMutableRawBufferPointer(rebasing: room[used...])
    let count = record_compact(
      value.bindMemory(to: UInt8.self).baseAddress, value.count, free.bindMemory(to: UInt8.self).baseAddress)
    used += count
    return UnsafeRawBufferPointer(rebasing: free[..<count])
  }
}

extension record_member {
  /// Whether its value is, or somewhere holds, a bare NaN or Infinity.
  var holdsNonFinite: Bool { flags & UInt8(RECORD_VALUE_NONFINITE.rawValue) != 0 }

  /// Whether the text of its value is what this program would write, for all that can be told without looking into it.
  fileprivate var isCompact: Bool {
    switch UInt32(type) {
    case RECORD_STRING.rawValue: flags & UInt8(RECORD_VALUE_ESCAPED.rawValue) == 0
    case RECORD_NUMBER.rawValue, RECORD_TRUE.rawValue, RECORD_FALSE.rawValue, RECORD_NULL.rawValue: true
    default: false
    }
  }
}
