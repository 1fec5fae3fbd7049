// SPDX-License-Identifier: Apache-2.0

/// A Python object that is no plain data: a namespace, a macro, the state of a loop, a function, a view.
class Object {
  let depth: Int
  init(depth: Int = 1) { self.depth = depth }

  var typeName: String { "object" }
  var isTrue: Bool { true }
  var isCallable: Bool { false }
  /// What `repr` gives; an address in memory is left out.
  func represented(_ writer: inout ReprWriter) throws(TemplateError) { writer.write("<\(typeName) object>") }
  func equals(_ other: Object) -> Bool { self === other }
  /// An attribute that is no method.
  func attribute(_ name: Text, _ interpreter: Interpreter) throws(TemplateError) -> Item? { nil }
  /// `len(value)`, if it has one.
  func length(_ interpreter: Interpreter) throws(TemplateError) -> Int? { nil }
  /// A new iteration over it, or nil when it has none.
  func iteration(_ interpreter: Interpreter) throws(TemplateError) -> Iteration? { nil }
  /// `value[key]`, or nil when there is none.
  func element(_ key: Item) throws(TemplateError) -> Item? { nil }
  /// Its items as a sequence that `reversed`, slices and `sequence` take.
  func sequence() throws(TemplateError) -> [Item]? { nil }
}

/// `namespace(…)`: the one object whose attributes a template may set.
final class Namespace: Object {
  var names: [Text] = []
  var values: [Text: Item] = [:]

  override var typeName: String { "TemplateNamespace" }

  subscript(name: Text) -> Item? {
    get { values[name] }
    set {
      if values[name] == nil { names.append(name) }
      values[name] = newValue
    }
  }

  override func attribute(_ name: Text, _ interpreter: Interpreter) -> Item? { values[name] }
  override func element(_ key: Item) -> Item? { key.text.flatMap { values[$0] } }
  override func represented(_ writer: inout ReprWriter) throws(TemplateError) {
    try writer.descend { writer throws(TemplateError) in
      writer.write("<\(typeName) {")
      for (index, name) in names.enumerated() {
        if index > 0 { writer.write(", ") }
        try writer.represent(.string(name))
        writer.write(": ")
        try writer.represent(values[name] ?? .none)
      }
      writer.write("}>")
    }
  }
}

/// Python's `range`.
final class Range: Object {
  let start: Int
  let stop: Int
  let step: Int
  let count: Int

  init(start: Int, stop: Int, step: Int) {
    self.start = start
    self.stop = stop
    self.step = step
    let (low, high) = step > 0 ? (start, stop) : (stop, start)
    let span = high > low ? UInt(bitPattern: high &- low) : 0
    count = span == 0 ? 0 : Int(clamping: (span - 1) / step.magnitude + 1)
    super.init()
  }

  override var typeName: String { "range" }
  override var isTrue: Bool { count > 0 }
  override func length(_ interpreter: Interpreter) -> Int? { count }
  override func represented(_ writer: inout ReprWriter) {
    writer.write(step == 1 ? "range(\(start), \(stop))" : "range(\(start), \(stop), \(step))")
  }
  override func equals(_ other: Object) -> Bool {
    guard let other = other as? Range, other.count == count else { return false }
    return count == 0 || (start == other.start && (count == 1 || step == other.step))
  }
  override func iteration(_ interpreter: Interpreter) -> Iteration? {
    var index = 0
    return Iteration("range_iterator") { [self] in
      guard index < count else { return nil }
      defer { index += 1 }
      return .int(start + index * step)
    }
  }
  override func element(_ key: Item) -> Item? {
    guard let index = key.index else { return nil }
    let place = index < 0 ? index + count : index
    return place >= 0 && place < count ? .int(start + place * step) : nil
  }
  override func sequence() -> [Item]? { (0..<count).map { .int(start + $0 * step) } }
}

/// What `keys`, `values` and `items` of a dictionary give.
final class DictionaryView: Object {
  enum Kind: String {
    case keys = "dict_keys"
    case values = "dict_values"
    case items = "dict_items"
  }
  let dictionary: Dictionary
  let kind: Kind

  init(_ dictionary: Dictionary, _ kind: Kind) {
    self.dictionary = dictionary
    self.kind = kind
    super.init(depth: dictionary.depth + 1)
  }

  override var typeName: String { kind.rawValue }
  override var isTrue: Bool { !dictionary.isEmpty }
  override func length(_ interpreter: Interpreter) -> Int? { dictionary.count }
  func items() throws(TemplateError) -> [Item] {
    switch kind {
    case .keys: dictionary.keys
    case .values: dictionary.values
    case .items: try dictionary.pairs()
    }
  }
  override func iteration(_ interpreter: Interpreter) throws(TemplateError) -> Iteration? {
    Iteration(of: try items(), typeName: "\(kind.rawValue.dropLast())iterator", depth: depth)
  }
  override func represented(_ writer: inout ReprWriter) throws(TemplateError) {
    writer.write("\(kind.rawValue)([")
    for (index, item) in try items().enumerated() {
      if index > 0 { writer.write(", ") }
      try writer.represent(item)
    }
    writer.write("])")
  }
}

/// A Python iterator or generator: it gives each item once.
final class Iteration: Object {
  private let next: () throws(TemplateError) -> Item?
  private let type: String

  init(_ type: String = "generator", depth: Int = 1, _ next: @escaping () throws(TemplateError) -> Item?) {
    self.next = next
    self.type = type
    super.init(depth: depth)
  }

  convenience init(of items: [Item], typeName: String, depth: Int) {
    var index = 0
    self.init(typeName, depth: depth) {
      guard index < items.count else { return nil }
      defer { index += 1 }
      return items[index]
    }
  }

  override var typeName: String { type }
  override func iteration(_ interpreter: Interpreter) -> Iteration? { self }
  func nextItem() throws(TemplateError) -> Item? { try next() }
}

/// A function of the engine, or a method bound to its value.
final class Function: Object {
  typealias Body = (_ interpreter: Interpreter, _ arguments: Arguments) throws(TemplateError) -> Item
  let name: String
  let body: Body

  init(_ name: String, depth: Int = 0, _ body: @escaping Body) {
    self.name = name
    self.body = body
    super.init(depth: depth + 1)
  }

  override var typeName: String { "builtin_function_or_method" }
  override var isCallable: Bool { true }
  override func represented(_ writer: inout ReprWriter) { writer.write("<built-in function \(name)>") }
}

/// What `groupby` gives: a key, and the items that have it; used as a tuple of the two as well.
final class Group: Object {
  let items: [Item]
  init(_ key: Item, _ members: Row) {
    items = [key, .list(members)]
    super.init(depth: members.depth + 1)
  }
  override var typeName: String { "_GroupTuple" }
  override func attribute(_ name: Text, _ interpreter: Interpreter) -> Item? {
    name == "grouper" ? items[0] : name == "list" ? items[1] : nil
  }
  override func equals(_ other: Object) -> Bool { (other as? Group).map { $0.items == items } ?? false }
  override func length(_ interpreter: Interpreter) -> Int? { 2 }
  override func iteration(_ interpreter: Interpreter) -> Iteration? {
    Iteration(of: items, typeName: "tuple_iterator", depth: depth)
  }
  override func element(_ key: Item) -> Item? {
    key.index.flatMap { (-2..<2).contains($0) ? items[($0 + 2) % 2] : nil }
  }
  override func sequence() -> [Item]? { items }
  override func represented(_ writer: inout ReprWriter) throws(TemplateError) {
    try writer.represent(.tuple(try Row(items)))
  }
}
