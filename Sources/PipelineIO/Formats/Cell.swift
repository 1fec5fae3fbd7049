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

  /// An object of such values, whose keys all differ.
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
  package var text: UnsafeRawBufferPointer? { if case .text(let text) = form { text } else { nil } }

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
  static func write(_ members: [PeerRow.Member], to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "{"))
    for (index, member) in members.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      JSONValue.writeString(member.key, to: &bytes)
      bytes.append(UInt8(ascii: ":"))
      member.cell.write(to: &bytes)
    }
    bytes.append(UInt8(ascii: "}"))
  }

  /// Appends it as compact JSON.
  func write(to bytes: inout [UInt8]) {
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
  private var room = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)

  /// Room for a line.
  package init() {}

  deinit { room.deallocate() }

  /// Checks a line of any format, and makes it compact.
  ///
  /// - Returns: The line, valid until the next call, and whether a bare NaN or Infinity became null.
  /// - Throws: ``PipelineError`` at the column of the fault, when it is no JSON object.
  package func read(_ line: UnsafeRawBufferPointer, at place: SourceLocation) throws -> (line: Cell, isNonFinite: Bool)
  {
    let isNonFinite = try RecordParser.check(line, at: place)
    return (Cell(text: compact(line)), isNonFinite)
  }

  private func compact(_ line: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    // An escape such as \b becomes \u0008.
    let most = 3 * line.count + 8
    if room.count < most {
      room.deallocate()
      room = .allocate(byteCount: 2 * most, alignment: 16)
    }
    let count = record_compact(
      line.bindMemory(to: UInt8.self).baseAddress, line.count, room.bindMemory(to: UInt8.self).baseAddress)
    return UnsafeRawBufferPointer(rebasing: room[..<count])
  }
}
