// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// The unit of the shuffle's draw: a pair, better member first, or a trajectory without a partner.
struct ShuffleUnit {
  /// The better member's position in the batch, or the single trajectory's.
  let first: Int
  /// The other member's position; -1 for a single trajectory.
  let second: Int
  /// The importance, from which its weight is computed.
  let importance: Double

  /// The number of trajectories.
  var size: Int { second < 0 ? 1 : 2 }
}

/// The units of a batch: group by group in order of appearance, pairs by rank, then single trajectories in order.
struct ShuffleUnits {
  private(set) var units: [ShuffleUnit] = []
  /// Trajectories of a pair whose partner is not in the batch; they are drawn alone.
  private(set) var widowed = 0
  /// Pairs whose recorded weight is not what their advantages give, by the positions of their better members.
  private(set) var staleWeights: [Int] = []

  init(of batch: TrajectoryBatch, weighedBy weightBy: ShuffleStage.WeightBy) {
    units.reserveCapacity(batch.count)
    for group in batch.groups {
      var paired: [(rank: Int, side: Pair.Side, position: Int)] = []
      var singles: [Int] = []
      for position in group.positions where batch[position].advantage != nil {
        if let pair = batch[position].pair {
          paired.append((pair.rank, pair.side, position))
        } else {
          singles.append(position)
        }
      }
      paired.sort { ($0.rank, $0.position) < ($1.rank, $1.position) }
      var start = 0
      while start < paired.count {
        var end = start + 1
        while end < paired.count, paired[end].rank == paired[start].rank { end += 1 }
        if end - start == 2, paired[start].side != paired[start + 1].side {
          let isHighFirst = paired[start].side == .high
          let high = paired[isHighFirst ? start : start + 1].position
          let low = paired[isHighFirst ? start + 1 : start].position
          units.append(Self.pair(high, low, of: batch, weightBy))
          if [high, low].contains(where: { batch[$0].pair?.disagrees(with: batch[high], batch[low]) == true }) {
            staleWeights.append(high)
          }
        } else {
          singles += paired[start..<end].map(\.position)
          widowed += end - start
        }
        start = end
      }
      for position in singles.sorted() {
        units.append(
          ShuffleUnit(first: position, second: -1, importance: abs(batch[position].advantage ?? 0)))
      }
    }
  }

  private static func pair(
    _ high: Int, _ low: Int, of batch: TrajectoryBatch, _ weightBy: ShuffleStage.WeightBy
  ) -> ShuffleUnit {
    let better = abs(batch[high].advantage ?? 0)
    let worse = abs(batch[low].advantage ?? 0)
    let importance =
      switch weightBy {
      case .sum: better + worse
      case .max: max(better, worse)
      case .mean: (better + worse) / 2
      case .positive: better
      }
    return ShuffleUnit(first: high, second: low, importance: importance)
  }
}

extension Pair {
  /// Whether the weight is not `|A_high| + |A_low|`, beyond what five decimal places round off.
  fileprivate func disagrees(with high: Trajectory, _ low: Trajectory) -> Bool {
    let sum = abs(high.advantage ?? 0) + abs(low.advantage ?? 0)
    return !(abs(weight - sum) <= 1e-5 * max(1, sum))
  }
}

extension ShuffleStage.Options {
  /// The weights of units with these importances in the draw; they need not sum to 1.
  ///
  /// Importances must be finite. The constant of `inverse` is the reference's.
  package func weights(_ importances: [Double]) -> [Double] {
    let greatest = importances.max() ?? 0
    switch weighting {
    case .power:
      if exponent == 1 || greatest == 0 { return importances }
      return importances.map { power($0 / greatest, exponent) }
    case .softmax: return importances.map { exponential(($0 - greatest) / temperature) }
    case .logSoftmax: return importances.map { logarithmOfOnePlus($0) }
    case .inverse: return importances.map { 1 / ($0 + 1e-6) }
    }
  }
}
