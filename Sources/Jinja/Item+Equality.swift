// SPDX-License-Identifier: Apache-2.0

/// Python's `==` and `hash`: numbers of all kinds are compared by value, lists and tuples by their items.
extension Item: Hashable {
  static func == (left: Item, right: Item) -> Bool {
    switch (left, right) {
    case (.undefined, .undefined), (.none, .none): return true
    case (.string(let a), .string(let b)): return a.bytes == b.bytes
    case (.list(let a), .list(let b)): return a === b || a.items == b.items
    case (.tuple(let a), .tuple(let b)): return a === b || a.items == b.items
    case (.dict(let a), .dict(let b)): return a === b || equal(a, b)
    case (.object(let a), .object(let b)): return a === b || a.equals(b)
    case (.tuple(let row), .object(let object)), (.object(let object), .tuple(let row)):
      return (object as? Group).map { $0.items == row.items } ?? false
    default: return left.number.flatMap { a in right.number.map { a == $0 } } ?? false
    }
  }

  private static func equal(_ a: Dictionary, _ b: Dictionary) -> Bool {
    a.count == b.count && a.keys.indices.allSatisfy { b[a.keys[$0]] == a.values[$0] }
  }

  func hash(into hasher: inout Hasher) {
    switch self {
    case .string(let text): hasher.combine(text.bytes)
    case .tuple(let row): hasher.combine(row.items)
    case .object(let object): hasher.combine(ObjectIdentifier(object))
    default:
      // An equal Int and Double must have one hash, so it is that of the nearest Double.
      hasher.combine(number?.double ?? 0)
    }
  }

  /// Whether it may be a key.
  var isHashable: Bool {
    switch self {
    case .list, .dict: false
    case .tuple(let row): row.items.allSatisfy(\.isHashable)
    default: true
    }
  }

  func checkHashable() throws(TemplateError) {
    switch self {
    case .list, .dict: throw TemplateError(.type, "unhashable type: '\(typeName)'")
    case .tuple(let row): for item in row.items { try item.checkHashable() }
    default: return
    }
  }

  /// Its number, if it is one; true and false are 1 and 0.
  var number: Number? {
    switch self {
    case .bool(let value): .int(value ? 1 : 0)
    case .int(let value): .int(value)
    case .double(let value): .double(value)
    default: nil
    }
  }
}

/// A Python number.
enum Number: Equatable {
  case int(Int)
  case double(Double)

  var double: Double {
    switch self {
    case .int(let value): Double(value)
    case .double(let value): value
    }
  }

  /// An attribute of Python's numbers.
  func part(_ name: Text) -> Item? {
    switch (self, name.string) {
    case (.int(let value), "real"), (.int(let value), "numerator"): .int(value)
    case (.int, "imag"): .int(0)
    case (.int, "denominator"): .int(1)
    case (.double(let value), "real"): .double(value)
    case (.double, "imag"): .double(0)
    default: nil
    }
  }

  static func == (left: Number, right: Number) -> Bool {
    switch (left, right) {
    case (.int(let a), .int(let b)): a == b
    case (.double(let a), .double(let b)): a == b
    case (.int(let a), .double(let b)), (.double(let b), .int(let a)): Int(exactly: b) == a
    }
  }

  static func < (left: Number, right: Number) -> Bool {
    switch (left, right) {
    case (.int(let a), .int(let b)): return a < b
    case (.int(let a), .double(let b)):
      if b.isNaN { return false }
      if b >= 0x1p63 { return true }
      if b < -0x1p63 { return false }
      return a < Int(b.rounded(.up))
    case (.double(let a), .int(let b)):
      if a.isNaN { return false }
      if a >= 0x1p63 { return false }
      if a < -0x1p63 { return true }
      return Int(a.rounded(.down)) < b
    case (.double(let a), .double(let b)): return a < b
    }
  }
}
