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

  /// - Parameters:
  ///   - values: What the importance of each trajectory is taken from.
  init(of batch: TrajectoryBatch, values: [Double], options: ShuffleStage.Options) {
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
          units.append(Self.pair(high, low, values, options))
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
          ShuffleUnit(first: position, second: -1, importance: options.importance(values[position])))
      }
    }
  }

  private static func pair(
    _ high: Int, _ low: Int, _ values: [Double], _ options: ShuffleStage.Options
  ) -> ShuffleUnit {
    let better = options.importance(values[high])
    let worse = options.importance(values[low])
    let importance =
      switch options.weightBy {
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
  /// The importance of a trajectory: the magnitude of an advantage, or the reward as it is.
  func importance(_ value: Double) -> Double { weigh == .reward ? value : abs(value) }

  /// Whether an importance lies in the band.
  func isInBand(_ importance: Double) -> Bool {
    band.isEmpty || (importance > band[0] && importance < band[1])
  }

  /// How many units are drawn of a batch of so many: at least one.
  func draws(of units: Int) -> Int { max(1, Int((size * Double(units) + 1e-9).rounded(.down))) }

  /// The weights of units with these importances in the draw; they need not sum to 1.
  ///
  /// Importances must be finite. The constant of `inverse` is the reference's. With `replacement` there is the 1e-8 of the
  /// published programs: ReVisual-R1 adds it to an advantage's importance, before the power, and PF-PPO to a reward's
  /// weight.
  package func weights(_ importances: [Double]) -> [Double] {
    let added = replacement ? 1e-8 : 0
    if replacement, weighting == .power, weigh != .reward { return importances.map { power($0 + added, exponent) } }
    let weights = plainWeights(importances)
    return replacement ? weights.map { $0 + added } : weights
  }

  private func plainWeights(_ importances: [Double]) -> [Double] {
    let greatest = importances.max() ?? 0
    switch weighting {
    case .power:
      if weigh == .reward { return importances.map { power(abs($0), exponent) } }
      if exponent == 1 || greatest == 0 { return importances }
      return importances.map { power($0 / greatest, exponent) }
    case .softmax: return importances.map { exponential(($0 - greatest) / temperature) }
    case .logSoftmax: return importances.map { logarithmOfOnePlus($0) }
    case .inverse: return importances.map { 1 / ($0 + 1e-6) }
    case .maxMin:
      let least = importances.min() ?? 0
      return importances.map { $0 == greatest || $0 == least ? 1 : 0 }
    case .maxRandom: return importances.map { $0 == greatest ? 0.4 : 0.1 }
    }
  }
}
