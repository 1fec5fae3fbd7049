// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import PipelineCore
import PipelineIO
import PipelineSpec

/// `shuffle-r1 import-config`.
struct ImportConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import-config",
    abstract: "Convert an EasyR1 or verl configuration to a spec.",
    discussion: """
      The spec selects from saved rollouts as the configuration does or, with --train, trains. It is written to \
      standard output or to --output. Settings without a counterpart are listed on standard error, each with the \
      reason.

        shuffle-r1 import-config examples/config.yaml > pipeline.json
        shuffle-r1 import-config examples/config.yaml --train > train.json
      """)

  @Argument(help: "The configuration, YAML or JSON.")
  var config: String

  @Flag(help: "Make a spec that trains a policy, instead of one that replays saved rollouts.")
  var train = false

  @Option(name: .shortAndLong, help: ArgumentHelp("Write the spec to this file.", valueName: "file"))
  var output = "-"

  @Flag(help: "Replace the file of --output if it exists.")
  var force = false

  @Flag(name: .shortAndLong, help: "Do not list settings without a counterpart.")
  var quiet = false

  func run() throws {
    let tree = try SpecText(contentsOf: config, kind: "configuration").tree()
    let imported: ConfigImport
    do {
      imported = try ConfigImport(tree.jsonValue, for: train ? .training : .replay)
    } catch let error as PipelineError where error.location == nil {
      throw PipelineError(error.code, error.message, at: tree.location)
    }
    let file = try OutputFile(path: output, existing: force ? .replace : .refuse)
    try file.write(Array((imported.spec.prettyJSON + "\n").utf8))
    try file.finish()
    if quiet || imported.unmapped.isEmpty { return }
    Terminal.say("without a counterpart here:")
    for unmapped in imported.unmapped { Terminal.say("  \(unmapped)") }
  }
}

extension OptionTree {
  /// The tree without places; YAML scalars are interpreted by YAML 1.2's core schema.
  var jsonValue: JSONValue {
    switch node {
    case .null: .null
    case .bool(let flag): .bool(flag)
    case .number(let text): .number(text)
    case .string(let text): .string(text)
    case .plain(let text): Self.scalar(text)
    case .list(let elements): .array(elements.map(\.jsonValue))
    case .table(let entries): .object(entries.map { .init($0.key, $0.value.jsonValue) })
    }
  }

  private static func scalar(_ text: String) -> JSONValue {
    switch text {
    case "", "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE": return .bool(true)
    case "false", "False", "FALSE": return .bool(false)
    default:
      if case .number(let digits)? = try? JSONValue(parsing: text) { return .number(digits) }
      if let value = Double(text), value.isFinite, text.first?.isLetter == false { return .number(value) }
      return .string(text)
    }
  }
}
