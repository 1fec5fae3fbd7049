// SPDX-License-Identifier: Apache-2.0

/// Cuts a shell script into tokens: quotes, comments, continued lines, here-documents.
///
/// Recipes of the peers are shell scripts that set variables and start one command. This reads what they use of the
/// language; nothing is ever executed. No library does: those that parse shells are programs of their own.
struct ShellLexer {
  private let text: [Character]
  private var position = 0
  private var tokens: [ShellToken] = []
  private var word: [ShellPiece]?
  /// Words that end here-documents which begin at the next line.
  private var documents: [String] = []

  private init(_ script: String) { text = Array(script.replacing("\r\n", with: "\n")) }

  /// The tokens of a script.
  static func tokens(of script: String) -> [ShellToken] {
    var lexer = ShellLexer(script)
    lexer.run()
    return lexer.tokens
  }

  private var current: Character? { position < text.count ? text[position] : nil }

  private func peek(_ offset: Int = 1) -> Character? {
    position + offset < text.count ? text[position + offset] : nil
  }

  private mutating func endWord() {
    if let word { tokens.append(.word(word)) }
    word = nil
  }

  private mutating func add(_ piece: String, _ quoting: ShellPiece.Quoting) {
    var pieces = word ?? []
    if let last = pieces.last, last.quoting == quoting, quoting == .none {
      pieces[pieces.count - 1].text += piece
    } else {
      pieces.append(ShellPiece(text: piece, quoting: quoting))
    }
    word = pieces
  }

  private mutating func run() {
    while let character = current {
      switch character {
      case "\\":
        // A backslash at the end of a line joins it with the next.
        if let next = peek(), next != "\n" { add(String(next), .literal) }
        position += 2
      case "\n":
        endWord()
        tokens.append(.newline)
        position += 1
        skipDocuments()
      case " ", "\t":
        endWord()
        position += 1
      case "#" where word == nil: skipComment()
      case "'": quoted()
      case "\"": doubleQuoted()
      case "$": add(takeExpansion(), .none)
      case "`": add(takeBackquoted(), .none)
      case "<" where peek() == "<" && peek(2) != "<": hereDocument()
      case ";", "&", "|", "(", ")", "<", ">": symbol()
      default:
        add(String(character), .none)
        position += 1
      }
    }
    endWord()
  }

  private mutating func skipComment() { while let character = current, character != "\n" { position += 1 } }

  private mutating func quoted() {
    position += 1
    var piece = ""
    while let character = current, character != "'" {
      piece.append(character)
      position += 1
    }
    position += 1
    add(piece, .literal)
  }

  private mutating func doubleQuoted() {
    position += 1
    var piece = ""
    while let character = current, character != "\"" {
      switch character {
      case "\\":
        let next = peek() ?? "\\"
        switch next {
        case "\n": break
        case "$", "`":
          if !piece.isEmpty { add(piece, .double) }
          piece = ""
          add(String(next), .literal)
        case "\"", "\\": piece.append(next)
        default:
          piece.append("\\")
          piece.append(next)
        }
        position += 2
      case "$": piece += takeExpansion()
      case "`": piece += takeBackquoted()
      default:
        piece.append(character)
        position += 1
      }
    }
    position += 1
    add(piece, .double)
  }

  /// `$name`, `${…}`, `$(…)` or `$((…))`, as written.
  private mutating func takeExpansion() -> String {
    let start = position
    position += 1
    switch current {
    case "{": skipBalanced("{", "}")
    case "(": skipBalanced("(", ")")
    case let character? where character.isLetter || character == "_":
      while let character = current, character.isLetter || character.isNumber || character == "_" { position += 1 }
    case let character? where character.isNumber || "@*#?!$-".contains(character): position += 1
    default: break
    }
    return String(text[start..<position])
  }

  private mutating func takeBackquoted() -> String {
    let start = position
    position += 1
    while let character = current, character != "`" { position += character == "\\" ? 2 : 1 }
    position = min(text.count, position + 1)
    return String(text[min(start, position)..<position])
  }

  private mutating func skipBalanced(_ open: Character, _ close: Character) {
    var depth = 0
    while let character = current {
      position += 1
      if character == open { depth += 1 }
      if character == close { depth -= 1 }
      if character == "\\", position < text.count { position += 1 }
      if depth == 0 { return }
    }
  }

  private mutating func symbol() {
    endWord()
    let pair = String([current, peek()].compactMap { $0 })
    let symbol = ["&&", "||", ";;", ">>", "<<", ">&", "&>", "|&", "<("].contains(pair) ? pair : String(text[position])
    position += symbol.count
    tokens.append(.symbol(symbol))
  }

  /// `<<WORD` or `<<-WORD`: its lines are no commands.
  private mutating func hereDocument() {
    endWord()
    position += 2
    if current == "-" { position += 1 }
    while current == " " { position += 1 }
    var end = ""
    while let character = current, !character.isWhitespace, !";&|".contains(character) {
      if !"'\"\\".contains(character) { end.append(character) }
      position += 1
    }
    documents.append(end)
  }

  private mutating func skipDocuments() {
    for end in documents {
      while position < text.count {
        let start = position
        while let character = current, character != "\n" { position += 1 }
        let line = String(text[start..<position])
        position += 1
        if line.drop(while: { $0 == "\t" || $0 == " " }) == end { break }
      }
    }
    documents = []
  }
}
