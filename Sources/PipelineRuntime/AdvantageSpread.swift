// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// How the advantages of batches are spread; a trajectory counts as often as it is drawn.
struct AdvantageSpread {
  /// Where the bins of the histogram begin and end; the first and the last bin are open.
  static let edges = [-2, -1, -0.5, -0.1, 0.1, 0.5, 1, 2]

  private var counts = [Int](repeating: 0, count: edges.count + 1)

  /// Of nothing.
  init() {}

  /// Of a batch.
  init(of batch: TrajectoryBatch) { add(batch) }

  /// Counts a batch's trajectories, those without an advantage left out.
  mutating func add(_ batch: TrajectoryBatch) {
    let edges = Self.edges
    for trajectory in batch.trajectories {
      guard let advantage = trajectory.advantage else { continue }
      // The middle bin is open at both ends, as |A| < 0.1 is.
      var bin = 0
      for edge in edges where edge < advantage || (edge == advantage && edge > 0) { bin += 1 }
      counts[bin] += trajectory.draws?.count ?? 1
    }
  }

  /// Adds what was counted elsewhere.
  mutating func add(_ other: AdvantageSpread) {
    for bin in counts.indices { counts[bin] += other.counts[bin] }
  }

  private var total: Int { counts.reduce(0, +) }

  /// The share with |A| < 0.1, the paper's "advantage collapsing"; nil where nothing has an advantage.
  var collapsedShare: Double? { total == 0 ? nil : Double(counts[Self.edges.count / 2]) / Double(total) }

  /// `{"edges": […], "counts": […]}`, with one count more than edges: below the first, between two, from the last on.
  var histogram: JSONValue {
    [
      "edges": .array(Self.edges.map { .number($0) }),
      "counts": .array(counts.map { .number($0) }),
    ]
  }
}
