// SPDX-License-Identifier: Apache-2.0

/// Text inside a JavaScript string in single quotes.
///
/// JSON has many double quotes and few single ones, so that a line of JSON grows little. Line separators may stand in such
/// a string since ECMAScript 2019.
enum ScriptText {
  /// Appends text, escaped.
  static func append(_ text: UnsafeRawBufferPointer, to output: inout [UInt8]) {
    var start = 0
    for position in text.indices where isSpecial(text[position]) {
      output.append(contentsOf: UnsafeRawBufferPointer(rebasing: text[start..<position]))
      start = position + 1
      output.append(UInt8(ascii: "\\"))
      switch text[position] {
      case 0x0A: output.append(UInt8(ascii: "n"))
      case 0x0D: output.append(UInt8(ascii: "r"))
      case let byte: output.append(byte)
      }
    }
    output.append(contentsOf: UnsafeRawBufferPointer(rebasing: text[start...]))
  }

  private static func isSpecial(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\\") || byte == 0x0A || byte == 0x0D
  }
}
