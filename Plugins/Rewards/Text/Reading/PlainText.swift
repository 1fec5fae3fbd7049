// SPDX-License-Identifier: Apache-2.0
import MathAnswers
import PipelineCore

/// A text without what changes only its looks: Markdown, full-width characters, invisible ones.
///
/// Left out: `**`, `__` at the edge of a word, back-ticks, the fences of code with the name of its language, zero-width
/// characters. Replaced: full-width characters, ideographic and no-break spaces, `。`, `、` and `−` by their like in ASCII,
/// `Ⓐ` by `(A)`, `½` by `1/2`. TeX stays.
enum PlainText {
  /// The text as UTF-8, in time linear in its length.
  static func cleaned(_ text: ArraySlice<UInt8>) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(text.count)
    var position = text.startIndex
    while position < text.endIndex {
      let byte = text[position]
      if byte < 0x80 {
        position = takeASCII(byte, text, at: position, &output)
        continue
      }
      let (scalar, length) = text.scalar(at: position)
      take(scalar, text[position..<(position + length)], &output)
      position += length
    }
    return output
  }

  /// Whether two texts are the same but for looks, case, space at their ends and a full stop.
  static func isSame(_ text: ArraySlice<UInt8>, _ cleaned: ArraySlice<UInt8>) -> Bool {
    func folded(_ text: ArraySlice<UInt8>) -> String {
      var text = text.trimmed
      while text.last == UInt8(ascii: ".") { text = text.dropLast().trimmed }
      return text.text.lowercased()
    }
    return folded(Self.cleaned(text)[...]) == folded(cleaned)
  }

  /// Handles a character of ASCII; returns where to go on.
  private static func takeASCII(
    _ byte: UInt8, _ text: ArraySlice<UInt8>, at position: Int, _ output: inout [UInt8]
  ) -> Int {
    switch byte {
    case UInt8(ascii: "*") where text.holds("**", at: position): return position + 2
    case UInt8(ascii: "_") where text.holds("__", at: position):
      let isInside = position > text.startIndex && text[position - 1].isWord
      let goesOn = position + 2 < text.endIndex && text[position + 2].isWord
      if isInside, goesOn { break }
      return position + 2
    case UInt8(ascii: "`"):
      guard text.holds("```", at: position) else { return position + 1 }
      var end = position + 3
      while end < text.endIndex, text[end].isLetter || text[end].isDigit { end += 1 }
      // The name of a language stands alone behind the fence.
      let isName = end == text.endIndex || text[end] == 0x0A || text[end] == 0x0D
      let isOpening = isName && (position == text.startIndex || text[position - 1] == 0x0A)
      return isOpening && end < text.endIndex ? end : position + 3
    default: break
    }
    output.append(byte)
    return position + 1
  }

  private static func take(_ scalar: UInt32, _ bytes: ArraySlice<UInt8>, _ output: inout [UInt8]) {
    switch scalar {
    case 0xFF01...0xFF5E: output.append(UInt8(scalar - 0xFF01 + 0x21))
    case 0x3000, 0xA0, 0x2000...0x200A, 0x202F, 0x205F: output.append(0x20)
    case 0x200B...0x200F, 0x2060, 0xFEFF, 0xFE0E, 0xFE0F: break
    case 0x2028, 0x2029: output.append(0x0A)
    case 0x3002: output.append(UInt8(ascii: "."))
    case 0x3001: output.append(UInt8(ascii: ","))
    case 0x3010: output.append(UInt8(ascii: "["))
    case 0x3011: output.append(UInt8(ascii: "]"))
    case 0x2212: output.append(UInt8(ascii: "-"))
    case 0x2018, 0x2019: output.append(UInt8(ascii: "'"))
    case 0x201C, 0x201D, 0x300C...0x300F: output.append(UInt8(ascii: "\""))
    case 0x24B6...0x24CF: output += [0x28, UInt8(scalar - 0x24B6) + 0x41, 0x29]
    case 0x249C...0x24B5: output += [0x28, UInt8(scalar - 0x249C) + 0x61, 0x29]
    case 0xBC...0xBE, 0x2153...0x215E:
      guard let parts = Unicode.Scalar(scalar).flatMap(FractionCharacter.parts) else {
        output += bytes
        return
      }
      if output.last?.isDigit == true { output.append(0x20) }
      output += "\(parts.0)/\(parts.1)".utf8
    default: output += bytes
    }
  }
}

extension ArraySlice<UInt8> {
  /// The character at a position and how many bytes it takes; a byte that begins none is taken alone.
  func scalar(at position: Int) -> (value: UInt32, length: Int) {
    let first = self[position]
    let length = first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
    guard length > 1, position + length <= endIndex else { return (UInt32(first), 1) }
    var value = UInt32(first) & (0xFF >> UInt32(length + 1))
    for offset in 1..<length {
      guard self[position + offset] & 0xC0 == 0x80 else { return (UInt32(first), 1) }
      value = value << 6 | UInt32(self[position + offset] & 0x3F)
    }
    return (value, length)
  }
}

extension UInt32 {
  /// Whether the character belongs to a script that writes words without space between them, or joins particles to them.
  var isOfUnspacedScript: Bool {
    switch self {
    case 0x0E00...0x0EFF, 0x1000...0x109F, 0x1780...0x17FF: true  // Thai, Lao, Burmese, Khmer
    case 0x3040...0x30FF, 0x31F0...0x31FF, 0xFF66...0xFF9D: true  // Hiragana, Katakana
    case 0x3005, 0x3007, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF, 0x20000...0x3FFFF: true  // Han
    case 0x1100...0x11FF, 0x3130...0x318F, 0xAC00...0xD7AF: true  // Hangul
    default: false
    }
  }
}
