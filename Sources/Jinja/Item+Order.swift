// SPDX-License-Identifier: Apache-2.0

/// A comparison of two values.
enum Comparison: String, Sendable {
  case equal = "=="
  case unequal = "!="
  case less = "<"
  case lessOrEqual = "<="
  case greater = ">"
  case greaterOrEqual = ">="
  case contained = "in"
  case notContained = "not in"
}

/// Python's `<`, `<=`, `>`, `>=`.
extension Item {
  func isOrdered(_ comparison: Comparison, _ other: Item) throws(TemplateError) -> Bool {
    if case .undefined(let missing) = self { throw missing.error }
    if case .undefined(let missing) = other { throw missing.error }
    if let a = number, let b = other.number {
      return switch comparison {
      case .less: a < b
      case .greater: b < a
      case .lessOrEqual: a < b || a == b
      default: b < a || a == b
      }
    }
    switch (self, other) {
    case (.string(let a), .string(let b)):
      let isLess = a.bytes.lexicographicallyPrecedes(b.bytes)
      return switch comparison {
      case .less: isLess
      case .lessOrEqual: isLess || a == b
      case .greater: !isLess && a != b
      default: !isLess
      }
    case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
      for (x, y) in zip(a.items, b.items) where x != y { return try x.isOrdered(comparison, y) }
      return switch comparison {
      case .less: a.items.count < b.items.count
      case .lessOrEqual: a.items.count <= b.items.count
      case .greater: a.items.count > b.items.count
      default: a.items.count >= b.items.count
      }
    default:
      throw TemplateError(
        .type,
        "'\(comparison.rawValue)' not supported between instances of '\(typeName)' and '\(other.typeName)'")
    }
  }
}

/// Sorting of items by keys: stable, as Python's.
func sorted(_ items: [Item], keys: [Item], reverse: Bool) throws(TemplateError) -> [Item] {
  let order: [Int]
  do {
    // Swift's sort is stable in fact, though not by its documentation; the position decides ties.
    order = try keys.indices.sorted { a, b in
      if try keys[reverse ? b : a].isOrdered(.less, keys[reverse ? a : b]) { return true }
      return try keys[reverse ? a : b].isOrdered(.less, keys[reverse ? b : a]) ? false : a < b
    }
  } catch let error as TemplateError {
    throw error
  } catch {
    throw TemplateError(.runtime, "\(error)")
  }
  return order.map { items[$0] }
}
