// SPDX-License-Identifier: Apache-2.0

/// Turns byte offsets of a text into lines and columns, both counted from 1.
///
/// A column counts Unicode scalars.
package struct TextPositions {
  private let file: String
  private let bytes: [UInt8]
  private let lineStarts: [Int]

  /// Finds the lines of a text; `\n`, `\r\n` and `\r` end one.
  package init(file: String, bytes: [UInt8]) {
    self.file = file
    self.bytes = bytes
    var starts = [0]
    for (offset, byte) in bytes.enumerated() {
      let isReturnOfPair = byte == 0x0D && offset + 1 < bytes.count && bytes[offset + 1] == 0x0A
      if byte == 0x0A || (byte == 0x0D && !isReturnOfPair) { starts.append(offset + 1) }
    }
    self.lineStarts = starts
  }

  /// The place of a byte.
  package func location(of offset: Int) -> SourceLocation {
    let offset = min(offset, bytes.count)
    var low = 0
    var high = lineStarts.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if lineStarts[middle] <= offset { low = middle } else { high = middle }
    }
    let start = lineStarts[low]
    let column = Self.column(of: offset - start, inLine: bytes[start...])
    return SourceLocation(file: file, line: low + 1, column: column)
  }

  /// The byte of a place whose column counts bytes.
  package func offset(line: Int, byteColumn: Int) -> Int {
    guard lineStarts.indices.contains(line - 1) else { return bytes.count }
    return min(bytes.count, lineStarts[line - 1] + byteColumn - 1)
  }

  /// The column of a byte of a line that is given alone, or with what follows it.
  package static func column(of offset: Int, inLine line: some Collection<UInt8>) -> Int {
    line.prefix(offset).count { $0 & 0xC0 != 0x80 } + 1
  }
}
