// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

extension ShuffleStage {
  /// How often the trajectory was drawn, and how often that was to be expected.
  package func explanation(of trajectory: LineageEntry, in step: LineageStep) -> Explanation? {
    if case .dropped(_, let rule) = trajectory.outcome, Self.rulesBeforeTheDraw.contains(rule) { return nil }
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

  /// The sentence of the rule says all.
  private static let rulesBeforeTheDraw = ["no-advantage", "no-reward", "no-tokens", "outside-band"]

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
  /// The draws that it lets expect: Φ times all, in rounds at most one in each.
  private let expected: Double
  private let isPair: Bool

  /// The odds; nil where the options weigh by what lineage does not hold, or in rounds otherwise than by |A| + |A|.
  init?(of trajectory: LineageEntry, in step: LineageStep, _ options: ShuffleStage.Options) {
    guard options.mode == .resample, options.weightBy == .sum, options.weigh != .advantageSum else { return nil }
    let isPlain = options.weigh == .advantage && options.weighting == .power && options.exponent == 1
    guard options.replacement || isPlain else { return nil }
    var importances: [Double] = []
    var own: Int?
    var all = 0
    var seen: Set<UInt64> = []
    var isKnown = true
    step.forEach { other in
      guard let advantage = other.advantage else { return }
      var importance = abs(advantage)
      if let pair = other.pair {
        if options.weigh == .reward { isKnown = false }
        guard seen.insert(PhiloxGenerator.hash(other.group + "\n" + String(pair.rank))).inserted else { return }
        importance = pair.weight
      } else if options.weigh == .reward {
        guard let reward = other.reward else { return }
        importance = reward
      }
      all += 1
      guard options.isInBand(importance) else { return }
      if Self.isSameUnit(other, trajectory) { own = importances.count }
      importances.append(importance)
    }
    let weights = options.weights(importances)
    let total = weights.reduce(0, +)
    guard isKnown, let own, total > 0 else { return nil }
    units = importances.count
    share = weights[own] / total
    let draws = share * Double(options.draws(of: all))
    expected = options.replacement ? draws : min(draws, Double(options.rounds))
    isPair = trajectory.pair != nil
  }

  /// Whether two trajectories are drawn together.
  private static func isSameUnit(_ left: LineageEntry, _ right: LineageEntry) -> Bool {
    if let pair = left.pair, let other = right.pair {
      return pair.rank == other.rank && ExactText(left.group) == ExactText(right.group)
    }
    return ExactText(left.id) == ExactText(right.id)
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
