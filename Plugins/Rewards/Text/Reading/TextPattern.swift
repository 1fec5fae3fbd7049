// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// A run of bytes to look for, in time linear in what it is looked for in (Knuth, Morris and Pratt).
struct TextPattern {
  private let bytes: [UInt8]
  /// For each prefix, the length of its longest proper end that is a beginning of the pattern.
  private let borders: [Int]

  /// - Parameter text: What to look for, not empty.
  init(_ text: ArraySlice<UInt8>) {
    bytes = Array(text)
    var borders = [Int](repeating: 0, count: bytes.count)
    var length = 0
    for index in bytes.indices.dropFirst() {
      while length > 0, bytes[index] != bytes[length] { length = borders[length - 1] }
      if bytes[index] == bytes[length] { length += 1 }
      borders[index] = length
    }
    self.borders = borders
  }

  /// Whether the pattern stands in a text at a place that suits, which is given as the range of its bytes.
  func occurs(in text: ArraySlice<UInt8>, where suits: (Range<Int>) -> Bool) -> Bool {
    guard !bytes.isEmpty else { return false }
    var length = 0
    for index in text.indices {
      while length > 0, text[index] != bytes[length] { length = borders[length - 1] }
      if text[index] == bytes[length] { length += 1 }
      if length == bytes.count {
        if suits(index + 1 - length..<index + 1) { return true }
        length = borders[length - 1]
      }
    }
    return false
  }
}
