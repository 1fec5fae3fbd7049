// SPDX-License-Identifier: Apache-2.0

/// What an answer looks like without what changes only its looks: space, dollar signs, `\text{…}`, `\left`.
struct AnswerForm {
  /// The reduced text.
  let bytes: [UInt8]

  /// Reduces an answer, in time linear in its length.
  init(_ text: ArraySlice<UInt8>) {
    var output: [UInt8] = []
    output.reserveCapacity(text.count)
    // For every open brace, whether it goes.
    var braces: [Bool] = []
    var position = text.startIndex
    // Whether what was left out may part two numbers: `12 34` is not `1234`.
    var isParted = false
    while position < text.endIndex {
      let byte = text[position]
      position += 1
      if byte.isDigit {
        if isParted, output.last?.isDigit == true { output.append(0x20) }
        isParted = false
        output.append(byte)
        continue
      }
      isParted =
        isParted || byte <= 0x20 || byte == UInt8(ascii: "$") || byte == UInt8(ascii: "~") || byte == UInt8(ascii: "\\")
      switch byte {
      case 0...0x20, UInt8(ascii: "$"), UInt8(ascii: "~"), UInt8(ascii: "`"): continue
      case UInt8(ascii: "{"):
        braces.append(false)
        output.append(byte)
      case UInt8(ascii: "}"): if braces.popLast() != true { output.append(byte) }
      case UInt8(ascii: "*") where text.holds("*", at: position) || text.holds("*", at: position - 2): continue
      case UInt8(ascii: "\\"): Self.reduceCommand(text, &position, &output, &braces)
      default: output.append(byte)
      }
    }
    while let last = output.last {
      if last == UInt8(ascii: ".") || last == UInt8(ascii: ",") {
        output.removeLast()
      } else if output.ends(with: "。") {
        output.removeLast(3)
      } else {
        break
      }
    }
    bytes = Self.withoutGroup(output)
  }

  /// Without braces of TeX around all of it.
  private static func withoutGroup(_ text: [UInt8]) -> [UInt8] {
    guard text.count > 2, text.first == UInt8(ascii: "{"), text.last == UInt8(ascii: "}") else { return text }
    var depth = 0
    var position = 0
    while position < text.count - 1 {
      switch text[position] {
      case UInt8(ascii: "\\"): position += 1
      case UInt8(ascii: "{"): depth += 1
      case UInt8(ascii: "}"): depth -= 1
      default: break
      }
      if depth == 0 { return text }
      position += 1
    }
    // The last brace may be one of a set, `\}`.
    return position == text.count - 1 ? Array(text[1..<(text.count - 1)]) : text
  }

  private static func reduceCommand(
    _ text: ArraySlice<UInt8>, _ position: inout Int, _ output: inout [UInt8], _ braces: inout [Bool]
  ) {
    let start = position
    while position < text.endIndex, text[position].isLetter { position += 1 }
    let name = text[start..<position]
    if name.isEmpty {
      guard position < text.endIndex else { return }
      let byte = text[position]
      position += 1
      switch byte {
      case UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: ":"), UInt8(ascii: "!"), UInt8(ascii: "("),
        UInt8(ascii: ")"), UInt8(ascii: "["), UInt8(ascii: "]"), 0...0x20:
        return
      case UInt8(ascii: "\\"):
        output.append(contentsOf: [byte, byte])
      // `\$`, `\%`: what plain text has without the backslash.
      case UInt8(ascii: "$"): return
      case UInt8(ascii: "%"), UInt8(ascii: "#"), UInt8(ascii: "&"), UInt8(ascii: "_"): output.append(byte)
      default: output.append(contentsOf: [UInt8(ascii: "\\"), byte])
      }
      return
    }
    switch Vocabulary.command(name) {
    case .words, .functionName:
      if text.holds("{", at: position) {
        braces.append(true)
        position += 1
      }
    case .nothing, .gap: break
    case .accent(let accent) where accent == Symbol("bar"): output += "\\bar".utf8
    case .token(.fraction): output += "\\frac".utf8
    default:
      output.append(UInt8(ascii: "\\"))
      output += name
    }
  }

  /// Whether both say the same: letter by letter, or in words whatever their case.
  func isSame(as other: AnswerForm) -> Bool {
    guard bytes.count == other.bytes.count, !bytes.isEmpty else { return false }
    if bytes == other.bytes { return true }
    guard isWords, other.isWords else { return false }
    return zip(bytes, other.bytes).allSatisfy { $0.lowercased == $1.lowercased }
  }

  /// Whether both are the same but for the digits of their numbers, the signs of their terms and their letters.
  func hasShape(of other: AnswerForm) -> Bool {
    var (position, otherPosition) = (0, 0)
    var isCommand = false
    while position < bytes.count, otherPosition < other.bytes.count {
      let (byte, otherByte) = (bytes[position], other.bytes[otherPosition])
      guard
        byte == otherByte || byte.isDigit && otherByte.isDigit || Self.areSigns(byte, otherByte)
          || !isCommand && byte.isLetter && otherByte.isLetter
      else { return false }
      isCommand = byte == UInt8(ascii: "\\") || isCommand && byte.isLetter
      position += 1
      otherPosition += 1
      guard byte.isDigit else { continue }
      while position < bytes.count, bytes[position].isDigit { position += 1 }
      while otherPosition < other.bytes.count, other.bytes[otherPosition].isDigit { otherPosition += 1 }
    }
    return position == bytes.count && otherPosition == other.bytes.count
  }

  private static func areSigns(_ first: UInt8, _ second: UInt8) -> Bool {
    "+-".utf8.contains(first) && "+-".utf8.contains(second) || "<>".utf8.contains(first) && "<>".utf8.contains(second)
  }

  /// Whether it has parts that may stand in another order.
  var hasParts: Bool { bytes.contains { ",;".utf8.contains($0) } }

  /// Whether it is one letter, or words: at least three letters of which none belongs to mathematics; with digits
  /// among them at least four letters in a row.
  private var isWords: Bool {
    if bytes.count == 1 { return bytes[0].isLetter }
    var (longest, run, hasDigits) = (0, 0, false)
    for byte in bytes {
      if byte.isLetter || byte >= 0x80 {
        run += 1
        longest = max(longest, run)
        continue
      }
      run = 0
      if byte.isDigit { hasDigits = true } else if byte != UInt8(ascii: "-"), byte != UInt8(ascii: "'") { return false }
    }
    return longest > (hasDigits ? 3 : 2)
  }

  /// Whether it has nothing of a formula but digits.
  var isProse: Bool { !bytes.contains { "\\^_{}=<>+*/|".utf8.contains($0) } }

  /// The option that an answer is or begins with.
  var choice: Choice? { Choice(bytes) }
}
