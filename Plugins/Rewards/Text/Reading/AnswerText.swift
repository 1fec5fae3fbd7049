// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// An answer as it is compared: without what changes how it looks and not what it says.
///
/// Left out: space but for one between digits that do not go together, emphasis of Markdown around it, `$`, `\(` and `\)`, `\left` and `\right`, `\text{…}` and its like (the words stay), spacing
/// commands, degree and percent signs, separators between thousands, and a full stop, comma or semicolon at the
/// end. `\dfrac` and `\tfrac` are `\frac`.
struct AnswerText {
  /// What is compared.
  let bytes: [UInt8]

  /// Reduces an answer, in time linear in its length.
  init(_ answer: ArraySlice<UInt8>) {
    var reduced = Self.reduced(PlainText.cleaned(answer)[...])
    while let last = reduced.last, [UInt8(ascii: "."), UInt8(ascii: ","), UInt8(ascii: ";")].contains(last) {
      reduced.removeLast()
    }
    bytes = reduced
  }

  /// Whether two answers say the same: the same characters, the same number, or the same letter.
  func equals(_ other: AnswerText) -> Bool {
    if bytes == other.bytes { return !bytes.isEmpty }
    if let letter = letter, let otherLetter = other.letter { return letter == otherLetter }
    guard let number = PlainNumber(bytes[...]), let otherNumber = PlainNumber(other.bytes[...]) else {
      return false
    }
    // Both are the nearest `Double` of what was written, so that equal numbers are equal values.
    return number.isExact && otherNumber.isExact && number.value == otherNumber.value
  }

  /// The letter, upper case, of an answer that is one letter with or without parentheses.
  private var letter: UInt8? {
    if bytes.count == 1, bytes[0].isLetter { return bytes[0].uppercased }
    if bytes.count == 3, bytes[0] == UInt8(ascii: "("), bytes[2] == UInt8(ascii: ")"), bytes[1].isLetter {
      return bytes[1].uppercased
    }
    return nil
  }

  /// Commands that go, with their braces where they have any.
  private static let wordCommands: [StaticString] = [
    "text", "textbf", "textit", "textrm", "mathrm", "mathbf", "mathit", "mbox", "operatorname",
  ]
  private static let emptyCommands: [StaticString] = [
    "left", "right", "displaystyle", "degree", "quad", "qquad",
  ]

  private static func reduced(_ text: ArraySlice<UInt8>) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(text.count)
    // For every open brace, whether it goes.
    var braces: [Bool] = []
    var position = text.startIndex
    while position < text.endIndex {
      let byte = text[position]
      switch byte {
      case UInt8(ascii: "\\"):
        position = reduceCommand(text, at: position, &output, &braces)
        continue
      case UInt8(ascii: "{"):
        if text.holds("{,}", at: position) {
          position += 3
          continue
        }
        braces.append(false)
        output.append(byte)
      case UInt8(ascii: "}"):
        if braces.popLast() != true { output.append(byte) }
      case UInt8(ascii: "^"):
        if text.holds("^\\circ", at: position) {
          position += 6
          continue
        }
        if text.holds("^{\\circ}", at: position) {
          position += 8
          continue
        }
        output.append(byte)
      case UInt8(ascii: "$"), UInt8(ascii: "%"): break
      case UInt8(ascii: "~"): part(&output, text, behind: position)
      case UInt8(ascii: ","):
        if !separatesThousands(text, at: position) { output.append(byte) }
      case 0xC2 where text.holds("°", at: position):
        position += 2
        continue
      case 0xE2 where text.holds("\u{2212}", at: position):
        output.append(UInt8(ascii: "-"))
        position += 3
        continue
      default:
        if byte.isSpace { Self.part(&output, text, behind: position) } else { output.append(byte) }
      }
      position += 1
    }
    return output
  }

  /// Keeps one space between digits that it parts; between groups of three it parts none: `1 234 567`.
  private static func part(_ output: inout [UInt8], _ text: ArraySlice<UInt8>, behind position: Int) {
    guard let last = output.last, last.isDigit else { return }
    let next = text.skippingSpace(from: position + 1)
    guard next < text.endIndex, text[next].isDigit else { return }
    let group = text[next...].prefix { $0.isDigit }
    let before = output.reversed().prefix { $0.isDigit }.count
    let isWhole = output.count == before || output[output.count - before - 1] != UInt8(ascii: ".")
    if group.count == 3, before % 3 == 0 || before < 4, isWhole { return }
    output.append(0x20)
  }

  /// Handles a backslash and what follows; returns where to go on.
  private static func reduceCommand(
    _ text: ArraySlice<UInt8>, at start: Int, _ output: inout [UInt8], _ braces: inout [Bool]
  ) -> Int {
    var end = start + 1
    while end < text.endIndex, text[end].isLetter { end += 1 }
    let name = text[(start + 1)..<end]
    if name.isEmpty {
      guard end < text.endIndex else { return end }
      switch text[end] {
      case UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: ":"), UInt8(ascii: "!"), UInt8(ascii: " "):
        part(&output, text, behind: end)
      case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "$"),
        UInt8(ascii: "%"):
        break
      default: output += text[start...end]
      }
      return end + 1
    }
    if emptyCommands.contains(where: { isName(name, $0) }) {
      if isName(name, "quad") || isName(name, "qquad") { part(&output, text, behind: end - 1) }
      return end
    }
    if isName(name, "dfrac") || isName(name, "tfrac") {
      output += "\\frac".utf8
    } else if wordCommands.contains(where: { isName(name, $0) }), text.holds("{", at: end) {
      braces.append(true)
      end += 1
    } else {
      output += text[start..<end]
    }
    return end
  }

  private static func isName(_ name: ArraySlice<UInt8>, _ literal: StaticString) -> Bool {
    name.count == literal.utf8CodeUnitCount && name.holds(literal, at: name.startIndex)
  }

  /// A comma between a digit and exactly three more.
  private static func separatesThousands(_ text: ArraySlice<UInt8>, at comma: Int) -> Bool {
    guard comma > text.startIndex, text[comma - 1].isDigit, comma + 3 < text.endIndex,
      text[(comma + 1)...(comma + 3)].allSatisfy(\.isDigit)
    else { return false }
    return comma + 4 == text.endIndex || !text[comma + 4].isDigit
  }
}
