// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

/// The laws of what a component says of itself.
///
/// 1. Its name and its rules are in kebab-case, aliases are as others write them; no rule and no metric is described twice.
/// 2. Everything is said: summary, the reason of each rule, unit and meaning of each metric; no sentence ends with a full stop.
/// 3. Papers have a title and a link.
///
/// The laws of stages, rewards and losses include these.
public enum AboutLaws {
  /// Checks what a component says of itself.
  ///
  /// - Throws: ``LawViolation``, with every broken law.
  public static func check(_ type: any Component.Type) throws {
    var book = LawBook(subject: "component '\(type.name)'")
    examine(type, &book)
    try book.verdict()
  }

  /// Checks that what a stage did to a batch, and reported, is what it declares; for stages that
  /// ``StageLaws/check(_:on:groupOrder:refusals:)`` cannot run, since they need a policy.
  ///
  /// - Parameters:
  ///   - batch: The batch after the stage.
  ///   - name: The stage's name in the context that it ran in.
  /// - Throws: ``LawViolation``, with every broken law.
  public static func check(
    _ stage: any Stage, named name: String, dropsOf batch: TrajectoryBatch, report: StageReport
  ) throws {
    var book = LawBook(subject: "stage '\(type(of: stage).name)'")
    examine(type(of: stage), &book)
    let rules = batch.drops.filter { $0.stage == name }.map(\.rule)
    checkDeclared(type(of: stage).about, rules: rules, metrics: report.metrics, &book, "the batch")
    try book.verdict()
  }

  static func examine(_ type: any Component.Type, _ book: inout LawBook) {
    let about = type.about
    if !isKebabCase(about.name) { book.breaks("names are in kebab-case", "'\(about.name)'") }
    for rule in about.rules where !isKebabCase(rule.name.filter { $0 != "<" && $0 != ">" }) {
      book.breaks("names of rules are in kebab-case", "'\(rule.name)'")
    }
    for name in repeated(about.rules.map(\.name)) + repeated(about.metrics.map(\.name)) {
      book.breaks("nothing is described twice", "'\(name)'")
    }
    let sentences =
      [("summary", about.summary)] + about.rules.map { ($0.name, $0.reason) }
      + about.metrics.flatMap { [($0.name, $0.meaning), ($0.name, $0.unit)] }
    for (name, text) in sentences where text.isEmpty || text.hasSuffix(".") || text.contains("\n") {
      book.breaks("everything is said in a line, without a full stop", "'\(name)': '\(text)'")
    }
    for paper in about.papers where paper.title.isEmpty || !paper.link.hasPrefix("https://") {
      book.breaks("a paper has a title and a link", "'\(paper.title)': '\(paper.link)'")
    }
  }

  static func checkDeclared(
    _ about: ComponentAbout, rules: [String], metrics: [StageReport.Metric], _ book: inout LawBook, _ example: String
  ) {
    for rule in Set(rules).sorted() where about.rule(rule) == nil {
      book.breaks("a stage declares the rules that it drops by", "\(example): '\(rule)' is not in 'about'")
    }
    for metric in metrics {
      guard let declared = about.metric(metric.name) else {
        book.breaks("a stage declares its metrics", "\(example): '\(metric.name)' is not in 'about'")
        continue
      }
      if declared.combining != metric.combining {
        book.breaks(
          "a metric is combined as it is declared",
          "\(example): '\(metric.name)' by \(metric.combining.rawValue), declared \(declared.combining.rawValue)")
      }
    }
  }

  static func isKebabCase(_ name: String) -> Bool {
    !name.isEmpty && name.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "-") }
  }

  private static func repeated(_ names: [String]) -> [String] {
    Set(names.filter { name in names.count { $0 == name } > 1 }).sorted()
  }
}
