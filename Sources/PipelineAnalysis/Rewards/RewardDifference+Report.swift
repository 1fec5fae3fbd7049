// SPDX-License-Identifier: Apache-2.0
package import PipelineCore
import PipelineIO

extension RewardDifference {
  /// The report as text.
  ///
  /// - Parameter shown: How many changed trajectories to show.
  package func text(style: TerminalStyle = TerminalStyle(), shown: Int = 10) -> String {
    var page = Page(style)
    let labels = sides.map { style.safe($0.label) }
    page.heading(
      "\(labels[0]) against \(labels[1])",
      "\(NumberText.count(count, "trajectory")) in \(NumberText.count(groups, "group")) of "
        + files.map(style.safe).joined(separator: ", "))
    if counts.badRecords > 0 { page.notice("\(NumberText.count(counts.badRecords, "bad record")) left out") }
    let columns = ChainColumns(labels, style)
    page.line()
    columns.writeLegend(&page)
    columns.writeHeads(&page)
    for row in rows { columns.write(row, &page) }
    page.heading("What flips")
    let up = flips.count { ($0.verdicts[0].score ?? 0) < ($0.verdicts[1].score ?? 0) && $0.isScored }
    let down = flips.count { ($0.verdicts[0].score ?? 0) > ($0.verdicts[1].score ?? 0) && $0.isScored }
    func row(_ label: String, _ count: Int, of whole: Int) {
      page.row(
        label, "\(NumberText.count(count)) of \(NumberText.count(whole)), \(NumberText.percent(count, of: whole))",
        labelWidth: 44)
    }
    row("judged otherwise", flips.count, of: count)
    row("  scored higher by the second", up, of: count)
    row("  scored lower by the second", down, of: count)
    row("  scored by one alone, or with other reasons", flips.count - up - down, of: count)
    row("advantages with the other sign", turned, of: count)
    row("advantages moved by more than 0.1", moved, of: count)
    row("groups that gain contrast", gained, of: groups)
    row("groups that lose it", lost, of: groups)
    if !flips.isEmpty, shown > 0 {
      page.heading(flips.count > shown ? "The first \(shown)" : "Each of them")
      for flip in flips.prefix(shown) { write(flip, to: &page) }
    }
    return page.text
  }

  private var rows: [ChainColumns.Row] {
    func row(_ label: String, _ cell: (Tally) -> String) -> ChainColumns.Row { .init(label, tallies.map(cell)) }
    let statuses = RewardStatus.allCases.filter { status in
      status == .scored || tallies.contains { $0.statuses[status, default: 0] > 0 }
    }
    return statuses.map { status in row(status.phrase) { NumberText.count($0.statuses[status, default: 0]) } }
      + [
        row("mean score") { tally in
          let scored = tally.statuses[.scored, default: 0]
          return scored == 0 ? "-" : NumberText.short(tally.sum / Double(scored))
        },
        row("groups with contrast") { NumberText.percent($0.contrasted, of: groups) },
        row("mean |A|") { $0.advantages == 0 ? "-" : NumberText.short($0.mass / Double($0.advantages), digits: 3) },
      ]
  }

  private func write(_ flip: Flip, to page: inout Page) {
    let style = page.style
    let arrow = style.sign("→", "->")
    let scores = flip.verdicts.map(\.phrase).joined(separator: " \(arrow) ")
    let advantages = flip.advantages.map { $0.map { NumberText.signed($0) } ?? "none" }.joined(separator: " \(arrow) ")
    page.line("  " + style.safe(flip.trajectory.id) + "  " + style.paint(scores, .notice) + "  A " + advantages)
    for field in [Field.response, .answer] {
      let value = (try? flip.trajectory.value(of: field)) ?? nil
      guard let text = value.map({ $0.stringValue ?? $0.json }) else { continue }
      page.line(
        "    " + TextWidth.left(field.rawValue, 10) + TextWidth.fit(style.safe(text), style.columns - 14, style))
    }
    for (side, verdict) in zip(sides, flip.verdicts) {
      guard case .unscored(_, let reason) = verdict else { continue }
      page.line("    " + TextWidth.fit("\(style.safe(side.label)): \(style.safe(reason))", style.columns - 4, style))
    }
  }

  /// Everything that ``text(style:shown:)`` shows, and every changed trajectory, as JSON.
  package var json: JSONValue {
    [
      "files": .array(files.map { .string($0) }), "trajectories": .number(count), "groups": .number(groups),
      "bad_records": .number(counts.badRecords),
      "sides": .array(zip(sides, tallies).map { Self.json($0, $1) }),
      "flipped": .number(flips.count), "advantages_turned": .number(turned), "advantages_moved": .number(moved),
      "groups_gaining_contrast": .number(gained), "groups_losing_contrast": .number(lost),
      "flips": .array(
        flips.map { flip in
          [
            "id": .string(flip.trajectory.id), "group": .string(flip.trajectory.group),
            "verdicts": .array(flip.verdicts.map(\.json)),
            "advantages": .array(flip.advantages.map { $0.map { .number($0) } ?? .null }),
          ]
        }),
    ]
  }

  private static func json(_ side: RewardSide, _ tally: Tally) -> JSONValue {
    let scored = tally.statuses[.scored, default: 0]
    return [
      "reward": .string(side.label),
      "statuses": .object(
        RewardStatus.allCases.map { .init($0.rawValue, .number(tally.statuses[$0, default: 0])) }),
      "mean_score": scored == 0 ? .null : .number(tally.sum / Double(scored)),
      "groups_with_contrast": .number(tally.contrasted),
      "mean_absolute_advantage": tally.advantages == 0 ? .null : .number(tally.mass / Double(tally.advantages)),
    ]
  }
}

extension RewardDifference.Flip {
  fileprivate var isScored: Bool { verdicts.allSatisfy { $0.score != nil } }
}

extension RewardStatus {
  fileprivate var phrase: String { rawValue.replacing("_", with: " ") }
}
