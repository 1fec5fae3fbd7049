// SPDX-License-Identifier: Apache-2.0

/// `text % values`.
enum PercentFormat {
  static func text(_ format: Text, _ values: Item, _ interpreter: Interpreter) throws(TemplateError) -> Text {
    var scanner = Scanner(format, values)
    let text = try scanner.run(interpreter)
    return text.marked(like: format)
  }

  private struct Scanner {
    let format: Text
    var rest: ArraySlice<Unicode.Scalar>
    let values: Item
    let items: [Item]
    var used = 0
    var output: [UInt8] = []

    init(_ format: Text, _ values: Item) {
      self.format = format
      rest = format.scalars[...]
      self.values = values
      if case .tuple(let row) = values { items = row.items } else { items = [values] }
    }

    mutating func run(_ interpreter: Interpreter) throws(TemplateError) -> Text {
      while let scalar = rest.popFirst() {
        if scalar == "%" {
          try directive(interpreter)
        } else {
          output.append(contentsOf: Text(CollectionOfOne(scalar)).bytes)
        }
      }
      if used < items.count, !acceptsUnused {
        throw TemplateError(.type, "not all arguments converted during string formatting")
      }
      return Text(output)
    }

    /// Python takes a mapping without using it, and everything with elements but strings and tuples counts as one.
    private var acceptsUnused: Bool {
      switch values {
      case .dict, .list, .undefined: true
      case .object(let object): object is Range || object is Namespace
      default: false
      }
    }

    private mutating func next() throws(TemplateError) -> Item {
      guard used < items.count else { throw TemplateError(.type, "not enough arguments for format string") }
      used += 1
      return items[used - 1]
    }

    private mutating func directive(_ interpreter: Interpreter) throws(TemplateError) {
      var specification = FormatSpecification()
      specification.alignment = ">"
      var named: Item?
      if rest.first == "(" { named = try member(interpreter) }
      var isLeft = false
      var isZero = false
      while let flag = rest.first, ["-", "+", " ", "#", "0"].contains(flag) {
        rest.removeFirst()
        switch flag {
        case "-": isLeft = true
        case "0": isZero = true
        case "#": specification.isAlternate = true
        default: specification.sign = flag == "+" ? "+" : specification.sign == "+" ? "+" : " "
        }
      }
      specification.width = try size() ?? 0
      if specification.width < 0 {
        isLeft = true
        specification.width = -specification.width
      }
      if rest.first == "." {
        rest.removeFirst()
        specification.precision = max(0, try size() ?? 0)
      }
      while let length = rest.first, ["h", "l", "L"].contains(length) { rest.removeFirst() }
      guard let kind = rest.popFirst() else { throw TemplateError(.value, "incomplete format") }
      if kind == "%" {
        output.append(UInt8(ascii: "%"))
        return
      }
      if isLeft { specification.alignment = "<" }
      let item = if let named { named } else { try next() }
      try interpreter.spend(bytes: max(specification.width, specification.precision ?? 0))
      output += try text(item, kind, specification, isZero: isZero && !isLeft, interpreter).bytes
    }

    private mutating func size() throws(TemplateError) -> Int? {
      guard rest.first == "*" else { return try FormatSpecification.number(&rest) }
      rest.removeFirst()
      guard let width = try next().index, width.magnitude <= 100_000 else {
        throw TemplateError(.type, "* wants int")
      }
      return width
    }

    private mutating func member(_ interpreter: Interpreter) throws(TemplateError) -> Item {
      rest.removeFirst()
      var level = 1
      var name: [Unicode.Scalar] = []
      while let scalar = rest.popFirst() {
        if scalar == "(" { level += 1 }
        if scalar == ")" { level -= 1 }
        if level == 0 { break }
        name.append(scalar)
      }
      guard level == 0 else { throw TemplateError(.value, "incomplete format key") }
      guard case .dict(let members) = values else { throw TemplateError(.type, "format requires a mapping") }
      guard let value = members[Text(name)] else { throw TemplateError(.key, "'\(Text(name).string)'") }
      used = items.count
      return value
    }

    private func text(
      _ item: Item, _ kind: Unicode.Scalar, _ specification: FormatSpecification, isZero: Bool,
      _ interpreter: Interpreter
    ) throws(TemplateError) -> Text {
      var specification = specification
      switch kind {
      case "s", "r", "a":
        let text = try kind == "s" ? interpreter.string(item) : interpreter.representation(item)
        return specification.laidOut(format.isMarkup && kind == "s" ? HTMLText.escaped(text) : text)
      case "c":
        if case .string(let text) = item, text.count == 1 {
          specification.precision = nil
          return specification.laidOut(text)
        }
        guard item.index != nil else { throw TemplateError(.type, "%c requires int or char") }
      case "d", "i", "u", "x", "X", "o": break
      case "e", "E", "f", "F", "g", "G": break
      default:
        throw TemplateError(.value, "unsupported format character '\(kind)' (0x\(String(kind.value, radix: 16)))")
      }
      if isZero {
        specification.fill = "0"
        specification.alignment = "="
      }
      if case .undefined(let missing) = item { throw missing.error }
      guard let number = item.number else {
        throw TemplateError(
          .type,
          ["e", "E", "f", "F", "g", "G"].contains(kind)
            ? "must be real number, not \(item.typeName)"
            : "%\(kind) format: a real number is required, not \(item.typeName)")
      }
      if ["e", "E", "f", "F", "g", "G"].contains(kind) {
        specification.type = kind
        return try specification.text(.double(number.double), interpreter)
      }
      specification.type = ["i", "u"].contains(kind) ? "d" : kind
      specification.precision = nil
      switch number {
      case .int(let value): return try specification.text(.int(value), interpreter)
      case .double(let value):
        guard kind != "x", kind != "X", kind != "o" else {
          throw TemplateError(.type, "%\(kind) format: an integer is required, not float")
        }
        guard let whole = Int(exactly: value.rounded(.towardZero)) else {
          throw TemplateError(.overflow, "\(value.pythonRepr) \(Arithmetic.tooLarge)")
        }
        return try specification.text(.int(whole), interpreter)
      }
    }
  }
}

/// `text.format(…)`.
enum BraceFormat {
  static func text(_ format: Text, _ arguments: Arguments, _ interpreter: Interpreter) throws(TemplateError) -> Text {
    var automatic = 0
    let bytes = try expand(format.scalars[...], arguments, &automatic, interpreter, level: 0)
    return Text(bytes, isMarkup: format.isMarkup)
  }

  private static func expand(
    _ format: ArraySlice<Unicode.Scalar>, _ arguments: Arguments, _ automatic: inout Int, _ interpreter: Interpreter,
    level: Int
  ) throws(TemplateError) -> [UInt8] {
    guard level < 2 else { throw TemplateError(.value, "Max string recursion exceeded") }
    var output: [UInt8] = []
    var rest = format
    while let scalar = rest.popFirst() {
      switch scalar {
      case "{" where rest.first == "{", "}" where rest.first == "}":
        rest.removeFirst()
        output.append(UInt8(scalar.value))
      case "{": output += try field(&rest, arguments, &automatic, interpreter, level)
      case "}": throw TemplateError(.value, "Single '}' encountered in format string")
      default: output.append(contentsOf: Text(CollectionOfOne(scalar)).bytes)
      }
    }
    return output
  }

  private static func field(
    _ rest: inout ArraySlice<Unicode.Scalar>, _ arguments: Arguments, _ automatic: inout Int,
    _ interpreter: Interpreter, _ level: Int
  ) throws(TemplateError) -> [UInt8] {
    var depth = 1
    var content: [Unicode.Scalar] = []
    while let scalar = rest.popFirst() {
      if scalar == "{" { depth += 1 }
      if scalar == "}" { depth -= 1 }
      if depth == 0 { break }
      content.append(scalar)
    }
    guard depth == 0 else { throw TemplateError(.value, "expected '}' before end of string") }
    let end = content.firstIndex { $0 == "!" || $0 == ":" } ?? content.endIndex
    var tail = content[end...]
    var value = try self.value(content[..<end], arguments, &automatic, interpreter)
    if tail.first == "!" {
      tail.removeFirst()
      switch tail.popFirst() {
      case "s"?: value = .string(try interpreter.string(value))
      case "r"?, "a"?: value = .string(try interpreter.representation(value))
      default: throw TemplateError(.value, "Unknown conversion specifier")
      }
    }
    if !tail.isEmpty { tail.removeFirst() }
    let written = try expand(tail, arguments, &automatic, interpreter, level: level + 1)
    if case .undefined = value, !written.isEmpty {
      throw TemplateError(.type, "unsupported format string passed to Undefined.__format__")
    }
    let specification = try FormatSpecification(Text(written))
    try interpreter.spend(bytes: max(specification.width, specification.precision ?? 0))
    return try specification.text(value, interpreter).bytes
  }

  private static func value(
    _ name: ArraySlice<Unicode.Scalar>, _ arguments: Arguments, _ automatic: inout Int, _ interpreter: Interpreter
  ) throws(TemplateError) -> Item {
    var rest = name
    let first = Text(Array(rest.prefix { $0 != "." && $0 != "[" }))
    rest = rest.dropFirst(first.count)
    var value: Item
    if first.isEmpty || first.bytes.allSatisfy({ (48...57).contains($0) }) {
      guard let index = first.isEmpty ? automatic : Int(first.string), index < arguments.positional.count else {
        throw TemplateError(
          .index,
          "Replacement index \(first.isEmpty ? "\(automatic)" : first.string) out of range for positional args tuple")
      }
      if first.isEmpty { automatic += 1 }
      value = arguments.positional[index]
    } else {
      guard let named = arguments.named.first(where: { $0.name == first }) else {
        throw TemplateError(.key, "'\(first.string)'")
      }
      value = named.value
    }
    while let mark = rest.popFirst() {
      let isAttribute = mark == "."
      let part = Text(Array(rest.prefix { isAttribute ? $0 != "." && $0 != "[" : $0 != "]" }))
      rest = rest.dropFirst(part.count + (isAttribute ? 0 : 1))
      if isAttribute {
        value = try interpreter.attribute(part, of: value)
      } else if let index = Int(part.string) {
        value = try interpreter.element(.int(index), of: value)
      } else {
        value = try interpreter.element(.string(part), of: value)
      }
    }
    return value
  }
}
