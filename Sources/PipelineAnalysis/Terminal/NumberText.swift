// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Numbers formatted for display.
package enum NumberText {
  /// A count with commas: `1,164`.
  package static func count(_ value: Int) -> String {
    var digits = String(value.magnitude)
    var groups: [String] = []
    while digits.count > 3 {
      groups.insert(String(digits.suffix(3)), at: 0)
      digits.removeLast(3)
    }
    return (value < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
  }

  /// A count and its noun: `1 group`, `1,164 records`, `2 trajectories`.
  package static func count(_ value: Int, _ noun: String) -> String {
    let plural = noun.hasSuffix("y") ? noun.dropLast() + "ies" : noun == "batch" ? "batches" : noun + "s"
    return count(value) + " " + (value == 1 ? noun : String(plural))
  }

  /// A number with at most four significant digits, without trailing zeros; large integers keep all digits.
  package static func short(_ value: Double, digits: Int = 4) -> String {
    guard value.isFinite else { return "none" }
    if value == value.rounded(), abs(value) < 1e15 { return count(Int(value)) }
    let magnitude = abs(value)
    if magnitude >= 1e15 || magnitude < 1e-4 { return scientific(value) }
    let decimals = max(0, min(8, digits - 1 - Int(log10(magnitude).rounded(.down))))
    if decimals == 0 { return count(Int(value.rounded())) }
    return trimmed(String(format: "%.\(decimals)f", value))
  }

  /// A number with its sign, for advantages: `+0.97`, `-1.02`, `0`.
  static func signed(_ value: Double) -> String { (value > 0 ? "+" : "") + short(value) }

  /// How often: `never`, `once`, `twice`, `3 times`.
  static func times(_ count: Int) -> String {
    switch count {
    case 0: "never"
    case 1: "once"
    case 2: "twice"
    default: "\(Self.count(count)) times"
    }
  }

  /// A share as a percentage that never rounds to none or all: `83 %`, `3.2 %`, `<0.1 %`, `>99.9 %`.
  package static func percent(_ share: Double) -> String {
    guard share.isFinite else { return "-" }
    if share == 0 { return "0 %" }
    if share == 1 { return "100 %" }
    let percent = share * 100
    if percent < 0.1 { return "<0.1 %" }
    if percent > 99.9, percent < 100 { return ">99.9 %" }
    if percent < 9.95 || percent > 99 { return trimmed(String(format: "%.1f", percent)) + " %" }
    return String(format: "%.0f %%", percent)
  }

  /// A percentage of two counts; a dash if there is nothing to divide by.
  package static func percent(_ part: Int, of whole: Int) -> String {
    whole == 0 ? "-" : percent(Double(part) / Double(whole))
  }

  /// A size in bytes: `512 bytes`, `1.4 MB`.
  package static func bytes(_ count: Int) -> String {
    var value = Double(count)
    var unit = "bytes"
    for larger in ["kB", "MB", "GB", "TB"] where value >= 999.5 {
      value /= 1000
      unit = larger
    }
    return (unit == "bytes" || value >= 99.5 ? String(format: "%.0f", value) : String(format: "%.1f", value))
      + " " + unit
  }

  private static func trimmed(_ text: String) -> String {
    guard text.contains(".") else { return text }
    var text = text[...]
    while text.last == "0" { text = text.dropLast() }
    if text.last == "." { text = text.dropLast() }
    return text == "-0" ? "0" : String(text)
  }

  private static func scientific(_ value: Double) -> String {
    let parts = String(format: "%.2e", value).split(separator: "e")
    guard parts.count == 2, let exponent = Int(parts[1]) else { return value.description }
    return trimmed(String(parts[0])) + "e" + String(exponent)
  }
}
