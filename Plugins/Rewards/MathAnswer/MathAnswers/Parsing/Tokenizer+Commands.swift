// SPDX-License-Identifier: Apache-2.0

extension Tokenizer {
  /// A command of TeX; the backslash has been read.
  mutating func readCommand() throws(ReadingFault) {
    let start = position
    while position < bytes.count, bytes[position].isLetter { position += 1 }
    if position == start { return readControlCharacter() }
    let name = bytes[start..<position]
    if name.count == 5 && name.elementsEqual("begin".utf8) || name.count == 3 && name.elementsEqual("end".utf8) {
      return try readEnvironment(begins: name.count == 5)
    }
    if name.count == 3, name.elementsEqual("not".utf8) { return readNegated() }
    guard let command = Vocabulary.command(name) else {
      if let (token, length) = Vocabulary.functionPrefix(of: name) {
        // `\sinx`
        emit(token)
        position = start + length
        return
      }
      return emit(.symbol(Symbol(hash: Symbol.mixed(Symbol.hash(name), 2))))
    }
    switch command {
    // `30\circ`
    case .token(.relation(.named)) where name.count == 4 && name.elementsEqual("circ".utf8) && endsNumber:
      emit(.unit(.degree))
    case .token(let token): emit(token)
    case .accent(let accent): readAccent(accent)
    case .nothing:
      // `\left.` and `\right.` are no brackets.
      if name.elementsEqual("left".utf8) || name.elementsEqual("right".utf8), byte(at: position) == UInt8(ascii: ".") {
        position += 1
      }
    case .gap: markGap(.wide)
    case .nothingWithArgument: skipArgument()
    case .words: openWords()
    case .functionName: readFunctionName()
    case .blackboard: readBlackboard()
    }
  }

  private mutating func readControlCharacter() {
    guard position < bytes.count else { return }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "{"): emit(.open(UInt8(ascii: "s")))
    case UInt8(ascii: "}"): emit(.close(UInt8(ascii: "s")))
    case UInt8(ascii: "|"): emit(.doubleBar)
    case UInt8(ascii: "%"): emit(.unit(.percent))
    case UInt8(ascii: "$"): if self.byte(at: skippingSpace(from: position)).isDigit { emit(.unit(.dollar)) }
    case UInt8(ascii: "\\"):
      if matrixDepth > 0 {
        // `\\[2pt]`
        if self.byte(at: position) == UInt8(ascii: "["),
          let end = bytes[position...].prefix(16).firstIndex(of: UInt8(ascii: "]"))
        {
          position = end + 1
        }
        emit(.newRow)
      } else if Vocabulary.command(bytes[position...].prefix(while: \.isLetter)) != nil || startsCommand {
        // A backslash that was escaped once too often.
        position -= 1
        if self.byte(at: position) == UInt8(ascii: "\\") { return }
      } else {
        markGap(.wide)
      }
    default: followsSpace = true
    }
  }

  /// Whether the letters at hand are `begin`, `end` or `not`, which are read by themselves.
  private var startsCommand: Bool {
    let name = bytes[position...].prefix(while: \.isLetter)
    return ["begin", "end", "not"].contains { name.elementsEqual($0.utf8) }
  }

  private mutating func readEnvironment(begins: Bool) throws(ReadingFault) {
    let open = skippingSpace(from: position)
    guard byte(at: open) == UInt8(ascii: "{"),
      let end = bytes[open...].prefix(24).firstIndex(of: UInt8(ascii: "}"))
    else { return }
    var name = bytes[(open + 1)..<end]
    if name.last == UInt8(ascii: "*") { name.removeLast() }
    position = end + 1
    let isTable = ["array", "cases"].contains { name.elementsEqual($0.utf8) }
    guard isTable || name.ends(with: "matrix") else { return }
    if begins {
      if name.elementsEqual("array".utf8) { skipArgument() }
      matrixDepth += 1
      emit(.beginMatrix(isDeterminant: name.first == UInt8(ascii: "v")))
    } else if matrixDepth > 0 {
      matrixDepth -= 1
      emit(.endMatrix)
    }
  }

  private mutating func readNegated() {
    position = skippingSpace(from: position)
    if byte(at: position) == UInt8(ascii: "=") {
      position += 1
      emit(.relation(.notEqual))
    } else if bytes[position...].starts(with: "\\in".utf8) {
      position += 3
      emit(.relation(.notElement))
    }
  }

  /// `\bar{z}`, `\bar z`, `\dot{x}_1`; over anything but one letter the mark leaves no trace: `\overline{AB}`.
  private mutating func readAccent(_ accent: Symbol) {
    let open = skippingSpace(from: position)
    let isGroup = byte(at: open) == UInt8(ascii: "{")
    let start = isGroup ? skippingSpace(from: open + 1) : open
    guard byte(at: start).isLetter, isGroup || open == position || !byte(at: start + 1).isLetter else { return }
    // `\hat i`: the vectors along the axes.
    if accent == .hat, "ijk".utf8.contains(byte(at: start)) { return }
    let end = skippingSpace(from: start + 1)
    if isGroup {
      guard byte(at: end) == UInt8(ascii: "}") || byte(at: end) == UInt8(ascii: "_") else { return }
      braces.append(.nothing)
    }
    position = start + 1
    emit(.symbol(Symbol(byte(at: start)).subscripted(accent.hash)))
  }

  /// `(mod 5)`, `(\bmod 5)`, `(\text{mod } 5)`: the modulus of what stands before it.
  mutating func readModulus() -> Bool {
    let rest = bytes[skippingSpace(from: position)...]
    guard !tokens.isEmpty, rest.first == UInt8(ascii: "m") || rest.first == UInt8(ascii: "\\"),
      let name = ["mod", "\\bmod", "\\mod", "\\text{mod}", "\\text{mod }", "\\mathrm{mod}"].first(where: {
        rest.starts(with: $0.utf8) && !byte(at: rest.startIndex + $0.utf8.count).isLetter
      })
    else { return false }
    position = rest.startIndex + name.utf8.count
    emit(.modulus)
    emit(.open(UInt8(ascii: "(")))
    return true
  }

  /// Whether a number stands before the command at hand.
  private var endsNumber: Bool { if case .number = tokens.last?.token { true } else { false } }

  /// Skips `{…}` and leaves no trace of it.
  private mutating func skipArgument() {
    let open = skippingSpace(from: position)
    guard byte(at: open) == UInt8(ascii: "{") else { return }
    position = endOfBraces(from: open)
  }

  /// The position after the brace that closes the one at a position.
  private func endOfBraces(from open: Int) -> Int {
    var depth = 0
    var index = open
    while index < bytes.count {
      switch bytes[index] {
      case UInt8(ascii: "\\"): index += 1
      case UInt8(ascii: "{"): depth += 1
      case UInt8(ascii: "}"):
        depth -= 1
        if depth == 0 { return index + 1 }
      default: break
      }
      index += 1
    }
    return bytes.count
  }

  /// `\text{`: words up to its closing brace, or `and` and `or` alone.
  private mutating func openWords() {
    let open = skippingSpace(from: position)
    // Deeper ones are plain groups: each would be searched for its end anew.
    guard byte(at: open) == UInt8(ascii: "{"), textDepth < 8 else { return }
    let end = endOfBraces(from: open)
    var inside = bytes[(open + 1)..<max(open + 1, end - 1)]
    inside = inside.trimmed
    if inside.first == UInt8(ascii: ",") { inside = inside.dropFirst().trimmed }
    let word = inside.map(\.lowercased)
    if inside.isEmpty {
      position = end
      followsSpace = true
    } else if let token = Vocabulary.word(word[...]), token.isConnective {
      position = end
      emit(token)
    } else {
      position = open + 1
      braces.append(.words)
      textDepth += 1
      emit(.open(UInt8(ascii: "{")))
    }
  }

  private mutating func readFunctionName() {
    if byte(at: position) == UInt8(ascii: "*") { position += 1 }
    let open = skippingSpace(from: position)
    guard byte(at: open) == UInt8(ascii: "{") else { return }
    let end = endOfBraces(from: open)
    let name = bytes[(open + 1)..<max(open + 1, end - 1)].trimmed
    position = end
    if let token = Vocabulary.word(name.map(\.lowercased)[...]) {
      emit(token)
    } else if name.elementsEqual("Re".utf8) {
      emit(.function(.realPart))
    } else if name.elementsEqual("Im".utf8) {
      emit(.function(.imaginaryPart))
    } else {
      emit(.symbol(Symbol(name)))
    }
  }

  private mutating func readBlackboard() {
    let open = skippingSpace(from: position)
    let isGroup = byte(at: open) == UInt8(ascii: "{")
    let index = isGroup ? open + 1 : open
    let letter = byte(at: index)
    position = isGroup ? endOfBraces(from: open) : min(index + 1, bytes.count)
    if let set = Vocabulary.numberSet(letter) { emit(.numberSet(set)) } else { emit(.symbol(Symbol(letter))) }
  }
}

extension Token {
  /// Whether it is `and` or `or`.
  var isConnective: Bool {
    switch self {
    case .and, .or: true
    default: false
    }
  }
}
