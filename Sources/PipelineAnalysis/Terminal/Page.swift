// SPDX-License-Identifier: Apache-2.0

/// A report that is built line by line, no wider than the terminal where words can be broken.
struct Page {
  let style: TerminalStyle
  private(set) var lines: [String] = []

  init(_ style: TerminalStyle) { self.style = style }

  /// The lines, each with its end.
  var text: String { lines.map { $0 + "\n" }.joined() }

  /// A heading after an empty line, followed by a remark.
  mutating func heading(_ title: String, _ remark: String = "") {
    if !lines.isEmpty { lines.append("") }
    let room = style.columns - TextWidth.columns(title) - 2
    // Next to a long title only a word would fit in each line.
    if room < 30, TextWidth.columns(remark) > room {
      lines.append(style.paint(title, .heading))
      for line in TextWidth.wrap(remark, style.columns - 2) { lines.append("  " + line) }
      return
    }
    let remarks = remark.isEmpty ? [] : TextWidth.wrap(remark, room)
    lines.append(style.paint(title, .heading) + (remarks.first.map { "  " + $0 } ?? ""))
    for more in remarks.dropFirst() { lines.append(TextWidth.spaces(TextWidth.columns(title) + 2) + more) }
  }

  /// An unchanged line, without trailing spaces.
  mutating func line(_ text: String = "") {
    var text = text[...]
    while text.last == " " { text = text.dropLast() }
    lines.append(String(text))
  }

  /// A label and its value, wrapped next to it.
  mutating func row(_ label: String, _ value: String, labelWidth: Int, role: TerminalStyle.Role? = nil) {
    let room = max(20, style.columns - labelWidth - 4)
    for (index, text) in TextWidth.wrap(value, room).enumerated() {
      let shown = role.map { style.paint(text, $0) } ?? text
      line("  " + TextWidth.left(index == 0 ? label : "", labelWidth) + "  " + shown)
    }
  }

  /// A sentence that deserves attention.
  mutating func notice(_ text: String) {
    let mark = style.sign("▲", "!")
    for (index, part) in TextWidth.wrap(text, style.columns - 4).enumerated() {
      line("  " + (index == 0 ? style.paint(mark, .notice) : " ") + " " + style.paint(part, .notice))
    }
  }

  /// A remark.
  mutating func remark(_ text: String) {
    for part in TextWidth.wrap(text, style.columns - 2) { line("  " + style.paint(part, .quiet)) }
  }

  /// Labelled counts with bars to scale and shares of `whole`.
  ///
  /// - Parameter isNumeric: Whether labels are numbers, which are right-aligned.
  mutating func bars(_ rows: [(label: String, count: Int)], whole: Int, isNumeric: Bool = true) {
    let labels = rows.map { TextWidth.fit($0.label, style.columns / 3, style) }
    let labelWidth = labels.map(TextWidth.columns).max() ?? 0
    let counts = rows.map { NumberText.count($0.count) }
    let countWidth = counts.map(\.count).max() ?? 0
    let room = min(48, style.columns - labelWidth - countWidth - 2 - 2 - 2 - 8)
    let longest = Double(max(1, rows.map(\.count).max() ?? 1))
    for (index, row) in rows.enumerated() {
      let label =
        isNumeric ? TextWidth.right(labels[index], labelWidth) : TextWidth.left(labels[index], labelWidth)
      let bar = Drawing.bar(Double(row.count) / longest, width: room, style)
      line(
        "  " + label + "  " + style.paint(TextWidth.left(bar, room), .bar) + "  "
          + TextWidth.right(counts[index], countWidth) + " "
          + TextWidth.right(NumberText.percent(row.count, of: whole), 7))
    }
  }
}
