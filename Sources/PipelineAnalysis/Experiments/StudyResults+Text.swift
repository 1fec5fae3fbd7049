// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineRuntime

extension StudyResults {
  /// The tables: what was measured, what it took, and what is missing.
  ///
  /// - Parameter style: How they are drawn.
  package func text(style: TerminalStyle = TerminalStyle()) -> String {
    var page = Page(style)
    page.heading(plan.study.title.isEmpty ? "results" : plan.study.title, plan.study.measure.sentence)
    let hasSettings = plan.hasGrid
    table(
      [["arm"] + (hasSettings ? ["setting"] : []) + ["seeds", "mean", "spread", "area", "steps to level"]]
        + cells.map { names($0, hasSettings) + measured($0) }, hasSettings, on: &page)
    let compared = cells.filter { $0.arm.name != plan.baseline }
    if !compared.isEmpty {
      page.heading("difference to \(plan.baseline)", "seed by seed, with 95 % intervals of the mean")
      table(
        [["arm"] + (hasSettings ? ["setting"] : []) + ["seeds", "mean", "t", "bootstrap"]]
          + compared.map { names($0, hasSettings) + difference($0) }, hasSettings, on: &page)
    }
    page.heading("cost", "summed over the seeds")
    table(
      [
        ["arm"] + (hasSettings ? ["setting"] : [])
          + ["rollouts", "tokens sampled", "tokens trained", "updates", "seconds"]
      ] + cells.map { names($0, hasSettings) + cost($0) }, hasSettings, on: &page)
    writeEqualCosts(hasSettings, on: &page)
    if !missing.isEmpty {
      page.line()
      let names = missing.prefix(6).map(\.name) + (missing.count > 6 ? ["…"] : [])
      page.notice(
        "\(missing.count) of \(NumberText.count(plan.jobs.count, "run")) have not ended, and are left out: "
          + names.joined(separator: ", "))
    }
    return page.text
  }

  /// Only where arms differ in what they have spent: otherwise the first table says the same.
  private func writeEqualCosts(_ hasSettings: Bool, on page: inout Page) {
    let kinds = StudyCost.Kind.allCases.filter { kind in
      cells.contains { $0.atEqualCost.contains { $0.kind == kind } } && differ(in: kind)
    }
    guard !kinds.isEmpty else { return }
    page.heading("at equal cost", "in brackets the difference to \(plan.baseline), ± for its 95 % t interval")
    table(
      [["arm"] + (hasSettings ? ["setting"] : []) + kinds.map(\.title)]
        + cells.map { cell in
          names(cell, hasSettings) + kinds.map { kind in equal(cell.atEqualCost.first { $0.kind == kind }) }
        }, hasSettings, on: &page)
  }

  private func differ(in kind: StudyCost.Kind) -> Bool {
    let spent = cells.flatMap(\.runs).map { $0.run.cost[kind] }
    return spent.min() != spent.max()
  }

  private func equal(_ found: EqualCost?) -> String {
    guard let found, let values = found.values else { return "-" }
    let difference = found.difference.map { difference in
      let half = difference.tInterval.map { " ± " + NumberText.short(($0.high - $0.low) / 2) } ?? ""
      return " (\(NumberText.signed(difference.mean))\(half))"
    }
    return NumberText.short(values.mean) + (difference ?? "")
  }

  private func names(_ cell: Cell, _ hasSettings: Bool) -> [String] {
    [cell.arm.name] + (hasSettings ? [cell.setting.name] : [])
  }

  private func measured(_ cell: Cell) -> [String] {
    let reached = cell.stepsToLevel(plan.study.measure.better)
    let steps = SampleStatistics(reached.map(Double.init)).map { NumberText.short($0.mean) }
    let some = reached.count < cell.runs.count ? " (\(reached.count) of \(cell.runs.count))" : ""
    return [
      String(cell.runs.count), short(cell.values?.mean), short(cell.values?.deviation), short(cell.area),
      steps.map { $0 + some } ?? "-",
    ]
  }

  private func difference(_ cell: Cell) -> [String] {
    let found = cell.difference
    return [
      String(found?.values.count ?? 0), found.map { NumberText.signed($0.mean) } ?? "-", interval(found?.tInterval),
      interval(found?.bootstrapInterval),
    ]
  }

  private func cost(_ cell: Cell) -> [String] {
    let cost = cell.cost
    return [cost.rollouts, cost.tokensSampled, cost.tokensTrained, cost.updates].map { NumberText.short($0) }
      + [NumberText.short(cost.seconds, digits: 3)]
  }

  private func short(_ value: Double?) -> String { value.map { NumberText.short($0) } ?? "-" }

  private func interval(_ interval: ConfidenceInterval?) -> String {
    interval.map { "\(NumberText.signed($0.low)) … \(NumberText.signed($0.high))" } ?? "-"
  }

  /// Rows with aligned columns: names to the left, numbers to the right.
  private func table(_ rows: [[String]], _ hasSettings: Bool, on page: inout Page) {
    let left = hasSettings ? 2 : 1
    let widths = (rows.first ?? []).indices.map { column in rows.map { TextWidth.columns($0[column]) }.max() ?? 0 }
    for row in rows {
      let cells = row.enumerated().map { column, text in
        column < left ? TextWidth.left(text, widths[column]) : TextWidth.right(text, widths[column])
      }
      page.line("  " + cells.joined(separator: "  "))
    }
  }
}

extension StudyMeasure {
  /// What is measured, in words.
  package var sentence: String {
    let point =
      switch at {
      case .last: "at the end"
      case .best: "at its best"
      case .step(let step): "after \(NumberText.count(step, "step"))"
      }
    return "\(metric) \(point), \(better.rawValue) is better"
  }
}
