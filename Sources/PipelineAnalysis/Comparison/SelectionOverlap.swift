// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// How much two chains train on the same trajectories.
package struct SelectionOverlap: Sendable, Hashable {
  /// Distinct trajectories that both train on.
  package private(set) var shared = 0
  /// Distinct trajectories that at least one trains on.
  package private(set) var united = 0
  /// Draws in common: for each trajectory the smaller number of draws, summed up.
  package private(set) var sharedDraws = 0
  /// Draws of either: for each trajectory the larger number of draws, summed up.
  package private(set) var unitedDraws = 0

  /// Trajectories that both train on, with different loss weights.
  package private(set) var weightedDifferently = 0

  /// Shared over united trajectories (Jaccard); 1 where neither trains on anything.
  package var ofTrajectories: Double { united == 0 ? 1 : Double(shared) / Double(united) }

  /// Shared over united draws (Jaccard for multisets); 1 where neither trains on anything.
  package var ofDraws: Double { unitedDraws == 0 ? 1 : Double(sharedDraws) / Double(unitedDraws) }

  /// Whether both train on the same trajectories, equally often.
  package var isIdentical: Bool { sharedDraws == unitedDraws }

  /// Adds how often each chain trains on each trajectory of a batch.
  mutating func add(_ first: [ExactText: Exposure], _ second: [ExactText: Exposure]) {
    for id in Set(first.keys).union(second.keys) {
      let (one, other) = (first[id] ?? Exposure(), second[id] ?? Exposure())
      let (a, b) = (one.times, other.times)
      united += 1
      weightedDifferently += a > 0 && b > 0 && one.lossWeight != other.lossWeight ? 1 : 0
      shared += a > 0 && b > 0 ? 1 : 0
      sharedDraws += Int(min(a, b))
      unitedDraws += Int(max(a, b))
    }
  }
}

/// How often, and with what weight, a chain trains on a trajectory.
struct Exposure: Sendable {
  var times: Int32 = 0
  var lossWeight: Float = 1
}
