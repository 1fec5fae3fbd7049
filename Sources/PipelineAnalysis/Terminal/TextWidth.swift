// SPDX-License-Identifier: Apache-2.0

/// The width of text in a terminal, and text fitted to a width.
package enum TextWidth {
  /// The columns of a text; colour sequences and combining marks take none, East Asian wide letters two.
  package static func columns(_ text: String) -> Int {
    var columns = 0
    var isEscape = false
    for scalar in text.unicodeScalars {
      if isEscape {
        isEscape = scalar != "m"
      } else if scalar == "\u{1B}" {
        isEscape = true
      } else {
        columns += width(of: scalar)
      }
    }
    return columns
  }

  /// Pads with spaces after the text.
  static func left(_ text: String, _ width: Int) -> String { text + spaces(width - columns(text)) }

  /// Pads with spaces before the text.
  static func right(_ text: String, _ width: Int) -> String { spaces(width - columns(text)) + text }

  /// This number of spaces; none for a negative number.
  static func spaces(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }

  /// Cuts the middle out of text that is too wide; names differ at their ends.
  package static func fit(_ text: String, _ width: Int, _ style: TerminalStyle) -> String {
    guard columns(text) > width else { return text }
    let dots = style.sign("…", "..")
    let room = max(0, width - columns(dots))
    var head = ""
    for letter in text {
      if columns(head + String(letter)) > (room + 1) / 2 { break }
      head.append(letter)
    }
    var tail = ""
    for letter in text.reversed() {
      if columns(String(letter) + tail) > room - columns(head) { break }
      tail = String(letter) + tail
    }
    return head + dots + tail
  }

  /// Breaks text into lines between words; a word wider than a line gets a line of its own.
  package static func wrap(_ text: String, _ width: Int) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ", omittingEmptySubsequences: false) {
      if !line.isEmpty, columns(line) + 1 + columns(String(word)) > width {
        lines.append(line)
        line = String(word)
      } else {
        line += (line.isEmpty ? "" : " ") + word
      }
    }
    return lines + [line]
  }

  private static func width(of scalar: Unicode.Scalar) -> Int {
    if scalar.isASCII { return 1 }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: break
    }
    switch scalar.value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
      0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE4F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F,
      0x1F900...0x1F9FF, 0x20000...0x3FFFD:
      return 2
    default: return 1
    }
  }
}
