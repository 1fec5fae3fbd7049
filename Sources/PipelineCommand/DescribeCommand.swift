// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import PipelineAnalysis
import PipelineCore
import PipelineIO
import PipelineRuntime
import PipelineSpec

/// `shuffle-r1 describe`.
struct DescribeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "describe",
    abstract: "List what a spec can name, or show what can be set for one of them.",
    discussion: """
      Without a name, lists all stages, reward functions, advantage estimators, losses, policies, samplers of prompts \
      and wave policies. With a name, \
      shows the component's options and their defaults and where the method was published; for a stage also the \
      fields that it reads and writes, what it needs of the policy, the rules that it drops by, and its metrics. The \
      parts of a spec have names too: spec, source, policy, stages, training and output.

        shuffle-r1 describe
        shuffle-r1 describe pairwise-sample
        shuffle-r1 describe source
        shuffle-r1 describe --metrics
        shuffle-r1 describe --papers
        shuffle-r1 describe --papers Examples/papers
      """)

  @Argument(help: "A registered name, or a part of a spec; with --papers also a spec, or a folder of specs.")
  var name: String?

  @Flag(help: "Explain the figures in metrics.jsonl and similar files: all, or those of one component.")
  var metrics = false

  @Flag(
    help: "List publications, and which components follow them; of specs, those named in 'paper', and what differs.")
  var papers = false

  @Flag(help: "Print JSON.")
  var json = false

  @Option(
    help: ArgumentHelp(
      "Write everything as Markdown pages into a folder, which is created if it does not exist.", valueName: "folder"))
  var markdown: String?

  func validate() throws {
    if markdown != nil, name != nil || metrics || papers || json {
      throw ValidationError("--markdown writes everything; give it alone")
    }
    if metrics, papers { throw ValidationError("--metrics and --papers are two lists; give one of them") }
  }

  func run() throws {
    let registry = CommandEnvironment.registry
    if let markdown { return try write(into: markdown, registry) }
    if papers {
      let index = try PaperReference(name, in: registry)
      return try Terminal.print(json ? index.index.json.prettyJSON + "\n" : index.text)
    }
    if let section = name.flatMap(SpecSection.init(rawValue:)), !metrics {
      return try Terminal.print(
        json ? section.json(in: registry).prettyJSON + "\n" : Self.page(section, in: registry))
    }
    let descriptions = try Self.descriptions(of: name, in: registry)
    if metrics {
      let reference = MetricReference(descriptions, withRun: name == nil)
      try Terminal.print(json ? reference.json.prettyJSON + "\n" : reference.text)
    } else if json {
      let values = descriptions.map(\.json)
      let value = name != nil && values.count == 1 ? values[0] : JSONValue.array(values)
      try Terminal.print(value.prettyJSON + "\n")
    } else if name == nil {
      try Terminal.print(Self.list(descriptions))
    } else {
      try Terminal.print(descriptions.map(Self.page).joined(separator: "\n"))
    }
  }

  /// All components, or those with a name.
  ///
  /// - Throws: When nothing has the name, with the nearest one.
  static func descriptions(of name: String?, in registry: Registry) throws -> [ComponentDescription] {
    let all = ComponentKind.allCases.flatMap { kind in registry.names(of: kind).map { (kind, $0) } }
    guard let name else { return try all.map { try ComponentDescription($0, $1, in: registry) } }
    let matches = ComponentKind.allCases.filter { registry.component($0, name) != nil }.map { ($0, name) }
    guard matches.isEmpty else { return try matches.map { try ComponentDescription($0, $1, in: registry) } }
    let known = all.map(\.1) + SpecSection.allCases.map(\.rawValue)
    let hint = NearestName.suggestion(for: name, among: known).map { "; did you mean '\($0)'?" } ?? "."
    throw PipelineError(
      .registry, "nothing is called '\(name)'\(hint) `shuffle-r1 describe` lists all names")
  }

  private static func list(_ descriptions: [ComponentDescription]) -> String {
    let width = descriptions.map(\.name.count).max() ?? 0
    return ComponentKind.allCases.map { kind in
      let lines = descriptions.filter { $0.kind == kind }.map { description in
        "  " + description.name + String(repeating: " ", count: width - description.name.count + 2)
          + description.about.summary
      }
      return ([kind.plural.prefix(1).uppercased() + kind.plural.dropFirst()] + lines).joined(separator: "\n") + "\n"
    }.joined(separator: "\n")
  }

  private func write(into folder: String, _ registry: Registry) throws {
    let writer = try ReferenceWriter(
      registry: registry, runRules: RunReference.rules, runMetrics: RunReference.metrics)
    try OutputFolder.make(folder)
    let formats = ReferenceWriter.Page(name: "FormatReference.md", text: FormatReference(.standard).markdown)
    for page in writer.pages + [formats] {
      let output = try OutputFile(path: folder + "/" + page.name, existing: .replace)
      try output.write(Array(page.text.utf8))
      try output.finish()
    }
  }

  private static func page(_ section: SpecSection, in registry: Registry) -> String {
    var lines = ["\(section.rawValue) (part of a spec): \(section.summary)", "  options"]
    if section == .source || section == .training {
      lines.insert("  paths   are relative to the spec's folder, those of --set to the working folder", at: 1)
    }
    lines += options(section.options(in: registry), indent: 4)
    return lines.joined(separator: "\n") + "\n"
  }

  private static func page(_ description: ComponentDescription) -> String {
    let about = description.about
    var lines = ["\(about.name) (\(description.kind.rawValue)): \(about.summary)"]
    if !about.aliases.isEmpty { lines.append("  also called \(about.aliases.joined(separator: ", "))") }
    if about.stability != .stable {
      lines.append("  \(about.stability.rawValue): names, options and results may change with any version")
    }
    lines += about.papers.map { "  paper   \($0.title): \($0.link)" }
    if let reads = description.reads, !reads.isEmpty {
      lines.append("  reads   \(reads.map(\.rawValue).joined(separator: ", "))")
    }
    if let writes = description.writes, !writes.isEmpty {
      lines.append("  writes  \(writes.map(\.rawValue).joined(separator: ", "))")
    }
    if let needs = description.needs, !needs.isEmpty {
      lines.append("  needs   of the policy: \(needs.map(\.rawValue).joined(separator: ", "))")
    }
    lines.append(description.options.isEmpty ? "  no options" : "  options")
    lines += options(description.options, indent: 4)
    if !about.rules.isEmpty { lines.append("  drops by the rules") }
    lines += about.rules.flatMap { ["    " + $0.name] + wrapped($0.reason, indent: 6) }
    if !description.metrics.isEmpty { lines.append("  metrics") }
    lines += description.metrics.flatMap { ["    \($0.name), \($0.unit)"] + wrapped($0.meaning, indent: 6) }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Text in lines that fit the terminal.
  static func wrapped(_ text: String, indent: Int) -> [String] {
    let margin = String(repeating: " ", count: indent)
    return TextWidth.wrap(text, max(30, min(Terminal.width, 120) - indent)).map { margin + $0 }
  }

  private static func options(_ options: [OptionDescription], indent: Int) -> [String] {
    let margin = String(repeating: " ", count: indent)
    let width = options.map(\.name.count).max() ?? 0
    return options.flatMap { option -> [String] in
      let name = option.name + String(repeating: " ", count: width - option.name.count)
      let value = option.defaultValue.map { "default \($0.json)" } ?? "required"
      let inset = String(repeating: " ", count: indent + width + 2)
      return ["\(margin)\(name)  \(option.shape.type), \(value)"] + wrapped(option.help, indent: inset.count)
        + Self.options(option.shape.options, indent: inset.count)
    }
  }
}
