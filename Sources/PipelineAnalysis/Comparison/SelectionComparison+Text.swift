// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineIO

extension SelectionComparison {
  /// The report as text: one column for each chain, then the overlap of every two.
  package func text(style: TerminalStyle = TerminalStyle()) -> String {
    var page = Page(style)
    let first = tallies.first ?? SelectionTally()
    page.heading(
      "\(NumberText.count(chains.count, "selection")) on the same rollouts",
      files.map(style.safe).joined(separator: ", "))
    page.line(
      "  \(NumberText.count(first.input, "trajectory")) in \(NumberText.count(first.inputGroups, "group")), "
        + NumberText.count(batches, "batch") + ", seed \(seed)")
    if counts.badRecords > 0 { page.notice("\(NumberText.count(counts.badRecords, "bad record")) left out") }
    page.line()
    let columns = ChainColumns(chains.map { style.safe($0.label) }, style)
    columns.writeLegend(&page)
    columns.writeHeads(&page)
    for row in rows + gradientRows(columns.labels) { columns.write(row, &page) }
    writeDrops(&page, columns)
    writeOverlap(&page, columns)
    writeUnknownAdvantages(&page)
    if let gradients, let reason = gradients.firstReason {
      page.notice(
        "gradients leave out \(NumberText.count(gradients.unusable, "trajectory")) that the model cannot use; the first, "
          + page.style.safe(reason))
    }
    for run in identical {
      let names = run.map { style.safe(chains[$0].label) }.joined(separator: ", ")
      let isWeighted = run.contains { overlap(run[0], $0).weightedDifferently > 0 }
      page.notice(
        "\(names): identical selections, the same trajectories equally often"
          + (isWeighted ? "; only their loss weights differ" : ""))
    }
    return page.text
  }

  private typealias Row = ChainColumns.Row

  private var rows: [Row] {
    var rows: [Row] = []
    func row(_ label: String, _ cell: (SelectionTally) -> String) {
      rows.append(Row(label, tallies.map(cell)))
    }
    let hasDraws = tallies.contains { $0.draws != $0.distinct }
    rows.append(.init("Trained on"))
    if hasDraws { row("trajectories, with repeats") { NumberText.count($0.draws) } }
    row("distinct trajectories") { NumberText.count($0.distinct) }
    if tallies.contains(where: { $0.replayedDraws > 0 }) {
      row("replayed among them") { NumberText.percent($0.replayedDraws, of: $0.draws) }
    }
    row("share of the input") { NumberText.percent($0.kept, of: $0.input) }
    row("groups reached") { NumberText.percent($0.groups, of: $0.inputGroups) }
    if tallies.contains(where: { $0.tokens > 0 }) { row("tokens") { NumberText.count($0.tokens) } }
    if tallies.contains(where: { $0.characters > 0 }) {
      let isMixed = tallies.contains { $0.tokens > 0 }
      row(isMixed ? "characters, where no tokens" : "characters (no tokens)") {
        NumberText.count($0.characters)
      }
    }
    row("effective sample size") { NumberText.count(Int($0.effectiveSampleSize.rounded())) }
    row("largest exposure") { NumberText.count($0.largestExposure) + "×" }
    rows.append(.init("Contrast"))
    row("|A| per trajectory") {
      $0.drawnAdvantages.count == 0 ? "-" : NumberText.short($0.mass.draws / Double($0.draws), digits: 3)
    }
    row("|A| in all") { $0.drawnAdvantages.count == 0 ? "-" : NumberText.short($0.mass.draws, digits: 4) }
    row("|A| of the input kept") {
      $0.mass.input > 0 ? NumberText.percent($0.mass.distinct / $0.mass.input) : "-"
    }
    row("|A| < 0.1, of the input") {
      NumberText.percent($0.inputAdvantages.collapsed, of: $0.inputAdvantages.count)
    }
    row("|A| < 0.1, trained on") {
      NumberText.percent($0.drawnAdvantages.collapsed, of: $0.drawnAdvantages.count)
    }
    row("in groups without contrast") { NumberText.percent($0.zeroVarianceDraws, of: $0.draws) }
    row("A > 0 / A < 0") { tally in
      let drawn = tally.drawnAdvantages
      guard drawn.count > 0 else { return "-" }
      return [drawn.positive, drawn.negative].map {
        String(Int((Double($0) / Double(drawn.count) * 100).rounded()))
      }
      .joined(separator: "/") + " %"
    }
    return rows
  }

  /// Norms and directions of the gradients, where there is a model.
  private func gradientRows(_ labels: [String]) -> [Row] {
    guard let gradients else { return [] }
    return [
      Row("Policy gradient"),
      Row("norm", gradients.figures.map { $0.norm.map { NumberText.short($0, digits: 3) } ?? "-" }),
      Row(
        "cosine with \(labels.first ?? "")",
        gradients.figures.map { $0.cosine.map { NumberText.short($0, digits: 3) } ?? "-" }),
    ]
  }

  private func writeDrops(_ page: inout Page, _ columns: ChainColumns) {
    var kinds: [SelectionTally.Drop] = []
    for drop in tallies.flatMap(\.drops)
    where !kinds.contains(where: { $0.stage == drop.stage && $0.rule == drop.rule }) {
      kinds.append(drop)
    }
    guard !kinds.isEmpty else { return }
    columns.write(.init("Dropped"), &page)
    for kind in kinds {
      let cells = tallies.map { tally in
        tally.drops.first { $0.stage == kind.stage && $0.rule == kind.rule }.map {
          NumberText.count($0.count)
        } ?? "-"
      }
      columns.write(.init(page.style.safe("\(kind.rule) (\(kind.stage))"), cells), &page)
    }
  }

  /// Notes which chains drop trajectories before they have an advantage while others do not.
  private func writeUnknownAdvantages(_ page: inout Page) {
    let most = tallies.map(\.inputAdvantages.count).max() ?? 0
    for (chain, tally) in zip(chains, tallies)
    where tally.inputAdvantages.count > 0 && tally.inputAdvantages.count < most {
      let missing = NumberText.count(tally.input - tally.inputAdvantages.count, "trajectory")
      page.notice(
        "\(page.style.safe(chain.label)): \(missing) left before having an advantage; its rows on |A| of the input "
          + "are about the others")
    }
  }

  private func writeOverlap(_ page: inout Page, _ columns: ChainColumns) {
    guard chains.count > 1 else { return }
    let hasDraws = tallies.contains { $0.draws != $0.distinct }
    columns.write(.init("Overlap of trajectories"), &page)
    for (index, label) in columns.labels.enumerated() {
      columns.write(
        .init(
          label,
          chains.indices.map { $0 == index ? "·" : NumberText.percent(overlap(index, $0).ofTrajectories) }),
        &page)
    }
    if hasDraws {
      columns.write(.init("Overlap of draws"), &page)
      for (index, label) in columns.labels.enumerated() {
        columns.write(
          .init(
            label, chains.indices.map { $0 == index ? "·" : NumberText.percent(overlap(index, $0).ofDraws) }),
          &page)
      }
    }
    page.line()
    page.remark("Overlap: what both train on, as a share of what at least one does.")
  }
}
