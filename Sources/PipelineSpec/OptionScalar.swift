// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Converts scalars of a tree to the type of an option.
///
/// Plain text (YAML, `--set`) is a number if a number is wanted, and text if text is wanted, so that `no` and `010`
/// cause no surprises.
enum OptionScalar {
  /// A value that cannot be converted, as the rest of the sentence "'option' …".
  struct Mismatch: Error {
    let message: String
  }

  static func string(_ tree: OptionTree) throws -> String {
    switch tree.node {
    case .string(let text), .plain(let text): return text
    default: throw Mismatch(message: "must be a string")
    }
  }

  static func bool(_ tree: OptionTree) throws -> Bool {
    switch tree.node {
    case .bool(let flag): return flag
    case .plain("true"): return true
    case .plain("false"): return false
    default: throw Mismatch(message: "must be true or false")
    }
  }

  static func double(_ tree: OptionTree) throws -> Double {
    guard let text = numberText(tree), let value = Double(text) else {
      throw Mismatch(message: "must be a number")
    }
    guard value.isFinite else { throw Mismatch(message: "must be a number that fits in 64 bits") }
    return value
  }

  static func integer<T: FixedWidthInteger>(_ tree: OptionTree, as type: T.Type) throws -> T {
    guard let text = numberText(tree) else { throw Mismatch(message: "must be a whole number") }
    if let value = T(text) { return value }
    guard let value = Double(text), value.rounded(.towardZero) == value else {
      throw Mismatch(message: "must be a whole number")
    }
    // Above 2^53 a Double does not determine which whole number was meant.
    guard value.magnitude <= 9_007_199_254_740_992, let exact = T(exactly: value) else {
      throw Mismatch(message: "must lie in \(T.min)…\(T.max)")
    }
    return exact
  }

  static func isNull(_ tree: OptionTree) -> Bool {
    switch tree.node {
    case .null, .plain("null"), .plain("~"): true
    default: false
    }
  }

  /// The text of a JSON number, or plain text that would be one.
  static func numberText(_ tree: OptionTree) -> String? {
    switch tree.node {
    case .number(let text): text
    case .plain(let text): isNumber(text) ? text : nil
    default: nil
    }
  }

  /// Whether text is a JSON number.
  static func isNumber(_ text: String) -> Bool { (try? JSONValue(parsing: text)) == .number(text) }
}
