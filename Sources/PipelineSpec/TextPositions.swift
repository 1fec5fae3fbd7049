// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Turns byte offsets of a text into lines and columns.
struct TextPositions {
  private let file: String
  private let bytes: [UInt8]
  private let lineStarts: [Int]

  /// Finds the lines of a text; `\n`, `\r\n` and `\r` end one.
  init(file: String, bytes: [UInt8]) {
    self.file = file
    self.bytes = bytes
    var starts = [0]
    for (offset, byte) in bytes.enumerated() {
      let isReturnOfPair = byte == 0x0D && offset + 1 < bytes.count && bytes[offset + 1] == 0x0A
      if byte == 0x0A || (byte == 0x0D && !isReturnOfPair) { starts.append(offset + 1) }
    }
    self.lineStarts = starts
  }

  /// The place of a byte; columns count Unicode scalars from 1.
  func location(of offset: Int) -> SourceLocation {
    let offset = min(offset, bytes.count)
    var low = 0
    var high = lineStarts.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if lineStarts[middle] <= offset { low = middle } else { high = middle }
    }
    let scalars = bytes[lineStarts[low]..<offset].count { $0 & 0xC0 != 0x80 }
    return SourceLocation(file: file, line: low + 1, column: scalars + 1)
  }
}
