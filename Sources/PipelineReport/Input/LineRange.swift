// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation

/// The lines of a part of a file, one in memory at a time.
struct LineRange {
  let path: String
  let part: Range<UInt64>

  /// Passes each whole line without its end.
  func forEachLine(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    let file = try FileDescriptor(opening: path, O_RDONLY)
    var rest: [UInt8] = []
    var position = part.lowerBound
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    while position < part.upperBound {
      let wanted = Int(min(UInt64(buffer.count), part.upperBound - position))
      let count = try buffer.withUnsafeMutableBytes {
        try file.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[..<wanted]), at: position)
      }
      if count == 0 { break }
      position += UInt64(count)
      rest.append(contentsOf: buffer[..<count])
      let done = try rest.withUnsafeBytes { bytes in
        var start = 0
        while let end = bytes[start...].firstIndex(of: 0x0A) {
          try body(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
          start = end + 1
        }
        return start
      }
      rest.removeSubrange(..<done)
    }
  }
}
