// SPDX-License-Identifier: Apache-2.0

/// What Python's built-in functions do with values.
extension Interpreter {
  /// `str(value)`.
  func string(_ item: Item) throws(TemplateError) -> Text {
    switch item {
    case .undefined: return Text([UInt8]())
    case .string(let text): return text
    default:
      var writer = ReprWriter(limit: options.limits.outputBytes)
      try writer.represent(item)
      try spend(bytes: writer.bytes.count)
      return Text(writer.bytes)
    }
  }

  /// `repr(value)`.
  func representation(_ item: Item) throws(TemplateError) -> Text {
    var writer = ReprWriter(limit: options.limits.outputBytes)
    try writer.represent(item)
    try spend(bytes: writer.bytes.count)
    return Text(writer.bytes)
  }

  /// `len(value)`, or nil where Python says that there is none.
  func length(of item: Item) throws(TemplateError) -> Int? {
    switch item {
    case .undefined: return 0
    case .string(let text):
      try spend(text.bytes.count / 64)
      return text.count
    case .list(let row), .tuple(let row): return row.items.count
    case .dict(let dictionary): return dictionary.count
    case .object(let object): return try object.length(self)
    default: return nil
    }
  }

  /// `iter(value)`.
  func iteration(of item: Item) throws(TemplateError) -> Iteration {
    if case .object(let object) = item, let iteration = try object.iteration(self) { return iteration }
    return Iteration(of: try items(of: item), typeName: "\(item.typeName)_iterator", depth: item.depth)
  }

  /// Whether `iter(value)` is possible.
  func isIterable(_ item: Item) throws(TemplateError) -> Bool {
    switch item {
    case .none, .bool, .int, .double: false
    case .object(let object): try object.iteration(self) != nil
    default: true
    }
  }

  /// `list(value)`.
  func items(of item: Item, unpacking: Bool = false) throws(TemplateError) -> [Item] {
    switch item {
    case .undefined: return []
    case .list(let row), .tuple(let row): return row.items
    case .dict(let dictionary): return dictionary.keys
    case .string(let text):
      try spend(text.bytes.count)
      return text.string.unicodeScalars.map { .string(Text(CollectionOfOne($0))) }
    case .object(let object):
      if let iteration = try object.iteration(self) {
        var items: [Item] = []
        while let item = try iteration.nextItem() {
          try spend()
          items.append(item)
        }
        return items
      }
    default: break
    }
    throw TemplateError(
      .type,
      unpacking
        ? "cannot unpack non-iterable \(item.typeName) object" : "'\(item.typeName)' object is not iterable")
  }

  /// `value in container`.
  func contains(_ container: Item, _ value: Item) throws(TemplateError) -> Bool {
    switch container {
    case .undefined: return false
    case .string(let text):
      if case .undefined = value {
        throw TemplateError(.type, "'in <string>' requires string as left operand, not Undefined")
      }
      guard case .string(let part) = value else {
        throw TemplateError(.type, "'in <string>' requires string as left operand, not \(value.typeName)")
      }
      try spend((text.bytes.count + part.bytes.count) / 16)
      return text.firstRange(of: part) != nil
    case .list(let row), .tuple(let row):
      try spend(min(row.size, row.items.count * value.size))
      return row.items.contains(value)
    case .dict(let dictionary):
      try spend(value.size)
      try value.checkHashable()
      return dictionary[value] != nil
    case .object(let object):
      guard !(object is Namespace), try object.iteration(self) != nil else { break }
      if let view = object as? DictionaryView, view.kind == .keys { return view.dictionary[value] != nil }
      return try items(of: container).contains(value)
    default: break
    }
    throw TemplateError(.type, "argument of type '\(container.typeName)' is not iterable")
  }

  /// `value[start:stop:step]`.
  func slice(_ item: Item, _ start: Item, _ stop: Item, _ step: Item) throws(TemplateError) -> Item {
    if case .undefined(let missing) = item { throw missing.error }
    func bound(_ item: Item) throws(TemplateError) -> Int? {
      if item.isNone { return nil }
      if let index = item.index { return index }
      throw TemplateError(.type, "slice indices must be integers or None or have an __index__ method")
    }
    let length: Int
    switch item {
    case .string(let text):
      try spend(bytes: text.bytes.count)
      length = text.count
    case .list(let row), .tuple(let row): length = row.items.count
    case .dict: throw TemplateError(.type, "unhashable type: 'slice'")
    case .object(let object):
      guard let items = try object.sequence() else { throw Self.notSubscriptable(item) }
      length = items.count
    default: throw Self.notSubscriptable(item)
    }
    let bounds = (try bound(start), try bound(stop), try bound(step) ?? 1)
    guard bounds.2 != 0 else { throw TemplateError(.value, "slice step cannot be zero") }
    let positions = StridedPositions(start: bounds.0, stop: bounds.1, step: bounds.2, length: length)
    try spend(positions.count)
    switch item {
    case .string(let text): return .string(text.picking(positions).marked(like: text))
    case .list(let row): return .list(try Row(positions.map { row.items[$0] }))
    case .tuple(let row): return .tuple(try Row(positions.map { row.items[$0] }))
    case .object(let object):
      if let range = object as? Range {
        let (first, scaled) = range.step.multipliedReportingOverflow(by: positions.step)
        let step = scaled ? range.step : first
        let begin = range.start + positions.start * range.step
        return .object(Range(start: begin, stop: range.start + positions.stop * range.step, step: step))
      }
      let items = try object.sequence() ?? []
      return .tuple(try Row(positions.map { items[$0] }))
    default: return .none
    }
  }

  // MARK: Attributes and elements

  /// `value.name`: an attribute, or else an element.
  func attribute(_ name: Text, of item: Item) throws(TemplateError) -> Item {
    if case .undefined(let missing) = item, !Methods.isHidden(name, of: item) { throw missing.error }
    if let special = try pythonAttribute(name, of: item) { return special }
    switch item {
    case .dict(let dictionary): if let value = dictionary[name] { return value }
    default: break
    }
    return noAttribute(name, of: item)
  }

  /// `value[key]`: an element, or else an attribute.
  func element(_ key: Item, of item: Item) throws(TemplateError) -> Item {
    switch item {
    case .undefined(let missing): throw missing.error
    case .dict(let dictionary): if let value = dictionary[key] { return value }
    case .list(let row), .tuple(let row):
      if let index = key.index {
        let place = index < 0 ? index + row.items.count : index
        if row.items.indices.contains(place) { return row.items[place] }
      }
    case .string(let text):
      try spend(text.bytes.count / 64)
      if let index = key.index, let character = character(text, index) { return character }
    case .object(let object): if let value = try object.element(key) { return value }
    default: break
    }
    if case .string(let name) = key {
      return try pythonAttribute(name, of: item) ?? noAttribute(name, of: item)
    }
    return noElement(key, of: item)
  }

  private func character(_ text: Text, _ index: Int) -> Item? {
    if text.isASCII {
      let place = index < 0 ? index + text.bytes.count : index
      return text.bytes.indices.contains(place) ? .string(Text([text.bytes[place]], isMarkup: text.isMarkup)) : nil
    }
    let count = text.count
    let place = index < 0 ? index + count : index
    guard place >= 0, place < count else { return nil }
    let positions = StridedPositions(start: place, stop: place + 1, step: 1, length: count)
    return .string(text.picking(positions).marked(like: text))
  }

  /// What `getattr` finds, without what the sandbox hides.
  private func pythonAttribute(_ name: Text, of item: Item) throws(TemplateError) -> Item? {
    if case .object(let object) = item, let value = try object.attribute(name, self) { return value }
    if Methods.isHidden(name, of: item) {
      guard options.dialect == .chat else {
        throw TemplateError(
          .unsupported, "'\(name.string)' of '\(item.typeName)' is not supported: it changes a value, or is internal")
      }
      return .undefined(
        Missing(.security, "access to attribute '\(name.string)' of '\(item.typeName)' object is unsafe."))
    }
    if let number = item.number, let part = number.part(name) { return part }
    guard let method = Methods.method(name, of: item) else { return nil }
    return .object(
      Function(name.string, depth: item.depth) { (interpreter, arguments) throws(TemplateError) in
        try method(interpreter, item, arguments)
      })
  }

  private func noAttribute(_ name: Text, of item: Item) -> Item {
    let type = Self.described(item)
    return .undefined(Missing("'\(type)' has no attribute \((try? self.representation(.string(name)).string) ?? "")"))
  }

  private func noElement(_ key: Item, of item: Item) -> Item {
    let type = Self.described(item)
    return .undefined(
      Missing("\(type) has no element \((try? self.representation(key).string) ?? key.typeName)"))
  }

  private static func notSubscriptable(_ item: Item) -> TemplateError {
    TemplateError(.type, "'\(item.typeName)' object is not subscriptable")
  }

  private static func described(_ item: Item) -> String { item.isNone ? "None" : "\(item.typeName) object" }
}
