// SPDX-License-Identifier: Apache-2.0

/// The abilities of the terminal that shows a report.
package struct TerminalStyle: Sendable, Hashable {
  /// The columns to fill; at least 48 are used.
  package var width: Int
  /// Whether to colour, with ANSI escape sequences.
  package var color: Bool
  /// Whether to draw with block characters and to show letters beyond ASCII; without it those are escaped.
  package var unicode: Bool

  /// Describes a terminal; the defaults suit a pipe whose reader understands UTF-8.
  package init(width: Int = 80, color: Bool = false, unicode: Bool = true) {
    self.width = width
    self.color = color
    self.unicode = unicode
  }

  /// The role of a piece of text, which determines its colour.
  enum Role: String {
    case heading = "1"
    case quiet = "2"
    case bar = "36"
    case good = "32"
    case notice = "33"
    case bad = "31"
  }

  /// The columns that a report fills.
  var columns: Int { max(48, width) }

  /// Colours text for its role if colours are wanted.
  func paint(_ text: String, _ role: Role) -> String {
    color && !text.isEmpty ? "\u{1B}[\(role.rawValue)m\(text)\u{1B}[0m" : text
  }

  /// The first of two spellings if the terminal shows more than ASCII, otherwise the second.
  func sign(_ unicodeText: String, _ asciiText: String) -> String { unicode ? unicodeText : asciiText }

  /// Text from a file, safe to print: characters that could move the cursor, colour or reverse the line are escaped.
  func safe(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      default:
        if Self.isUnsafe(scalar) || !unicode && !scalar.isASCII {
          result += "\\u{" + String(scalar.value, radix: 16) + "}"
        } else {
          result.unicodeScalars.append(scalar)
        }
      }
    }
    return result
  }

  private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x2028...0x202E, 0x2066...0x2069, 0x200E, 0x200F, 0x061C, 0xFEFF: true
    default: false
    }
  }
}
