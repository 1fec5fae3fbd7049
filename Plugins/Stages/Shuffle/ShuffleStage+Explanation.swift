// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

extension ShuffleStage {
  /// How often the trajectory was drawn, and how often that was to be expected.
  package func explanation(of trajectory: LineageEntry, in step: LineageStep) -> Explanation? {
    if case .dropped(_, "no-advantage") = trajectory.outcome { return nil }
    let odds = DrawOdds(of: trajectory, in: step, options)
    guard trajectory.outcome == .kept || trajectory.draws != nil else {
      // Dropped here by the draw, or by a later stage after a pass without draws.
      if case .dropped(_, "not-drawn") = trajectory.outcome { return odds?.explanation(of: trajectory, draws: []) }
      return weighed(trajectory)
    }
    guard let draws = trajectory.draws else { return weighed(trajectory) }
    let listed = draws.prefix(12).map(String.init).joined(separator: ", ") + (draws.count > 12 ? ", ..." : "")
    var sentence: Explanation = "drawn \(times: draws.count)"
    if let odds { sentence = "\(sentence) (\(odds.sentence))" }
    sentence = "\(sentence); at position\(draws.count == 1 ? "" : "s") \(listed)"
    if let weight = trajectory.lossWeight { sentence = "\(sentence); loss weight \(weight)" }
    return Explanation(sentence, facts: odds?.facts(draws: draws) ?? [])
  }

  private func weighed(_ trajectory: LineageEntry) -> Explanation {
    guard let weight = trajectory.lossWeight else { return "kept without a draw" }
    return "kept without a draw, with loss weight \(weight)"
  }
}

/// What the weighted draw could be expected to do with a trajectory.
struct DrawOdds {
  /// The pairs, or single trajectories where unpaired, that were drawn from.
  private let units: Int
  /// The share Φ of all weight.
  private let share: Double
  /// The draws that it lets expect: |B|·Φ, at most one in each round.
  private let expected: Double
  private let isPair: Bool

  /// The odds; nil where the options weigh otherwise than by |A| + |A|, since lineage does not hold those weights.
  init?(of trajectory: LineageEntry, in step: LineageStep, _ options: ShuffleStage.Options) {
    guard options.mode == .resample, options.weightBy == .sum, options.weighting == .power, options.exponent == 1
    else { return nil }
    var units = 0
    var total = 0.0
    var seen: Set<UInt64> = []
    step.forEach { other in
      guard let advantage = other.advantage else { return }
      if let pair = other.pair {
        guard seen.insert(PhiloxGenerator.hash(other.group + "\n" + String(pair.rank))).inserted else { return }
        total += pair.weight
      } else {
        total += abs(advantage)
      }
      units += 1
    }
    guard total > 0, units > 0 else { return nil }
    self.units = units
    share = (trajectory.pair?.weight ?? abs(trajectory.advantage ?? 0)) / total
    expected = min(share * Double(units), Double(options.rounds))
    isPair = trajectory.pair != nil
  }

  /// The odds in words.
  var sentence: Explanation {
    let owner = isPair ? "its pair" : "it"
    return
      "\(expected, digits: 2) expected: \(owner) has \(share: share) of the weight of \(units, isPair ? "pair" : "trajectory")"
  }

  /// The odds as numbers.
  func facts(draws: [Int]) -> [JSONValue.Member] {
    [
      .init("units", .number(units)), .init("share", .number(share)), .init("expected", .number(expected)),
      .init("positions", .array(draws.map { .number($0) })),
    ]
  }

  /// The odds of a trajectory that was drawn so often.
  func explanation(of trajectory: LineageEntry, draws: [Int]) -> Explanation {
    Explanation(sentence, facts: facts(draws: draws))
  }
}
