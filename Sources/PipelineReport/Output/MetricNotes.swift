// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineRuntime

/// What the figures of runs mean, for the page.
enum MetricNotes {
  /// Every figure of every registered component, and those of the run itself, by name or pattern.
  static func json(_ registry: Registry) -> [JSONValue] {
    let components = ComponentKind.allCases.flatMap { kind in
      registry.names(of: kind).compactMap { registry.component(kind, $0)?.about }
    }
    var seen: Set<String> = []
    return (components.flatMap(\.runMetrics) + RunReference.metrics).filter { seen.insert($0.name).inserted }.map {
      ["name": .string($0.name), "unit": .string($0.unit), "meaning": .string($0.meaning)]
    }
  }
}
