// SPDX-License-Identifier: Apache-2.0

/// The methods of Python's `str`.
enum StringMethods {
  static let table: [Text: Method] = changes.merging(searches) { $1 }.merging(letters) { $1 }.merging(others) { $1 }

  private typealias Body =
    @Sendable (
      _ interpreter: Interpreter, _ text: Text, _ values: [Item?]
    ) throws(TemplateError) -> Item

  /// A method with parameters by position; of escaped text, it escapes what it is given and gives escaped text.
  private static func method(
    _ name: String, _ parameters: [StaticString] = [], required: Int = 0, _ body: @escaping Body
  ) -> Method {
    { (interpreter, value, arguments) throws(TemplateError) in
      guard case .string(let text) = value else { return .none }
      try interpreter.spend(bytes: text.bytes.count)
      var values = try arguments.bound(name, parameters, required: required)
      if text.isMarkup { values = values.map { $0.map(escaped) } }
      let result = try body(interpreter, text, values)
      if case .string(let made) = result { try interpreter.spend(bytes: made.bytes.count) }
      return text.isMarkup ? try marked(result) : result
    }
  }

  private static func escaped(_ item: Item) -> Item {
    if case .string(let text) = item { .string(HTMLText.escaped(text)) } else { item }
  }

  private static func marked(_ item: Item) throws(TemplateError) -> Item {
    switch item {
    case .string(let text): return .string(Text(text.bytes, isMarkup: true))
    case .list(let row):
      var items: [Item] = []
      for item in row.items { items.append(try marked(item)) }
      return .list(try Row(items))
    case .tuple(let row):
      var items: [Item] = []
      for item in row.items { items.append(try marked(item)) }
      return .tuple(try Row(items))
    default: return item
    }
  }

  // MARK: Reading arguments

  static func text(_ item: Item?, _ name: String) throws(TemplateError) -> Text {
    if case .undefined(let missing)? = item, missing.kind == .security { throw missing.error }
    guard case .string(let text)? = item else {
      throw TemplateError(.type, "\(name) must be str, not \(item?.typeName ?? "NoneType")")
    }
    return text
  }

  private static func optionalText(_ item: Item?, _ name: String) throws(TemplateError) -> Text? {
    guard let item, !item.isNone else { return nil }
    return try text(item, "\(name) arg")
  }

  private static func number(_ item: Item?, default fallback: Int) throws(TemplateError) -> Int {
    guard let item else { return fallback }
    if let index = item.index { return index }
    throw TemplateError(.type, "'\(item.typeName)' object cannot be interpreted as an integer")
  }

  private static func list(_ texts: [Text], _ interpreter: Interpreter) throws(TemplateError) -> Item {
    try interpreter.list(texts.map { .string($0) })
  }

  // MARK: Methods

  private static let changes: [Text: Method] = [
    "strip": method("strip", ["chars"]) { (_, text, values) throws(TemplateError) in
      .string(text.stripped(.both, of: try optionalText(values[0], "strip")))
    },
    "lstrip": method("lstrip", ["chars"]) { (_, text, values) throws(TemplateError) in
      .string(text.stripped(.leading, of: try optionalText(values[0], "lstrip")))
    },
    "rstrip": method("rstrip", ["chars"]) { (_, text, values) throws(TemplateError) in
      .string(text.stripped(.trailing, of: try optionalText(values[0], "rstrip")))
    },
    "upper": method("upper") { (_, text, _) throws(TemplateError) in .string(text.uppercased) },
    "lower": method("lower") { (_, text, _) throws(TemplateError) in .string(text.lowercased) },
    "casefold": method("casefold") { (_, text, _) throws(TemplateError) in
      guard text.isASCII else {
        throw TemplateError(.unsupported, "casefold() is supported for ASCII alone; use lower()")
      }
      return .string(text.lowercased)
    },
    "title": method("title") { (_, text, _) throws(TemplateError) in .string(text.titlecased) },
    "capitalize": method("capitalize") { (_, text, _) throws(TemplateError) in .string(text.capitalized) },
    "swapcase": method("swapcase") { (_, text, _) throws(TemplateError) in .string(text.swappedCase) },
    "replace": method("replace", ["old", "new", "count"], required: 2) {
      (interpreter, text, values) throws(TemplateError) in
      let limit = try number(values[2], default: -1)
      let old = try StringMethods.text(values[0], "replace() argument 1")
      let new = try StringMethods.text(values[1], "replace() argument 2")
      return .string(try replaced(text, old, new, limit, interpreter))
    },
    "removeprefix": method("removeprefix", ["prefix"], required: 1) { (_, text, values) throws(TemplateError) in
      let prefix = try StringMethods.text(values[0], "removeprefix() argument")
      return .string(text.hasPrefix(prefix) ? Text(text.bytes[prefix.bytes.count...]) : text)
    },
    "removesuffix": method("removesuffix", ["suffix"], required: 1) { (_, text, values) throws(TemplateError) in
      let suffix = try StringMethods.text(values[0], "removesuffix() argument")
      return .string(
        text.hasSuffix(suffix) ? Text(text.bytes[..<(text.bytes.count - suffix.bytes.count)]) : text)
    },
    "zfill": method("zfill", ["width"], required: 1) { (interpreter, text, values) throws(TemplateError) in
      let width = try number(values[0], default: 0)
      try interpreter.spend(bytes: max(0, width))
      let hasSign = text.hasPrefix("-") || text.hasPrefix("+")
      let zeros = Array(repeating: UInt8(ascii: "0"), count: max(0, width - text.count))
      return .string(Text(text.bytes.prefix(hasSign ? 1 : 0) + zeros + text.bytes.dropFirst(hasSign ? 1 : 0)))
    },
    "expandtabs": method("expandtabs", ["tabsize"]) { (interpreter, text, values) throws(TemplateError) in
      let size = max(0, try number(values[0], default: 8))
      try interpreter.spend(
        bytes: text.occurrences(of: "\t").multipliedReportingOverflow(by: size).partialValue.magnitude > 16 << 20
          ? Int.max : 0)
      var scalars: [Unicode.Scalar] = []
      var column = 0
      for scalar in text.string.unicodeScalars {
        if scalar == "\t" {
          let count = size == 0 ? 0 : size - column % size
          scalars += Array(repeating: " ", count: count)
          column += count
        } else {
          scalars.append(scalar)
          column = scalar == "\n" || scalar == "\r" ? 0 : column + 1
        }
      }
      return .string(Text(scalars))
    },
    "center": padded("center", "^"), "ljust": padded("ljust", "<"), "rjust": padded("rjust", ">"),
  ]

  /// `str.replace`, counted before it is made.
  static func replaced(
    _ text: Text, _ old: Text, _ new: Text, _ limit: Int, _ interpreter: Interpreter
  ) throws(TemplateError) -> Text {
    try interpreter.spend(bytes: text.bytes.count)
    let growth = new.bytes.count - old.bytes.count
    if growth > 0 {
      let times = limit < 0 ? text.occurrences(of: old) : min(limit, text.occurrences(of: old))
      let (added, overflow) = times.multipliedReportingOverflow(by: growth)
      try interpreter.spend(bytes: overflow ? Int.max : text.bytes.count + added)
    }
    return text.replacing(old, with: new, limit: limit)
  }

  private static func padded(_ name: String, _ alignment: Unicode.Scalar) -> Method {
    method(name, ["width", "fillchar"], required: 1) { (interpreter, text, values) throws(TemplateError) in
      let width = try number(values[0], default: 0)
      let fill =
        try values[1].map { (item) throws(TemplateError) in try StringMethods.text(item, "the fill character") } ?? " "
      guard fill.count == 1 else { throw TemplateError(.type, "The fill character must be exactly one character long") }
      let space = max(0, width - text.count)
      try interpreter.spend(bytes: space.multipliedReportingOverflow(by: 4).overflow ? Int.max : space * 4)
      // Python puts the odd space of `center` on the left when the width is odd.
      let left = alignment == "<" ? 0 : alignment == ">" ? space : space / 2 + (space & width & 1)
      func filling(_ count: Int) -> [UInt8] { Array(repeatElement(fill.bytes, count: count).joined()) }
      return .string(Text(filling(left) + text.bytes + filling(space - left)))
    }
  }

  private static let searches: [Text: Method] = [
    "startswith": affix("startswith") { $0.hasPrefix($1) },
    "endswith": affix("endswith") { $0.hasSuffix($1) },
    "find": place("find", backwards: false), "rfind": place("rfind", backwards: true),
    "index": place("index", backwards: false, isRequired: true),
    "rindex": place("rindex", backwards: true, isRequired: true),
    "count": method("count", ["sub", "start", "end"], required: 1) {
      (interpreter, text, values) throws(TemplateError) in
      let part = try StringMethods.text(values[0], "count() argument 1")
      try interpreter.spend(bytes: text.bytes.count)
      guard let (cut, _) = try window(text, values[1], values[2]) else { return .int(0) }
      return .int(cut.occurrences(of: part))
    },
  ]

  private static func affix(_ name: String, _ holds: @escaping @Sendable (Text, Text) -> Bool) -> Method {
    method(name, ["prefix", "start", "end"], required: 1) { (_, text, values) throws(TemplateError) in
      guard let (cut, _) = try window(text, values[1], values[2]) else { return .bool(false) }
      switch values[0] {
      case .string(let affix)?: return .bool(holds(cut, affix))
      case .tuple(let row)?:
        for item in row.items {
          guard case .string(let affix) = item else {
            throw TemplateError(.type, "tuple for \(name) must only contain str, not \(item.typeName)")
          }
          if holds(cut, affix) { return .bool(true) }
        }
        return .bool(false)
      default:
        throw TemplateError(
          .type, "\(name) first arg must be str or a tuple of str, not \(values[0]?.typeName ?? "NoneType")")
      }
    }
  }

  /// The part of a text between two positions, and where it begins; nil where Python finds nothing in it.
  private static func window(_ text: Text, _ start: Item?, _ end: Item?) throws(TemplateError) -> (Text, Int)? {
    func bound(_ item: Item?) throws(TemplateError) -> Int? {
      guard let item, !item.isNone else { return nil }
      return try number(item, default: 0)
    }
    let (first, last) = (try bound(start), try bound(end))
    guard first != nil || last != nil else { return (text, 0) }
    let length = text.count
    if let first, first > length { return nil }
    let positions = StridedPositions(start: first, stop: last, step: 1, length: length)
    let begin = first.map { $0 < 0 ? max(0, $0 + length) : $0 } ?? 0
    let stop = last.map { $0 < 0 ? max(0, $0 + length) : min($0, length) } ?? length
    guard begin <= stop else { return nil }
    return (text.picking(positions), begin)
  }

  private static func place(_ name: String, backwards: Bool, isRequired: Bool = false) -> Method {
    method(name, ["sub", "start", "end"], required: 1) { (interpreter, text, values) throws(TemplateError) in
      let part = try StringMethods.text(values[0], "\(name)() argument 1")
      try interpreter.spend(bytes: text.bytes.count)
      if let (cut, offset) = try window(text, values[1], values[2]) {
        let found = backwards ? cut.lastRange(of: part, upTo: cut.bytes.count) : cut.firstRange(of: part)
        if let found { return .int(offset + Text(cut.bytes[..<found]).count) }
      }
      if isRequired { throw TemplateError(.value, "substring not found") }
      return .int(-1)
    }
  }

  private static let letters: [Text: Method] = [
    "isalpha": all("isalpha", \.isPythonAlpha), "isdigit": all("isdigit", \.isPythonDigit),
    "isdecimal": all("isdecimal", \.isPythonDecimal), "isnumeric": all("isnumeric", \.isPythonNumeric),
    "isalnum": all("isalnum", \.isPythonAlphanumeric), "isspace": all("isspace", \.isPythonSpace),
    "isascii": method("isascii") { (_, text, _) throws(TemplateError) in .bool(text.isASCII) },
    "isprintable": method("isprintable") { (_, text, _) throws(TemplateError) in
      .bool(text.scalars.allSatisfy(\.isPythonPrintable))
    },
    "islower": method("islower") { (_, text, _) throws(TemplateError) in .bool(Methods.isLower(text)) },
    "isupper": method("isupper") { (_, text, _) throws(TemplateError) in .bool(Methods.isUpper(text)) },
    "istitle": method("istitle") { (_, text, _) throws(TemplateError) in .bool(Methods.isTitle(text)) },
    "isidentifier": method("isidentifier") { (_, text, _) throws(TemplateError) in
      let scalars = text.scalars
      guard let first = scalars.first else { return .bool(false) }
      return .bool(
        (first == "_" || first.properties.isXIDStart) && scalars.dropFirst().allSatisfy(\.properties.isXIDContinue))
    },
  ]

  private static func all(_ name: String, _ holds: @escaping @Sendable (Unicode.Scalar) -> Bool) -> Method {
    method(name) { (_, text, _) throws(TemplateError) in .bool(!text.isEmpty && text.scalars.allSatisfy(holds)) }
  }

  private static let others: [Text: Method] = [
    "split": splitter("split", backwards: false), "rsplit": splitter("rsplit", backwards: true),
    "splitlines": method("splitlines", ["keepends"]) { (interpreter, text, values) throws(TemplateError) in
      try list(text.lines(keepingEnds: values[0]?.isTrue ?? false), interpreter)
    },
    "partition": partition("partition", backwards: false), "rpartition": partition("rpartition", backwards: true),
    "join": method("join", ["iterable"], required: 1) { (interpreter, text, values) throws(TemplateError) in
      var bytes: [UInt8] = []
      for (index, item) in try interpreter.items(of: values[0] ?? .none).enumerated() {
        guard case .string(let part) = item else {
          throw TemplateError(.type, "sequence item \(index): expected str instance, \(item.typeName) found")
        }
        if index > 0 { bytes += text.bytes }
        bytes += text.isMarkup ? HTMLText.escaped(part).bytes : part.bytes
        try interpreter.spend(
          bytes: bytes.count - (index > 0 ? 0 : 0) > interpreter.options.limits.outputBytes ? Int.max : part.bytes.count
        )
      }
      return .string(Text(bytes))
    },
    "format": { (interpreter, value, arguments) throws(TemplateError) in
      guard case .string(let text) = value else { return .none }
      return try interpreter.made(BraceFormat.text(text, arguments, interpreter))
    },
    "format_map": { (interpreter, value, arguments) throws(TemplateError) in
      guard case .string(let text) = value, case .dict(let members)? = arguments.positional.first else {
        throw TemplateError(.type, "format_map() takes exactly one argument, a mapping")
      }
      var given = Arguments()
      for index in members.keys.indices {
        if case .string(let name) = members.keys[index] { given.named.append((name, members.values[index])) }
      }
      return try interpreter.made(BraceFormat.text(text, given, interpreter))
    },
    "encode": unsupported("encode"), "translate": unsupported("translate"), "maketrans": unsupported("maketrans"),
  ]

  private static func unsupported(_ name: String) -> Method {
    { (interpreter, value, arguments) throws(TemplateError) -> Item in
      throw TemplateError(.unsupported, "\(name)() of strings is not supported")
    }
  }

  private static func splitter(_ name: String, backwards: Bool) -> Method {
    method(name, ["sep", "maxsplit"]) { (interpreter, text, values) throws(TemplateError) in
      let limit = try number(values[1], default: -1)
      try interpreter.spend(bytes: text.bytes.count)
      guard let item = values[0], !item.isNone else {
        return try list(
          backwards ? text.splitAtSpacesFromEnd(limit: limit) : text.splitAtSpaces(limit: limit), interpreter)
      }
      let separator = try StringMethods.text(item, "the separator")
      guard !separator.isEmpty else { throw TemplateError(.value, "empty separator") }
      return try list(
        backwards ? text.splitFromEnd(by: separator, limit: limit) : text.split(by: separator, limit: limit),
        interpreter)
    }
  }

  private static func partition(_ name: String, backwards: Bool) -> Method {
    method(name, ["sep"], required: 1) { (_, text, values) throws(TemplateError) in
      let separator = try StringMethods.text(values[0], "the separator")
      guard !separator.isEmpty else { throw TemplateError(.value, "empty separator") }
      let found = backwards ? text.lastRange(of: separator, upTo: text.bytes.count) : text.firstRange(of: separator)
      let nothing = Text([UInt8]())
      guard let found else {
        return .tuple(try Row((backwards ? [nothing, nothing, text] : [text, nothing, nothing]).map { .string($0) }))
      }
      let parts = [Text(text.bytes[..<found]), separator, Text(text.bytes[(found + separator.bytes.count)...])]
      return .tuple(try Row(parts.map { .string($0) }))
    }
  }
}
