// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// The path of a trajectory through the stages of one step, with their explanations.
struct StepWay: Sendable {
  let entry: LineageEntry
  let facts: StepFacts
  let records: RunRecords

  /// The explanation of each stage; nil for none, and for stages after the one that dropped it.
  var explanations: [Explanation?] {
    records.stages.indices.map { position in
      guard reached(position, entry), let stage = records.stages[position].stage else { return nil }
      let (lineage, part) = (records.lineage, facts.part)
      let step = LineageStep(group: facts.members) { show in
        // The lines have been read before without a fault.
        _ = try? lineage.forEachLine(in: part) { line in
          if let other = LineageEntry(line.bytes), other.step == entry.step, reached(position, other) { show(other) }
          return true
        }
      }
      return stage.explanation(of: entry, in: step)
    }
  }

  /// Whether a trajectory reached the stage at a position; if a stage dropped it that is not in the spec, it reached
  /// those that left a trace.
  func reached(_ position: Int, _ entry: LineageEntry) -> Bool {
    // What was replayed came in at a stage of its own.
    if let stage = entry.origin?["stage"]?.stringValue,
      let first = records.stages.firstIndex(where: { $0.name == stage }), position < first
    {
      return false
    }
    guard case .dropped(let name, _) = entry.outcome else { return true }
    guard let last = records.stages.firstIndex(where: { $0.name == name }) else {
      return records.stages[position].wrote(to: entry)
    }
    return position <= last
  }
}
