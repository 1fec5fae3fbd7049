// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Python's operators of arithmetic.
///
/// Whole numbers have 64 bits; where Python would go on with a longer one, this is an error.
// Foundation is here for `pow` alone.
enum Arithmetic {
  static let tooLarge = "does not fit into 64 bits, which is the limit for whole numbers here"

  static func result(
    _ operation: BinaryOperator, _ left: Item, _ right: Item, _ interpreter: Interpreter
  ) throws(TemplateError) -> Item {
    if operation == .remainder, case .string(let text) = left {
      return try interpreter.made(PercentFormat.text(text, right, interpreter))
    }
    if case .undefined(let missing) = left { throw missing.error }
    if case .undefined(let missing) = right { throw missing.error }
    if let a = left.number, let b = right.number { return try number(operation, a, b) }
    switch operation {
    case .add: if let sum = try sum(left, right, interpreter) { return sum }
    case .multiply: if let product = try product(left, right, interpreter) { return product }
    default: break
    }
    throw unsupported(operation.rawValue, left, right)
  }

  private static func unsupported(_ sign: String, _ left: Item, _ right: Item) -> TemplateError {
    if sign == "+", case .string = left {
      return TemplateError(.type, "can only concatenate str (not \"\(right.typeName)\") to str")
    }
    if sign == "+", case .list = left {
      return TemplateError(.type, "can only concatenate list (not \"\(right.typeName)\") to list")
    }
    if sign == "+", case .tuple = left {
      return TemplateError(.type, "can only concatenate tuple (not \"\(right.typeName)\") to tuple")
    }
    if sign == "*" {
      for (sequence, other) in [(left, right), (right, left)] {
        switch sequence {
        case .string, .list, .tuple:
          return TemplateError(.type, "can't multiply sequence by non-int of type '\(other.typeName)'")
        default: break
        }
      }
    }
    let name = sign == "**" ? "** or pow()" : sign
    return TemplateError(
      .type, "unsupported operand type(s) for \(name): '\(left.typeName)' and '\(right.typeName)'")
  }

  private static func sum(_ left: Item, _ right: Item, _ interpreter: Interpreter) throws(TemplateError) -> Item? {
    switch (left, right) {
    case (.string(let a), .string(let b)):
      guard a.isMarkup || b.isMarkup else { return try interpreter.made(a + b) }
      let joined = HTMLText.escaped(a) + HTMLText.escaped(b)
      return try interpreter.made(Text(joined.bytes, isMarkup: true))
    case (.list(let a), .list(let b)): return try interpreter.list(a.items + b.items)
    case (.tuple(let a), .tuple(let b)):
      try interpreter.spend(a.items.count + b.items.count)
      return .tuple(try Row(a.items + b.items))
    default: return nil
    }
  }

  private static func product(
    _ left: Item, _ right: Item, _ interpreter: Interpreter
  ) throws(TemplateError) -> Item? {
    guard let times = right.index else { return left.index == nil ? nil : try product(right, left, interpreter) }
    let count = max(0, times)
    switch left {
    case .string(let text):
      let (size, overflow) = text.bytes.count.multipliedReportingOverflow(by: count)
      try interpreter.spend(bytes: overflow ? Int.max : size)
      return .string(
        Text(Array(repeatElement(text.bytes, count: text.isEmpty ? 0 : count).joined())).marked(like: text))
    case .list(let row): return .list(try Row(try repeated(row, count, interpreter)))
    case .tuple(let row): return .tuple(try Row(try repeated(row, count, interpreter)))
    default: return nil
    }
  }

  private static func repeated(_ row: Row, _ count: Int, _ interpreter: Interpreter) throws(TemplateError) -> [Item] {
    let (size, overflow) = row.items.count.multipliedReportingOverflow(by: count)
    try interpreter.spend(overflow ? Int.max / 2 : size)
    return Array(repeatElement(row.items, count: row.items.isEmpty ? 0 : count).joined())
  }

  private static func checked(_ result: (partialValue: Int, overflow: Bool)) throws(TemplateError) -> Item {
    guard !result.overflow else { throw TemplateError(.overflow, "the result \(tooLarge)") }
    return .int(result.partialValue)
  }

  private static func number(_ operation: BinaryOperator, _ a: Number, _ b: Number) throws(TemplateError) -> Item {
    if case .int(let x) = a, case .int(let y) = b { return try whole(operation, x, y) }
    return try fraction(operation, a.double, b.double)
  }

  private static func whole(_ operation: BinaryOperator, _ x: Int, _ y: Int) throws(TemplateError) -> Item {
    switch operation {
    case .add: return try checked(x.addingReportingOverflow(y))
    case .subtract: return try checked(x.subtractingReportingOverflow(y))
    case .multiply: return try checked(x.multipliedReportingOverflow(by: y))
    case .divide:
      guard y != 0 else { throw TemplateError(.zeroDivision, "division by zero") }
      return .double(quotient(x, y))
    case .floorDivide, .remainder:
      guard y != 0 else {
        throw TemplateError(
          .zeroDivision, operation == .remainder ? "integer modulo by zero" : "integer division or modulo by zero")
      }
      let (division, overflow) = x.dividedReportingOverflow(by: y)
      guard !overflow else {
        if operation == .remainder { return .int(0) }
        throw TemplateError(.overflow, "the result \(tooLarge)")
      }
      let rest = x - division * y
      let isBelow = rest != 0 && (rest < 0) != (y < 0)
      return .int(operation == .remainder ? (isBelow ? rest + y : rest) : (isBelow ? division - 1 : division))
    case .power: return try power(x, y)
    }
  }

  /// Python divides whole numbers exactly and rounds once.
  private static func quotient(_ x: Int, _ y: Int) -> Double {
    if x.magnitude <= 1 << 53, y.magnitude <= 1 << 53 { return Double(x) / Double(y) }
    let (division, rest) = x.magnitude.quotientAndRemainder(dividingBy: y.magnitude)
    let sign: Double = (x < 0) == (y < 0) ? 1 : -1
    if rest == 0 { return sign * Double(division) }
    // 128 bits of the quotient's fraction, the last one sticky: more than enough to round once.
    let shift = UInt(division.leadingZeroBitCount)
    let (high, remainder) = y.magnitude.dividingFullWidth((rest, 0))
    let scaled = shift == 0 ? division : division << shift | high >> (64 - shift)
    let sticky: UInt = remainder != 0 || (shift < 64 && high << shift != 0) ? 1 : 0
    let bits = division == 0 ? high | (remainder != 0 ? 1 : 0) : scaled | sticky
    let exponent = division == 0 ? -64 : -Int(shift)
    return sign * Double(sign: .plus, exponent: exponent, significand: Double(bits))
  }

  private static func power(_ base: Int, _ exponent: Int) throws(TemplateError) -> Item {
    guard exponent >= 0 else {
      guard base != 0 else {
        throw TemplateError(.zeroDivision, "zero to a negative power")
      }
      return .double(pow(Double(base), Double(exponent)))
    }
    var result = 1
    for bit in stride(from: Int.bitWidth - exponent.leadingZeroBitCount - 1, through: 0, by: -1) {
      let square = result.multipliedReportingOverflow(by: result)
      guard !square.overflow else { throw TemplateError(.overflow, "the result \(tooLarge)") }
      result = square.partialValue
      guard exponent >> bit & 1 == 1 else { continue }
      let product = result.multipliedReportingOverflow(by: base)
      guard !product.overflow else { throw TemplateError(.overflow, "the result \(tooLarge)") }
      result = product.partialValue
    }
    return .int(result)
  }

  private static func fraction(_ operation: BinaryOperator, _ x: Double, _ y: Double) throws(TemplateError) -> Item {
    switch operation {
    case .add: return .double(x + y)
    case .subtract: return .double(x - y)
    case .multiply: return .double(x * y)
    case .divide:
      guard y != 0 else { throw TemplateError(.zeroDivision, "division by zero") }
      return .double(x / y)
    case .floorDivide:
      guard y != 0 else { throw TemplateError(.zeroDivision, "float floor division by zero") }
      let rest = remainder(x, y)
      let division = ((x - rest) / y).rounded(.toNearestOrEven)
      return .double(division == 0 ? Double(signOf: x / y, magnitudeOf: 0) : division)
    case .remainder:
      guard y != 0 else { throw TemplateError(.zeroDivision, "float modulo by zero") }
      return .double(remainder(x, y))
    case .power:
      guard !(x == 0 && y < 0) else { throw TemplateError(.zeroDivision, "zero to a negative power") }
      guard x >= 0 || y == y.rounded() else {
        throw TemplateError(.unsupported, "a negative number to a fractional power is a complex number")
      }
      let result = pow(x, y)
      guard !result.isInfinite || x.isInfinite || y.isInfinite else {
        throw TemplateError(.overflow, "(34, 'Numerical result out of range')")
      }
      return .double(result)
    }
  }

  private static func remainder(_ x: Double, _ y: Double) -> Double {
    let rest = x.truncatingRemainder(dividingBy: y)
    if rest == 0 { return Double(signOf: y, magnitudeOf: 0) }
    return (rest < 0) != (y < 0) ? rest + y : rest
  }

  /// `+value` and `-value`.
  static func signed(_ item: Item, isNegative: Bool) throws(TemplateError) -> Item {
    if case .undefined(let missing) = item { throw missing.error }
    switch item.number {
    case .int(let value)?: return isNegative ? try checked(0.subtractingReportingOverflow(value)) : .int(value)
    case .double(let value)?: return .double(isNegative ? -value : value)
    case nil:
      throw TemplateError(.type, "bad operand type for unary \(isNegative ? "-" : "+"): '\(item.typeName)'")
    }
  }
}
