// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineSpec

/// Prompts to roll out before a step.
struct SourceProbe {
  /// The records of each prompt.
  let prompts: [[Trajectory]]
  /// The rollouts of each.
  let rollouts: Int
}

/// What became of a probe: figures alone, so that the rollouts of a whole pool need not be kept.
struct ProbeTally {
  private var found: [ExactText: GroupResult] = [:]
  private(set) var rollouts = 0
  private(set) var tokens = 0
  /// What it took.
  var seconds = 0.0

  /// Adds rollouts with their rewards.
  mutating func add(_ batch: TrajectoryBatch) {
    var places: [ExactText: Int] = [:]
    let names = batch.groups.map(\.name)
    for (place, name) in names.enumerated() { places[ExactText(name)] = place }
    for result in GroupResults.of(batch, index: { places[ExactText($0)] }) {
      found[ExactText(names[result.index])] = result
      rollouts += result.rewards.count + result.unscored
      tokens += result.lengths.reduce(0, +)
    }
  }

  /// The results by ascending index.
  ///
  /// - Parameter index: The place in the pool of a group.
  func results(index: (String) -> Int?) -> [GroupResult] {
    found.compactMap { name, result in
      index(name.text).map { place in
        var result = result
        result.index = place
        return result
      }
    }.sorted { $0.index < $1.index }
  }
}

extension StepRunner {
  /// How many prompts are rolled out at a time.
  private static let promptsAtOnce = 64

  /// Rolls prompts out with the policy as it is, and scores them, by the stages that do so in a step.
  ///
  /// Its figures are those of a runner that is thrown away. A rollout has the seed that it has in the step.
  /// - Throws: What the stages throw; when no stage makes rollouts, or none scores them.
  mutating func probe(_ probe: SourceProbe, step: Int) async throws -> ProbeTally {
    let stages = plan.stages.map(\.stage)
    guard let first = stages.firstIndex(where: { $0.rolloutsPerPrompt != nil }),
      let last = stages.lastOfWave(from: first)
    else {
      throw PipelineError(
        .invalidSpec, "the sampler rolls prompts out to learn from them, and no stages make rollouts and score them")
    }
    var tally = ProbeTally()
    for start in stride(from: 0, to: probe.prompts.count, by: Self.promptsAtOnce) {
      try Task.checkCancellation()
      observer.progressed(step: step, activity: "probe: \(start) of \(probe.prompts.count) prompts", share: nil)
      let records = probe.prompts[start..<min(probe.prompts.count, start + Self.promptsAtOnce)].flatMap { $0 }
      var batch = TrajectoryBatch(records, number: step)
      let numbers = Dictionary(
        records.map { (ExactText($0.group), 0..<probe.rollouts) }, uniquingKeysWith: { first, _ in first })
      for index in first...last {
        try await run(index, &batch, wave: index == first ? RolloutWave(number: 0, numbers: numbers) : nil)
      }
      tally.add(batch)
    }
    return tally
  }
}
