// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// What became of the groups of a step, from the batch and its drops: no stage has to help.
enum GroupResults {
  /// The results by ascending index.
  ///
  /// - Parameter index: The place in the pool of a group.
  static func of(_ batch: TrajectoryBatch, index: (String) -> Int?) -> [GroupResult] {
    var slots = [(trajectory: Trajectory, rule: String?)?](repeating: nil, count: batch.inputCount)
    for (place, position) in batch.inputPositions.enumerated() { slots[Int(position)] = (batch[place], nil) }
    for drop in batch.drops { slots[drop.inputPosition] = (drop.trajectory, drop.rule) }
    var results: [Int: GroupResult] = [:]
    var isKept: Set<Int> = []
    // What was replayed says nothing of how the prompt fares now, and what has waited was told of in its own step.
    for case let (trajectory, rule)? in slots where !trajectory.isOfEarlierStep {
      guard let place = index(trajectory.group) else { continue }
      var result = results[place] ?? GroupResult(index: place)
      result.add(trajectory)
      if let rule { result.rule = rule } else { isKept.insert(place) }
      results[place] = result
    }
    for place in isKept { results[place]?.rule = nil }
    return results.values.sorted { $0.index < $1.index }
  }
}

extension GroupResult {
  /// Adds a rollout, or a prompt of which none could be made.
  fileprivate mutating func add(_ trajectory: Trajectory) {
    // What cannot be read any more is a bad record's fault, and no figure of a group.
    if let length = try? trajectory.tokenCount { lengths.append(length) }
    if let wave = (try? trajectory.value(of: .rolloutWave))??.intValue { waves = max(waves, wave + 1) }
    if let version = (try? trajectory.value(of: .policyVersion))??.intValue { policyVersion = version }
    if let advantage = trajectory.advantage { advantages.append(advantage) }
    guard let reward = trajectory.reward else {
      if trajectory.has(.response) || trajectory.has(.tokens) { unscored += 1 }
      return
    }
    rewards.append(reward)
    for part in trajectory.rewards ?? [] { scores[part.name, default: []].append(part.score) }
  }
}
