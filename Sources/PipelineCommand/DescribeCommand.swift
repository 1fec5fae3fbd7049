// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import PipelineAnalysis
import PipelineCore
import PipelineSpec

/// `shuffle-r1 describe`.
struct DescribeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "describe",
    abstract: "What can a spec name, and what can be set?",
    discussion: """
      Without a name, lists all stages, reward functions, advantage estimators, losses and policies; with one, its \
      options with their defaults, and for a stage what it reads and writes, and what it needs of the policy.

        shuffle-r1 describe
        shuffle-r1 describe pairwise-sample
      """)

  @Argument(help: "A registered name.")
  var name: String?

  @Flag(help: "Print JSON, for programs.")
  var json = false

  func run() throws {
    let registry = CommandEnvironment.registry
    let descriptions = try descriptions(in: registry)
    if json {
      let values = descriptions.map(\.json)
      let value = name != nil && values.count == 1 ? values[0] : JSONValue.array(values)
      try Terminal.print(value.prettyJSON + "\n")
    } else if name == nil {
      try Terminal.print(Self.list(descriptions))
    } else {
      try Terminal.print(descriptions.map(Self.page).joined(separator: "\n"))
    }
  }

  private func descriptions(in registry: Registry) throws -> [ComponentDescription] {
    let all = ComponentKind.allCases.flatMap { kind in registry.names(of: kind).map { (kind, $0) } }
    guard let name else { return try all.map { try ComponentDescription($0, $1, in: registry) } }
    let matches = ComponentKind.allCases.filter { registry.component($0, name) != nil }.map { ($0, name) }
    guard matches.isEmpty else { return try matches.map { try ComponentDescription($0, $1, in: registry) } }
    let hint = NearestName.suggestion(for: name, among: all.map(\.1)).map { "; did you mean '\($0)'?" } ?? "."
    throw PipelineError(
      .registry, "nothing is called '\(name)'\(hint) `shuffle-r1 describe` lists all names")
  }

  private static func list(_ descriptions: [ComponentDescription]) -> String {
    let width = descriptions.map(\.name.count).max() ?? 0
    return ComponentKind.allCases.map { kind in
      let lines = descriptions.filter { $0.kind == kind }.map { description in
        "  " + description.name + String(repeating: " ", count: width - description.name.count + 2)
          + description.summary
      }
      return ([kind.plural.prefix(1).uppercased() + kind.plural.dropFirst()] + lines).joined(separator: "\n") + "\n"
    }.joined(separator: "\n")
  }

  private static func page(_ description: ComponentDescription) -> String {
    var lines = ["\(description.name) (\(description.kind.rawValue)): \(description.summary)"]
    if !description.aliases.isEmpty { lines.append("  also called \(description.aliases.joined(separator: ", "))") }
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
    return lines.joined(separator: "\n") + "\n"
  }

  private static func options(_ options: [OptionDescription], indent: Int) -> [String] {
    let margin = String(repeating: " ", count: indent)
    let width = options.map(\.name.count).max() ?? 0
    return options.flatMap { option -> [String] in
      let name = option.name + String(repeating: " ", count: width - option.name.count)
      let value = option.defaultValue.map { "default \($0.json)" } ?? "required"
      let inset = String(repeating: " ", count: indent + width + 2)
      let help = TextWidth.wrap(option.help, max(30, min(Terminal.width, 120) - inset.count))
      return ["\(margin)\(name)  \(option.shape.type), \(value)"] + help.map { inset + $0 }
        + Self.options(option.shape.options, indent: inset.count)
    }
  }
}
