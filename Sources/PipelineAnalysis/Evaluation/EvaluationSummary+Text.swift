// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
package import PipelineRuntime

extension EvaluationSummary {
  /// The report as text: a row for all questions and one for each category, then lengths and missing scores.
  ///
  /// - Parameters:
  ///   - title: The model and the prompts.
  ///   - remark: How it was sampled.
  package func text(title: String, remark: String = "", style: TerminalStyle = TerminalStyle()) -> String {
    var page = Page(style)
    page.heading(style.safe(title), style.safe(remark))
    page.line(
      "  " + NumberText.count(overall.questions, "question") + ", " + NumberText.count(overall.responses, "response"))
    page.line()
    EvaluationTable(self, style).write(to: &page)
    page.line()
    writeResponses(&page)
    writeMissing(&page)
    return page.text
  }

  private func writeResponses(_ page: inout Page) {
    guard let length = overall.responseLength else { return }
    let cut = overall.clipRatio.map { ", \(NumberText.percent($0)) cut off at the limit" } ?? ""
    page.remark("responses: mean length \(NumberText.short(length)) tokens\(cut)")
  }

  private func writeMissing(_ page: inout Page) {
    let outcomes = overall.outcomes
    if outcomes.unscored > 0 {
      let reasons = [
        (outcomes.abstained, "abstained"), (outcomes.failed, "failed"), (outcomes.timedOut, "timed out"),
        (outcomes.absent, "without '\(page.style.safe(score))'"),
      ].filter { $0.0 > 0 }.map { "\(NumberText.count($0.0)) \($0.1)" }
      page.notice(
        "\(NumberText.count(outcomes.unscored, "response")) without a score, which is not a score of 0: "
          + reasons.joined(separator: ", "))
    }
    if overall.unscoredQuestions > 0 {
      page.notice(
        "\(NumberText.count(overall.unscoredQuestions, "question")) without any scored response, left out of "
          + "\(page.style.safe(score)) and pass@k")
    }
    let short = overall.passAtK.filter { $0.questions < overall.questions - overall.unscoredQuestions }
    if let first = short.first, let last = short.last {
      let names = first.k == last.k ? "pass@\(first.k)" : "pass@\(first.k) to pass@\(last.k)"
      page.notice(
        "\(names): not over all questions, since some have fewer scored responses; --json says over how many")
    }
    if failedPrompts > 0 { page.notice("\(NumberText.count(failedPrompts, "prompt")) could not be used") }
    if skippedPrompts > 0 { page.notice("\(NumberText.count(skippedPrompts, "prompt")) too long, left out") }
  }
}

/// The table of an evaluation: a row for each set of questions, with as many columns as fit.
private struct EvaluationTable {
  /// With more categories than these, the table is left to `--json`.
  private static let categoryLimit = 40

  private let summary: EvaluationSummary
  private let style: TerminalStyle
  private let rows: [(name: String, figures: EvaluationFigures)]
  private let hidden: Int

  init(_ summary: EvaluationSummary, _ style: TerminalStyle) {
    self.summary = summary
    self.style = style
    let none = "(no \(style.safe(summary.categoryField?.rawValue ?? "")))"
    let shown = summary.categories.prefix(Self.categoryLimit)
    let limit = max(12, style.columns / 3)
    rows =
      [("all", summary.overall)]
      + shown.map {
        (TextWidth.fit($0.name.map(style.safe) ?? none, limit, style), $0.figures)
      }
    hidden = summary.categories.count - shown.count
  }

  func write(to page: inout Page) {
    let labels = rows.map(\.name)
    let labelWidth = labels.map(TextWidth.columns).max() ?? 0
    let (columns, left) = fitting(labelWidth)
    page.line(
      "  " + style.paint(TextWidth.left("", labelWidth) + columns.map { cell($0.head, $0.width) }.joined(), .quiet))
    for (row, label) in zip(rows, labels) {
      let cells = columns.map { cell($0.value(row.figures), $0.width) }.joined()
      page.line("  " + TextWidth.left(label, labelWidth) + cells)
    }
    if hidden > 0 { page.remark("and \(NumberText.count(hidden)) more, which --json lists") }
    if left > 0 { page.remark("this terminal is too narrow for all columns; --json has every pass@k") }
  }

  private struct Column {
    let head: String
    let width: Int
    let value: (EvaluationFigures) -> String
  }

  private func cell(_ text: String, _ width: Int) -> String { TextWidth.right(text, width) }

  /// The columns, and the number of smaller k that do not fit.
  private func fitting(_ labelWidth: Int) -> ([Column], left: Int) {
    var columns: [Column] = []
    func add(_ head: String, _ value: @escaping (EvaluationFigures) -> String) -> Column {
      let widest = (rows.map { TextWidth.columns(value($0.figures)) } + [TextWidth.columns(head)]).max() ?? 0
      return Column(head: head, width: widest + 2, value: value)
    }
    columns.append(add("questions") { NumberText.count($0.questions) })
    columns.append(add(TextWidth.fit(style.safe(summary.score), 20, style)) { $0.mean.map { number($0) } ?? "-" })
    columns.append(
      add("95 % interval") { figures in
        figures.interval.map { "\(number($0.low)) \(style.sign("…", "to")) \(number($0.high))" } ?? "-"
      })
    var passes = sizes.map { k in
      add("pass@\(k)") { figures in
        figures.passAtK.first { $0.k == k }.map { percent($0.share) } ?? "-"
      }
    }
    let all = passes.count
    let room = style.columns - 2 - labelWidth - columns.reduce(0) { $0 + $1.width }
    // The largest k is the most informative.
    while passes.count > 1, passes.reduce(0, { $0 + $1.width }) > room { passes.removeFirst() }
    return (columns + passes, all - passes.count)
  }

  /// Every k, except 1 if that equals the mean, as for scores of 0 and 1.
  private var sizes: [Int] {
    let known = summary.overall.passAtK
    let isMean = known.first.map { first in
      summary.overall.mean.map { abs($0 - first.share) < 1e-9 } == true
    }
    return known.map(\.k).filter { $0 > 1 || isMean == false }
  }

  /// A mean: in percent if all scores lie within 0…1.
  private func number(_ value: Double) -> String {
    summary.overall.effectiveResponses == nil ? NumberText.short(value) : percent(value)
  }

  private func percent(_ share: Double) -> String { String(format: "%.1f %%", share * 100) }
}
