// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Why a trajectory of a run was trained on, or was not: its path through the stages in every step it was in.
package struct TrajectoryHistory: Sendable {
  /// The trajectory in question.
  package let id: String
  /// The run's directory.
  package let run: String
  /// What happened to it, step by step; empty if its record could not be used.
  package let steps: [Step]
  /// Lines with this id that could not be used.
  package let badRecords: [UnusableRecord]
  /// Stages with a component that is not registered, so that they cannot be explained.
  package let unexplained: [String]
  /// The step that `--step` asked for, or nil for all.
  let onlyStep: Int?

  /// The rollout itself in each step whose record the run kept; see ``RecordSearch``.
  package var glances: [Int: RolloutGlance] = [:]

  /// What happened to the trajectory in a step.
  package struct Step: Sendable {
    let entry: LineageEntry
    let facts: StepFacts
    let stages: [ExplainedStage]
    /// The explanation of each stage; nil for none, or if the trajectory did not reach the stage.
    let explanations: [Explanation?]
    /// Why the sampler chose its prompt; nil where none did, or nothing is known of it.
    let choice: Explanation?
    /// Where it was replayed later.
    let replays: [LineageEntry]

    /// The step.
    package var step: Int { entry.step }
    /// How often it is trained on in this step.
    package var timesTrainedOn: Int { entry.timesTrainedOn }
  }

  /// A line that the run could not use.
  package struct UnusableRecord: Sendable, Hashable {
    /// Its place.
    package let location: SourceLocation
    /// What is wrong with it.
    package let reason: String
  }

  /// How often it is trained on in all of ``steps``.
  package var timesTrainedOn: Int { steps.reduce(0) { $0 + $1.timesTrainedOn } }

  /// Looks a trajectory up in a run.
  ///
  /// Reads the lineage twice, a line at a time: once for the id, once for the steps that contain it; for a stage that
  /// compares with the whole step, that step is read again.
  /// - Parameters:
  ///   - step: The only step to consider, or nil for all.
  ///   - registry: The components that explain what they did. Plug-ins of the run's spec are not loaded.
  /// - Throws: When there is no such run, no lineage, or no such id or step; the message says what there is instead.
  package init(run: String, id: String, step: Int? = nil, registry: Registry) throws {
    let records = try RunRecords(path: run, registry: registry)
    let search = HistorySearch(records: records, id: id)
    let (found, replays) = try search.entries()
    self.id = id
    self.run = run
    onlyStep = step
    badRecords = try search.unusableRecords()
    if found.isEmpty, badRecords.isEmpty { throw try search.unknownID() }
    if let step, !found.contains(where: { $0.step == step }) {
      throw search.unknownStep(step, known: found.map(\.step))
    }
    let chosen = found.filter { step == nil || $0.step == step }
    let facts = try search.facts(for: chosen)
    steps = zip(chosen, facts).map { entry, facts in
      Step(
        entry: entry, facts: facts, stages: records.stages,
        explanations: StepWay(entry: entry, facts: facts, records: records).explanations,
        choice: records.explanation(ofChoice: entry.promptChoice),
        replays: replays.filter { $0.origin?["step"]?.intValue == entry.step })
    }
    unexplained = records.stages.filter(\.lacksComponent).map(\.name)
  }
}
