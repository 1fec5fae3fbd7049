// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Writes the reference of all registered components as Markdown, from their own descriptions.
package struct ReferenceWriter: Sendable {
  private let descriptions: [ComponentDescription]
  private let runMetrics: [MetricAbout]
  private let runRules: [DropRule]

  /// A writer over a registry.
  ///
  /// - Parameters:
  ///   - runRules: The rules by which a run itself drops trajectories.
  ///   - runMetrics: The figures of a run itself.
  /// - Throws: When a component cannot be described.
  package init(registry: Registry, runRules: [DropRule], runMetrics: [MetricAbout]) throws {
    descriptions = try ComponentKind.allCases.flatMap { kind in
      try registry.names(of: kind).map { try ComponentDescription(kind, $0, in: registry) }
    }
    self.runRules = runRules
    self.runMetrics = runMetrics
  }

  /// A page and the name of its file.
  package struct Page: Sendable {
    /// The file's name.
    package let name: String
    /// The page.
    package let text: String

    /// A page.
    package init(name: String, text: String) { (self.name, self.text) = (name, text) }
  }

  /// A page for each kind of component, one of all metrics, and one of all papers.
  package var pages: [Page] {
    ComponentKind.allCases.map { kind in
      Page(name: kind.rawValue.capitalizedFirst + "Reference.md", text: page(of: kind))
    } + [Page(name: "Metrics.md", text: metricsPage), Page(name: "Papers.md", text: papersPage)]
  }

  private static let origin =
    "This page is made by `shuffle-r1 describe --markdown`, from what the components say of themselves."

  private func page(of kind: ComponentKind) -> String {
    let title =
      "# Reference: \(kind.plural)\n\nThe \(kind.plural) that a spec can name, and what can be set.\n\n\(Self.origin)\n"
    let rules =
      kind == .stage
      ? ["## Rules of the run\n", Self.table(["rule", "why"], runRules.map { [$0.name.code, $0.reason] })] : []
    return ([title] + descriptions.filter { $0.kind == kind }.map(Self.section) + rules).joined(separator: "\n")
  }

  private static func section(_ component: ComponentDescription) -> String {
    var facts: [String] = []
    func add(_ name: String, _ values: [String]) {
      if !values.isEmpty { facts.append("- \(name): \(values.joined(separator: ", "))") }
    }
    add("Also called", component.about.aliases.map(\.code))
    add("Reads", (component.reads ?? []).map(\.rawValue.code))
    add("Writes", (component.writes ?? []).map(\.rawValue.code))
    add("Needs of the policy", (component.needs ?? []).map(\.rawValue.code))
    add("Published in", component.about.papers.map { "[\($0.title)](\($0.link))" })
    if component.about.stability != .stable { add("Stability", [component.about.stability.rawValue]) }
    var parts = ["## \(component.name)\n\n\(component.about.summary).\n"]
    if !facts.isEmpty { parts.append(facts.joined(separator: "\n") + "\n") }
    let options = rows(component.options, under: "")
    if !options.isEmpty { parts.append(table(["option", "value", "default", "meaning"], options)) }
    if !component.about.rules.isEmpty {
      parts.append(table(["drops by the rule", "because"], component.about.rules.map { [$0.name.code, $0.reason] }))
    }
    if !component.metrics.isEmpty {
      parts.append(
        table(["metric", "unit", "meaning"], component.metrics.map { [$0.name.code, $0.unit, $0.meaning] }))
    }
    return parts.joined(separator: "\n")
  }

  private static func rows(_ options: [OptionDescription], under path: String) -> [[String]] {
    options.flatMap { option -> [[String]] in
      let inner = option.shape.options
      // A table's defaults are shown with its options.
      let value = inner.isEmpty ? option.defaultValue.map(\.json.code) ?? "required" : ""
      return [[(path + option.name).code, option.shape.type, value, option.help]]
        + rows(inner, under: path + option.name + ".")
    }
  }

  private var metricsPage: String {
    let combining: [StageReport.Combining: String] = [
      .mean: "mean", .sum: "sum", .minimum: "least", .maximum: "largest",
    ]
    func rows(_ metrics: [MetricAbout]) -> String {
      Self.table(
        ["metric", "unit", "meaning", "of several batches"],
        metrics.map { [$0.name.code, $0.unit, $0.meaning, combining[$0.combining] ?? ""] })
    }
    let head = """
      # Reference: metrics

      What the figures in `metrics.jsonl`, `timings.jsonl` and `evaluations.jsonl` mean.

      \(Self.origin) A part such as `<stage>` stands for a name that the spec gives. Where a step takes several batches of \
      prompts, the last column says what their figures make together.

      ## The run

      """
    let stages = descriptions.filter { !$0.metrics.isEmpty }.map { "\n## \($0.name)\n\n" + rows($0.metrics) }
    return head + rows(runMetrics) + stages.joined()
  }

  private var papersPage: String {
    let rows = PaperIndex(descriptions).entries.flatMap { entry in
      entry.followers.map { ["[\($0.title)](\(entry.link))", $0.kind, $0.name.code] }
    }
    return """
      # Reference: papers

      Which components follow which publication.

      \(Self.origin) The guide <doc:Methods> says which spec in `Examples/papers` is which method.


      """ + Self.table(["publication", "kind", "component"], rows)
  }

  private static func table(_ head: [String], _ rows: [[String]]) -> String {
    ([head, head.map { _ in "---" }] + rows).map { cells in
      "| " + cells.map { $0.replacing("|", with: "\\|").replacing("\n", with: " ") }.joined(separator: " | ") + " |\n"
    }.joined()
  }
}

extension String {
  /// The text as code, with any contents.
  fileprivate var code: String { contains("`") ? "`` \(self) ``" : "`\(self)`" }

  fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
