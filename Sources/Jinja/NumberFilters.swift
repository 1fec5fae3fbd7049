// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The filters that make numbers.
// Foundation is here for `pow` alone.
enum NumberFilters {
  static let table: [String: FilterFunction] = [
    "abs": FilterTable.filter("abs") { (_, value, _) throws(TemplateError) in
      if case .undefined(let missing) = value { throw missing.error }
      switch value.number {
      case .int(let number)?:
        guard number != .min else { throw TemplateError(.overflow, "the result \(Arithmetic.tooLarge)") }
        return .int(abs(number))
      case .double(let number)?: return .double(number.magnitude)
      case nil: throw TemplateError(.type, "bad operand type for abs(): '\(value.typeName)'")
      }
    },
    "int": FilterTable.filter("int", ["default", "base"]) { (_, value, values) throws(TemplateError) in
      try whole(value, default: values[0] ?? .int(0), base: try FilterTable.whole(values[1], default: 10))
    },
    "float": FilterTable.filter("float", ["default"]) { (_, value, values) throws(TemplateError) in
      if case .undefined(let missing) = value { throw missing.error }
      if let number = value.number { return .double(number.double) }
      if case .string(let text) = value, let number = NumberText.fraction(text) { return .double(number) }
      return values[0] ?? .double(0)
    },
    "round": FilterTable.filter("round", ["precision", "method"]) {
      (interpreter, value, values) throws(TemplateError) in
      let method = if let given = values[1] { try interpreter.string(given).string } else { "common" }
      return try rounded(value, try FilterTable.whole(values[0], default: 0), method, isGiven: values[0] != nil)
    },
  ]

  private static func whole(_ value: Item, default fallback: Item, base: Int) throws(TemplateError) -> Item {
    switch value {
    case .undefined(let missing): throw missing.error
    case .int, .bool: return .int(value.index ?? 0)
    case .double(let number): return try truncated(number) ?? fallback
    case .string(let text):
      if let number = try NumberText.whole(text, base: base) { return .int(number) }
      return try NumberText.fraction(text).flatMap { (number) throws(TemplateError) in try truncated(number) }
        ?? fallback
    default: return fallback
    }
  }

  private static func truncated(_ number: Double) throws(TemplateError) -> Item? {
    guard number.isFinite else { return nil }
    guard let whole = Int(exactly: number.rounded(.towardZero)) else {
      throw TemplateError(.overflow, "\(number.pythonRepr) \(Arithmetic.tooLarge)")
    }
    return .int(whole)
  }

  private static func rounded(
    _ value: Item, _ precision: Int, _ method: String, isGiven: Bool
  ) throws(TemplateError) -> Item {
    guard ["common", "ceil", "floor"].contains(method) else {
      throw TemplateError(.value, "method must be common, ceil or floor")
    }
    if case .undefined(let missing) = value {
      throw method == "common"
        ? TemplateError(.type, "type Undefined doesn't define __round__ method") : missing.error
    }
    guard let number = value.number else {
      throw TemplateError(.type, "type \(value.typeName) doesn't define __round__ method")
    }
    if method == "common" { return try nearest(number, precision) }
    let scale = pow(10, Double(precision))
    // Whole numbers stay exact as long as they can, as in Python.
    let scaled = number.double * scale
    guard scaled.isFinite else { throw TemplateError(.overflow, "cannot convert float infinity to integer") }
    return .double((method == "ceil" ? scaled.rounded(.up) : scaled.rounded(.down)) / scale)
  }

  /// Python's `round(number, precision)`: halves of the exact value go to the even digit.
  private static func nearest(_ number: Number, _ precision: Int) throws(TemplateError) -> Item {
    switch number {
    case .double(let value):
      guard value.isFinite, precision < 330 else { return .double(value) }
      guard precision >= 0 else {
        guard precision > -310 else { return .double(Double(signOf: value, magnitudeOf: 0)) }
        let whole = Decimals.fixed(value, precision)
        let scaled = Double(whole + String(repeating: "0", count: 0)) ?? 0
        return .double(Double(signOf: value, magnitudeOf: scaled * pow(10, Double(-precision))))
      }
      return .double(Double(signOf: value, magnitudeOf: Double(Decimals.fixed(value, precision)) ?? value.magnitude))
    case .int(let value):
      guard precision < 0 else { return .int(value) }
      guard precision > -19 else { return .int(0) }
      var unit = 1
      for _ in 0..<(-precision) { unit *= 10 }
      let rest = value.magnitude % UInt(unit)
      let below = value.magnitude - rest
      let half = UInt(unit) / 2
      let isUp = rest > half || (rest == half && below / UInt(unit) % 2 == 1)
      let (result, overflow) = below.addingReportingOverflow(isUp ? UInt(unit) : 0)
      guard !overflow, let whole = Int(exactly: result) else {
        throw TemplateError(.overflow, "the result \(Arithmetic.tooLarge)")
      }
      return .int(value < 0 ? -whole : whole)
    }
  }
}
