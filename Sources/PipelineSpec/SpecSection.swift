// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// A part of a spec that is no component: what can be set in it.
package enum SpecSection: String, Sendable, Hashable, CaseIterable {
  case spec, source, policy, stages, training, output

  /// One sentence, without a full stop.
  package var summary: String {
    switch self {
    case .spec: "A pipeline, as it is written in a JSON or YAML file"
    case .stages: "The stages, in the order in which batches pass them: names, or tables"
    default: PipelineSpec.help[rawValue] ?? ""
    }
  }

  /// The options, in order.
  package func options(in registry: Registry) -> [OptionDescription] {
    let probe = OptionProbe(registry: registry)
    return switch self {
    // What the parts hold is described under their own names.
    case .spec:
      probe.options(of: PipelineSpec.self).map { option in
        SpecSection(rawValue: option.name) == nil
          ? option
          : OptionDescription(
            name: option.name, shape: .table([]), defaultValue: [:],
            help: "\(option.help); `shuffle-r1 describe \(option.name)`")
      }
    case .source: probe.options(of: SourceOptions.self)
    case .policy:
      Self.reference("The registered name of the policy: " + registry.names(of: .policy).joined(separator: ", "))
    case .stages:
      Self.reference("The registered name of the stage: " + registry.names(of: .stage).joined(separator: ", ")) + [
        OptionDescription(
          name: "name", shape: .text, defaultValue: "", help: StageEntry.help["name"] ?? "")
      ]
    case .training: probe.options(of: TrainingOptions.self)
    case .output: probe.options(of: OutputOptions.self)
    }
  }

  private static func reference(_ help: String) -> [OptionDescription] {
    [
      OptionDescription(name: "use", shape: .text, defaultValue: "", help: help),
      OptionDescription(
        name: "with", shape: .anything, defaultValue: [:], help: "Its options; `shuffle-r1 describe NAME` lists them"),
    ]
  }

  /// The description as JSON.
  package func json(in registry: Registry) -> JSONValue {
    [
      "kind": "section", "name": .string(rawValue), "summary": .string(summary),
      "options": .array(options(in: registry).map(\.json)),
    ]
  }
}
