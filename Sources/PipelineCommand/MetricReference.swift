// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineRuntime
import PipelineSpec

/// What the figures of a run mean, by who reports them.
struct MetricReference {
  private let sections: [(owner: String, metrics: [MetricAbout])]

  /// The figures of components, and of the run itself.
  init(_ descriptions: [ComponentDescription], withRun: Bool) {
    sections =
      (withRun ? [("run", RunReference.metrics)] : [])
      + descriptions.filter { !$0.metrics.isEmpty }.map { ($0.name, $0.metrics) }
  }

  /// A line or two for each figure.
  var text: String {
    if sections.isEmpty { return "no metrics\n" }
    return sections.map { section in
      ([section.owner]
        + section.metrics.flatMap { metric in
          ["  \(metric.name), \(metric.unit)"] + DescribeCommand.wrapped(metric.meaning, indent: 4)
        })
        .joined(separator: "\n") + "\n"
    }.joined(separator: "\n")
  }

  /// A list of figures, for programs.
  var json: JSONValue {
    .array(
      sections.flatMap { section in
        section.metrics.map { .object([.init("from", .string(section.owner))] + ($0.json.objectValue ?? [])) }
      })
  }
}
