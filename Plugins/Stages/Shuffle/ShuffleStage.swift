// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

// Differs from Shuffle-R1: defined for zero weights, for fewer weighted pairs than draws, and for any number of
// pairs, where the original raises; and one round is a weighted permutation, where the original skips the shuffle.
/// Redraws the batch, so that pairs with large advantages are seen more often.
///
/// The units are the pairs of the batch, and single trajectories without a pair. Their order is group by group, pairs
/// by rank, then single trajectories. With `W` the importance of a unit and `Φ = W / ΣW`, the new batch consists of `S`
/// rounds, each a draw of `|B| / S` distinct units with probabilities `Φ`: without replacement within a round, with
/// replacement across rounds. It has as many units as before; if `|B|` is not divisible by `S`, the first rounds are
/// one longer. Pair members stay adjacent, the better one first. A unit of weight 0 is drawn only if a round has too
/// few others, uniformly.
///
/// Writes `draws`, the positions of each trajectory in the new batch; undrawn trajectories leave. All weights zero: the
/// batch passes through as it is. A pair member whose partner is not in the batch is drawn singly. Both are warned about.
///
/// `W` always comes from the advantages as they are now. The `weight` that a record's `pair` carries was derived from them
/// when the pair was formed, and counts for nothing here; where the two differ, a warning names the first such pair.
///
/// Round `r` takes one draw for each unit, in order, from the context's random stream at `(r, 0)`.
///
/// The paper's listing calls it "Batch Shuffle".
///
/// Other publications draw otherwise. `size` is the drawn batch as a share of all units: `max(1, floor(size · |B| + 1e-9))`
/// draws. With `replacement` each is made from all units, by cumulative sums of the weights and one number each from the
/// stream at `(0, 0)`; the order of drawing is the batch's. With `band` only units strictly inside are drawn from, and the
/// others leave; if there are none, the batch passes through, with a warning. `weigh: reward` takes importances from
/// rewards, with their sign.
///
/// Sources: ReVisual-R1, "Prioritized Advantage Distillation" (`band: [0.05, 0.95]`, `replacement: true`); PF-PPO (`weigh:
/// reward`, `replacement: true`).
package struct ShuffleStage: Stage {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "shuffle", summary: "Draws the batch anew, pairs with large advantages more often",
    papers: [
      Paper("Shuffle-R1, Advantage-based Trajectory Shuffle", arXiv: "2508.05612"),
      Paper(
        "Advancing Multimodal Reasoning: From Optimized Cold Start to Staged Reinforcement Learning (ReVisual-R1, PAD)",
        arXiv: "2506.04207"),
      Paper("Policy Filtration in RLHF to Fine-Tune LLM for Code Generation (PF-PPO)", arXiv: "2409.06957"),
    ],
    rules: [
      DropRule("no-advantage", because: "it has no advantage to be drawn by"),
      DropRule("no-reward", because: "it has no reward to be drawn by"),
      DropRule("no-tokens", because: "its advantage is summed over its tokens, and the record has none"),
      DropRule("outside-band", because: "its importance lies outside the band that is drawn from"),
      DropRule("not-drawn", because: "the weighted draw passed it over in every round"),
    ],
    metrics: [
      MetricAbout("units", unit: "pairs and single trajectories", "what is drawn from, or weighed"),
      MetricAbout("distinct_pairs", unit: "pairs and single trajectories", "how many different ones were drawn"),
      MetricAbout("max_exposure", unit: "draws", "how often the most frequent pair or single trajectory was drawn"),
      MetricAbout(
        "effective_sample_size", unit: "pairs and single trajectories",
        "how many of equal weight would be as spread out: (sum of weights)^2 / sum of squared weights"),
    ])

  /// `advantage`, and what it is weighed by.
  package var reads: Set<Field> {
    switch options.weigh {
    case .advantage: [.advantage]
    case .advantageSum: [.advantage, .tokens]
    case .reward: [.advantage, .reward]
    }
  }
  /// `pair`, as written by pairwise sampling.
  package let readsIfPresent: Set<Field> = [.pair]
  let options: Options

  /// Makes the stage.
  package init(options: Options = Options(), assembly: Assembly) { self.options = options }

  /// `draws` or `loss_weight`, or both, depending on the options.
  package var writes: Set<Field> {
    switch (options.mode, options.correction) {
    case (.reweight, _): [.lossWeight]
    case (.resample, .none): [.draws]
    case (.resample, .importance): [.draws, .lossWeight]
    }
  }

  /// Redraws or reweights the batch.
  ///
  /// - Throws: When an advantage is not finite.
  package func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {
    if let odd = batch.trajectories.first(where: { $0.advantage?.isFinite == false }) {
      throw PipelineError(.plugIn, "the advantage of \(odd.id.quotedForMessage) is not finite")
    }
    try dropUnusable(&batch, context)
    if batch.isEmpty { return }
    let found = ShuffleUnits(of: batch, values: try values(of: batch), options: options)
    if found.widowed > 0 {
      context.report.warn(
        "no-partner",
        "\(found.widowed) trajectories are drawn singly since the other member of their pair is not in the batch",
        count: found.widowed)
    }
    warnOfStaleWeights(found, batch, context.report)
    let all = found.units
    let units = options.band.isEmpty ? all : all.filter { options.isInBand($0.importance) }
    if units.isEmpty {
      context.report.warn(
        "nothing-in-band",
        "none of the \(all.count) importances lies between \(options.band[0]) and \(options.band[1]); the batch passes through "
          + "unshuffled", count: all.count)
      passThrough(&batch, all, context.report)
      return
    }
    let weights = options.weights(units.map(\.importance))
    let sum = weights.reduce(0, +)
    if sum == 0 {
      context.report.warn(
        "no-weight", "all \(units.count) weights are zero; the batch passes through unshuffled",
        count: units.count)
      passThrough(&batch, all, context.report)
      return
    }
    context.report.metric("units", Double(units.count))
    let normalised = weights.map { $0 / sum }
    context.report.metric(
      "effective_sample_size", 1 / normalised.reduce(0) { $0 + $1 * $1 })
    let outside = positionsOutside(units, all, count: batch.count)
    switch options.mode {
    case .resample:
      try await resample(&batch, units, weights, normalised, draws: options.draws(of: all.count), outside, context)
    case .reweight:
      reweight(&batch, units, normalised)
      batch.drop(stage: context.stage) { outside.contains($0) ? "outside-band" : nil }
    }
  }

  private func dropUnusable(_ batch: inout TrajectoryBatch, _ context: StageContext) throws {
    let rules = try batch.trajectories.map { trajectory -> String? in
      if trajectory.advantage == nil { return "no-advantage" }
      if options.weigh == .reward, trajectory.reward?.isFinite != true { return "no-reward" }
      return try options.weigh == .advantageSum && trajectory.tokenCount == nil ? "no-tokens" : nil
    }
    batch.drop(stage: context.stage) { rules[$0] }
  }

  /// What importances are taken from.
  private func values(of batch: TrajectoryBatch) throws -> [Double] {
    try batch.trajectories.map { trajectory in
      switch options.weigh {
      case .advantage: trajectory.advantage ?? 0
      case .advantageSum: try (trajectory.advantage ?? 0) * Double(trajectory.tokenCount ?? 0)
      case .reward: trajectory.reward ?? 0
      }
    }
  }

  /// The positions of units that are not drawn from.
  private func positionsOutside(_ units: [ShuffleUnit], _ all: [ShuffleUnit], count: Int) -> Set<Int> {
    if units.count == all.count { return [] }
    var inside: Set<Int> = []
    for unit in units { inside.formUnion([unit.first, unit.second]) }
    return Set(0..<count).subtracting(inside)
  }

  private func warnOfStaleWeights(_ found: ShuffleUnits, _ batch: TrajectoryBatch, _ report: StageReport) {
    guard let first = found.staleWeights.first, let pair = batch[first].pair else { return }
    let record = batch[first].record
    let place = record.line > 0 ? " (\(record.file):\(record.line))" : ""
    report.warn(
      "stale-pair-weight",
      "\(found.staleWeights.count) pairs carry another 'pair.weight' than |A| of one member plus |A| of the other; the "
        + "first is that of \(batch[first].id.quotedForMessage)\(place), with \(pair.weight); the shuffle goes by the "
        + "advantages, so run pairwise-sample after the stage that changed them",
      count: found.staleWeights.count)
  }

  private func resample(
    _ batch: inout TrajectoryBatch, _ units: [ShuffleUnit], _ weights: [Double], _ normalised: [Double],
    draws count: Int, _ outside: Set<Int>, _ context: StageContext
  ) async throws {
    let drawn = try await draw(count, from: units.count, weights, context)
    var draws = [[Int]](repeating: [], count: batch.count)
    var exposure = [Int](repeating: 0, count: units.count)
    var position = 0
    for index in drawn {
      let unit = units[Int(index)]
      exposure[Int(index)] += 1
      draws[unit.first].append(position)
      if unit.second >= 0 { draws[unit.second].append(position + 1) }
      position += unit.size
    }
    if options.correction == .importance { correct(&batch, units, normalised, exposure) }
    for index in draws.indices where !draws[index].isEmpty { batch[index].draws = draws[index] }
    report(exposure, to: context.report)
    batch.drop(stage: context.stage) { position in
      draws[position].isEmpty ? (outside.contains(position) ? "outside-band" : "not-drawn") : nil
    }
  }

  /// Indices of units, in the order of drawing.
  private func draw(
    _ count: Int, from units: Int, _ weights: [Double], _ context: StageContext
  ) async throws -> [Int32] {
    if options.replacement {
      var random = context.random()
      return IndependentDraw(weights: weights).draw(count, using: &random)
    }
    let draw = WeightedDraw(weights: weights)
    let rounds = options.rounds
    let sizes = (0..<min(rounds, count)).map { count / rounds + ($0 < count % rounds ? 1 : 0) }
    if let first = sizes.first, first > units {
      context.report.warn(
        "too-few-units",
        "\(count) draws in \(rounds) rounds are \(first) in a round, in which each of the \(units) there are is drawn at most "
          + "once; raise rounds, or draw with replacement", count: count - units * rounds)
    }
    // A round without units draws nothing.
    return try await context.concurrentMap(count: sizes.count, chunk: 1) { round in
      draw.draw(min(sizes[round], units), using: context.random(UInt64(round)))
    }.flatMap { $0 }
  }

  /// `1 / (|B|·Φ)`, capped, then rescaled to mean 1 over the drawn units.
  private func correct(
    _ batch: inout TrajectoryBatch, _ units: [ShuffleUnit], _ normalised: [Double], _ exposure: [Int]
  ) {
    let inverse = normalised.map { min(options.cap, 1 / (Double(units.count) * $0)) }
    let total = zip(inverse, exposure).reduce(0) { $0 + $1.0 * Double($1.1) }
    let scale = Double(exposure.reduce(0, +)) / total
    setLossWeights(&batch, units, inverse.map { $0 * scale }, where: { exposure[$0] > 0 })
  }

  private func reweight(_ batch: inout TrajectoryBatch, _ units: [ShuffleUnit], _ normalised: [Double]) {
    setLossWeights(&batch, units, normalised.map { Double(units.count) * $0 }, where: { _ in true })
    // Draws of an earlier pass would be trained on instead of this batch.
    for index in 0..<batch.count where batch[index].draws != nil { batch[index].draws = nil }
  }

  private func setLossWeights(
    _ batch: inout TrajectoryBatch, _ units: [ShuffleUnit], _ weights: [Double],
    where condition: (Int) -> Bool
  ) {
    for (index, unit) in units.enumerated() where condition(index) {
      batch[unit.first].lossWeight = weights[index]
      if unit.second >= 0 { batch[unit.second].lossWeight = weights[index] }
    }
  }

  /// The unchanged batch: everything once, in order.
  private func passThrough(_ batch: inout TrajectoryBatch, _ units: [ShuffleUnit], _ report: StageReport) {
    for index in 0..<batch.count {
      if options.mode == .resample {
        batch[index].draws = [index]
      } else if batch[index].draws != nil {
        batch[index].draws = nil
      }
      if writes.contains(.lossWeight) { batch[index].lossWeight = 1 }
    }
    report.metric("units", Double(units.count))
    if options.mode == .resample {
      self.report([Int](repeating: 1, count: units.count), to: report)
    }
  }

  private func report(_ exposure: [Int], to report: StageReport) {
    report.metric("distinct_pairs", Double(exposure.count { $0 > 0 }))
    report.metric("max_exposure", Double(exposure.max() ?? 0))
  }
}
