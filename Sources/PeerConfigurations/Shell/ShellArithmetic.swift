// SPDX-License-Identifier: Apache-2.0

/// `$((1024 * 8))`: whole numbers, names of variables, brackets, and `+ - * / %`.
enum ShellArithmetic {
  /// The value; nil if it is anything else.
  static func value(of text: String, variable: (String) -> Int?) -> Int? {
    var rest = text.filter { !$0.isWhitespace }[...]
    let value = sum(&rest, variable)
    return rest.isEmpty ? value : nil
  }

  private static func sum(_ text: inout Substring, _ variable: (String) -> Int?) -> Int? {
    guard var value = product(&text, variable) else { return nil }
    while let sign = text.first, "+-".contains(sign) {
      text.removeFirst()
      guard let next = product(&text, variable) else { return nil }
      let (result, overflow) =
        sign == "+" ? value.addingReportingOverflow(next) : value.subtractingReportingOverflow(next)
      if overflow { return nil }
      value = result
    }
    return value
  }

  private static func product(_ text: inout Substring, _ variable: (String) -> Int?) -> Int? {
    guard var value = factor(&text, variable) else { return nil }
    while let sign = text.first, "*/%".contains(sign) {
      text.removeFirst()
      guard let next = factor(&text, variable) else { return nil }
      let result =
        switch sign {
        case "*": value.multipliedReportingOverflow(by: next)
        case "/": value.dividedReportingOverflow(by: next)
        default: value.remainderReportingOverflow(dividingBy: next)
        }
      if result.overflow { return nil }
      value = result.partialValue
    }
    return value
  }

  private static func factor(_ text: inout Substring, _ variable: (String) -> Int?) -> Int? {
    if text.first == "(" {
      text.removeFirst()
      let value = sum(&text, variable)
      guard text.first == ")" else { return nil }
      text.removeFirst()
      return value
    }
    if text.first == "-" {
      text.removeFirst()
      return factor(&text, variable).map { -$0 }
    }
    let word = text.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
    guard !word.isEmpty else { return nil }
    text = text.dropFirst(word.count)
    return Int(word) ?? variable(String(word))
  }
}
