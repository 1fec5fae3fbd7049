// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Searches for a sequence of bytes (Boyer, Moore and Horspool: it skips by the byte under the pattern's end).
package struct ByteSearch: Sendable {
  private let pattern: [UInt8]
  private let skips: [Int]

  /// - Parameter text: What to look for, not empty.
  package init(_ text: String) {
    pattern = Array(text.utf8)
    var skips = [Int](repeating: pattern.count, count: 256)
    for (index, byte) in pattern.dropLast().enumerated() { skips[Int(byte)] = pattern.count - 1 - index }
    self.skips = skips
  }

  /// The first end of a line at or after `start`, or nil.
  static func newline(in bytes: [UInt8], from start: Int) -> Int? {
    guard start < bytes.count else { return nil }
    return bytes.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return nil }
      return memchr(base + start, 0x0A, bytes.count - start).map { UnsafeRawPointer($0) - base }
    }
  }

  /// The first position of the pattern at or after `start`, or nil.
  package func first(in bytes: UnsafeRawBufferPointer, from start: Int = 0) -> Int? {
    guard let last = pattern.last else { return nil }
    return pattern.withUnsafeBufferPointer { pattern in
      skips.withUnsafeBufferPointer { skips in
        var position = start
        while position + pattern.count <= bytes.count {
          let byte = bytes[position + pattern.count - 1]
          if byte == last, pattern.indices.allSatisfy({ bytes[position + $0] == pattern[$0] }) {
            return position
          }
          position += skips[Int(byte)]
        }
        return nil
      }
    }
  }
}
