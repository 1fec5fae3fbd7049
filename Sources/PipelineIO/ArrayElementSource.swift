// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// The elements of a JSON array, a line each; a stream that begins with anything but `[` passes as it is.
///
/// It streams: of the array only the nesting is followed. Line breaks between the parts of an element become spaces, so that
/// an element is one line, and the number of a line is that of its element. What an element holds is checked where lines are.
final class ArrayElementSource: ByteSource, @unchecked Sendable {
  private enum State {
    case start, passing, elements, ended
  }

  private let source: any ByteSource
  private let path: String
  private var state = State.start
  private var depth = 0
  private var isInString = false
  private var isEscaped = false
  private var room: [UInt8] = []
  private var pending: ArraySlice<UInt8> = []

  /// - Parameters:
  ///   - head: Bytes of the stream that were read already.
  ///   - path: The file, for errors.
  init(_ source: any ByteSource, head: [UInt8] = [], path: String) {
    self.source = source
    self.path = path
    pending = translated(head[...])[...]
  }

  /// Whether bytes at the start of a file begin an array.
  static func isArray(_ head: some Sequence<UInt8>) -> Bool {
    head.first { $0 > 0x20 && ![0xEF, 0xBB, 0xBF].contains($0) } == UInt8(ascii: "[")
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    while pending.isEmpty {
      if room.count != buffer.count { room = [UInt8](repeating: 0, count: max(buffer.count, 1)) }
      let count = try room.withUnsafeMutableBytes { try source.read(into: $0) }
      if count == 0 {
        if state == .elements {
          throw PipelineError(.invalidData, "\(path) ends in the middle of its JSON array; the file is incomplete")
        }
        return 0
      }
      pending = translated(room[..<count])[...]
    }
    let count = min(buffer.count, pending.count)
    buffer.copyBytes(from: pending.prefix(count))
    pending.removeFirst(count)
    return count
  }

  private func translated(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(bytes.count)
    for byte in bytes {
      switch state {
      case .start:
        if byte == UInt8(ascii: "[") {
          state = .elements
        } else {
          // White space and a byte order mark decide nothing yet.
          if byte > 0x20, ![0xEF, 0xBB, 0xBF].contains(byte) { state = .passing }
          output.append(byte)
        }
      case .passing: output.append(byte)
      case .elements: element(byte, &output)
      case .ended:
        // More than white space behind the array is a line of its own, and no record.
        if byte > 0x20 || !output.isEmpty && output.last != 0x0A { output.append(byte) }
      }
    }
    return output
  }

  private func element(_ byte: UInt8, _ output: inout [UInt8]) {
    if isInString {
      // A bare line break in a string is no JSON; it must not end the line.
      output.append(byte == 0x0A ? 0x0B : byte)
      if isEscaped {
        isEscaped = false
      } else if byte == UInt8(ascii: "\\") {
        isEscaped = true
      } else if byte == UInt8(ascii: "\"") {
        isInString = false
      }
      return
    }
    switch byte {
    case 0x0A, 0x0D: output.append(0x20)
    case UInt8(ascii: ",") where depth == 0: output.append(0x0A)
    case UInt8(ascii: "]") where depth == 0:
      state = .ended
      output.append(0x0A)
    default:
      if byte == UInt8(ascii: "\"") { isInString = true }
      if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") { depth += 1 }
      if byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") { depth -= 1 }
      output.append(byte)
    }
  }
}
