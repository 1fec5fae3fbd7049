// SPDX-License-Identifier: Apache-2.0

/// Bars and curves made of characters.
enum Drawing {
  /// A horizontal bar, to an eighth of a column; a value above zero is always visible.
  ///
  /// - Parameter share: The part of the full width, 0 to 1.
  static func bar(_ share: Double, width: Int, _ style: TerminalStyle) -> String {
    guard share > 0, width > 0 else { return "" }
    let share = min(1, share)
    if !style.unicode { return String(repeating: "#", count: max(1, Int((share * Double(width)).rounded()))) }
    let eighths = max(1, Int((share * Double(width) * 8).rounded()))
    let part = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]
    return String(repeating: "█", count: eighths / 8) + part
  }

  /// A row of columns; nil leaves a gap, and the lowest column is still visible.
  ///
  /// - Parameter range: The values of the lowest and the highest column.
  static func columns(_ values: [Double?], range: ClosedRange<Double>, _ style: TerminalStyle) -> String {
    let steps: [Character] = Array(style.sign("▁▂▃▄▅▆▇█", "_.:-=+*#"))
    let extent = range.upperBound - range.lowerBound
    return String(
      values.map { value -> Character in
        guard let value else { return " " }
        let share = extent > 0 ? (value - range.lowerBound) / extent : 0.5
        return steps[max(0, min(7, Int((share * 7).rounded())))]
      })
  }

  /// A row of columns for counts from 0: a count of 0 is a gap, any other is visible.
  static func counts(_ counts: [Int], _ style: TerminalStyle) -> String {
    columns(counts.map { $0 == 0 ? nil : Double($0) }, range: 0...Double(max(1, counts.max() ?? 1)), style)
  }
}
