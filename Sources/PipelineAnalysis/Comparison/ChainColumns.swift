// SPDX-License-Identifier: Apache-2.0

/// A table with a label and one column for each chain; chains with long names are named by letters, explained above.
struct ChainColumns {
  /// A line of the table; one without cells is a heading.
  struct Row {
    let label: String
    let cells: [String]
    init(_ label: String, _ cells: [String] = []) {
      self.label = label
      self.cells = cells
    }
  }

  /// The names of the columns.
  package let labels: [String]
  private let names: [String]
  private let style: TerminalStyle
  private let labelWidth: Int
  private let columnWidth: Int

  init(_ names: [String], _ style: TerminalStyle) {
    self.names = names
    self.style = style
    labelWidth = max(26, min(32, style.columns - 2 - 11 * names.count))
    let room = (style.columns - labelWidth - 2) / max(1, names.count)
    let columnWidth = max(9, min(18, room))
    self.columnWidth = columnWidth
    let fits = names.allSatisfy { TextWidth.columns($0) <= columnWidth - 2 }
    labels = fits ? names : names.indices.map { Self.letter($0) }
  }

  func writeLegend(_ page: inout Page) {
    guard labels != names else { return }
    for (label, name) in zip(labels, names) {
      page.line("  " + style.paint(label, .heading) + "  " + TextWidth.fit(name, style.columns - 6, style))
    }
    page.line()
  }

  func writeHeads(_ page: inout Page) {
    page.line(
      TextWidth.spaces(labelWidth + 2)
        + labels.map { style.paint(TextWidth.right($0, columnWidth), .heading) }.joined())
  }

  func write(_ row: Row, _ page: inout Page) {
    if row.cells.isEmpty { return page.line(style.paint(row.label, .heading)) }
    let label = TextWidth.left(TextWidth.fit(row.label, labelWidth, style), labelWidth)
    page.line("  " + label + row.cells.map { TextWidth.right(ascii($0), columnWidth) }.joined())
  }

  private func ascii(_ cell: String) -> String {
    style.unicode ? cell : cell == "·" ? "." : String(cell.map { $0 == "×" ? "x" : $0 })
  }

  private static func letter(_ index: Int) -> String {
    index < 26 ? String(UnicodeScalar(UInt8(65 + index))) : String(index + 1)
  }
}
