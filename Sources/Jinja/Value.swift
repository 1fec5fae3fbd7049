// SPDX-License-Identifier: Apache-2.0

/// A value that is passed to a template.
///
/// Keys of a dictionary keep their order, as in Python. Strings are compared by code points.
package indirect enum Value: Sendable {
  /// Nothing was given under this name: it prints as nothing, and reading a part of it is an error.
  case undefined
  /// Python's `None`.
  case none
  /// A truth value.
  case bool(Bool)
  /// A whole number.
  case int(Int)
  /// A number with a fraction.
  case double(Double)
  /// Words.
  case string(String)
  /// A list.
  case list([Value])
  /// A dictionary, its members in order; of equal keys the last one counts, as in JSON.
  case dict([(key: String, value: Value)])
}

extension Value: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
  /// Words.
  package init(stringLiteral value: String) { self = .string(value) }
  /// A truth value.
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  /// A whole number.
  package init(integerLiteral value: Int) { self = .int(value) }
  /// A number with a fraction.
  package init(floatLiteral value: Double) { self = .double(value) }
  /// A list.
  package init(arrayLiteral elements: Value...) { self = .list(elements) }
  /// A dictionary, its members in order.
  package init(dictionaryLiteral elements: (String, Value)...) {
    self = .dict(elements.map { (key: $0.0, value: $0.1) })
  }
  /// Python's `None`.
  package init(nilLiteral: ()) { self = .none }
}
