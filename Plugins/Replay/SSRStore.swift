// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Draws the batch anew from the step's trajectories and the stored ones, in proportion to a power of |advantage|.
///
/// With N trajectories in the batch, `size · N` draws with replacement are made from those of the step whose advantage is not 0
/// and all stored ones, with weights |A|^`exponent`; the order of drawing is the batch's. Then those of the step are stored. The
/// store keeps `capacity`, or half of the batch that came first. Where no advantage is other than 0, nothing is drawn, and the
/// step has no update.
///
/// Source: Wang et al., "VL-Rethinker", Selective Sample Replay.
// Differs from VL-Rethinker's program: one draw over the step and the store, as its README has it, where the program fills half
// of the batch from the step first, shuffled with the constant seed 42; the step's trajectories are stored after the draw, not
// twice in it; there nothing to draw from is an endless loop.
package struct SSRStore: ReplayStore {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "ssr", summary: "Draws the batch anew from the step and the store, in proportion to |advantage|",
    papers: [
      Paper(
        "VL-Rethinker: Incentivizing Self-Reflection of Vision-Language Models with Reinforcement Learning, Selective Sample "
          + "Replay", arXiv: "2504.08837")
    ],
    metrics: [
      MetricAbout("store/effective", unit: "trajectories", "of the step, with an advantage other than 0"),
      MetricAbout(
        "store/distinct", unit: "trajectories", "different ones of the step and the store that were drawn"),
    ])

  /// The options.
  package struct Options: ComponentOptions {
    package var exponent = 1.0
    package var size = 1.0
    package var capacity = 0

    /// The defaults.
    package init() {}

    /// The help for each option.
    package static let help = [
      "exponent": "the power of |advantage| that a trajectory is drawn in proportion to",
      "size": "draws as a share of the trajectories that come to the stage",
      "capacity": "the most trajectories that are stored; 0 for half of the batch that comes first",
    ]

    /// The problems of the values.
    package func problems() -> [OptionProblem] {
      var problems: [OptionProblem] = []
      if !(exponent >= 0 && exponent <= 16) {
        problems.append(OptionProblem("exponent", "is \(exponent), it must lie in 0…16"))
      }
      if !(size > 0 && size <= 16) {
        problems.append(OptionProblem("size", "is \(size), it must lie in 0…16, above 0"))
      }
      if capacity < 0 { problems.append(OptionProblem("capacity", "is \(capacity), it must be 0 or more")) }
      return problems
    }
  }

  /// The advantage.
  package let reads: Set<Field> = [.advantage]
  /// Positions in the batch drawn anew.
  package let writes: Set<Field> = [.draws]
  private let options: Options

  /// Makes the store.
  package init(options: Options = Options(), assembly: Assembly) { self.options = options }

  /// `capacity`, or half of the batch.
  package func capacity(ofBatch count: Int) -> ReplayCapacity {
    ReplayCapacity(total: options.capacity > 0 ? options.capacity : max(1, count / 2))
  }

  /// Draws with replacement, by cumulative sums: first the step's, then the stored, the oldest first.
  package func draw(
    for batch: ReplayBatch, from index: ReplayIndex, memory: inout ReplayMemory, in context: ReplayContext
  ) -> ReplayPlan {
    let places = effective(batch)
    context.report.metric("store/effective", Double(places.count))
    let weights =
      places.map { weight(batch.rollouts[$0].advantage) } + index.numbers.map { weight(index.advantage(of: $0)) }
    guard !batch.rollouts.isEmpty, weights.contains(where: { $0 > 0 }) else {
      if !batch.rollouts.isEmpty {
        context.report.warn(
          "nothing-effective",
          "neither the \(batch.rollouts.count) trajectories of the step nor the \(index.count) stored ones have an advantage other "
            + "than 0; nothing is drawn, and the step has no update", count: batch.rollouts.count)
      }
      context.report.metric("store/distinct", 0)
      return ReplayPlan(draws: [:])
    }
    let count = max(1, Int((options.size * Double(batch.rollouts.count) + 1e-9).rounded(.down)))
    var random = context.random()
    var positions: [Int: [Int]] = [:]
    for (position, unit) in IndependentDraw(weights: weights).draw(count, using: &random).enumerated() {
      positions[Int(unit), default: []].append(position)
    }
    context.report.metric("store/distinct", Double(positions.count))
    var plan = ReplayPlan(draws: [:])
    let sum = weights.reduce(0, +)
    for (unit, draws) in positions.sorted(by: { $0.key < $1.key }) {
      if unit < places.count {
        plan.draws?[places[unit]] = draws
      } else {
        plan.replays.append(
          Replay(
            index.numbers[unit - places.count], draws: draws,
            because: [.init("share", .number(weights[unit] / sum)), .init("draws", .number(draws.count))]))
      }
    }
    return plan
  }

  /// Those with an advantage other than 0.
  package func admit(
    _ batch: ReplayBatch, to index: ReplayIndex, memory: inout ReplayMemory, in context: ReplayContext
  ) -> ReplayAdmission { ReplayAdmission(effective(batch)) }

  /// How large the share was that it was drawn with.
  package func explanation(of trajectory: LineageEntry, in step: LineageStep) -> Explanation? {
    if let origin = trajectory.origin {
      guard let share = origin["share"]?.doubleValue, let draws = origin["draws"]?.intValue else { return nil }
      return "it had \(share: share) of the weight in the draw of ssr, and was drawn \(times: draws)"
    }
    guard let advantage = trajectory.advantage else { return nil }
    if advantage == 0 { return "its advantage is 0, so that it had no weight in the draw of ssr" }
    let times = trajectory.timesTrainedOn
    let weight: Explanation = options.exponent == 1 ? "" : " to the power \(options.exponent)"
    return times == 0
      ? "it had the weight \(abs(advantage))" + weight + " in the draw of ssr, and was not drawn"
      : "drawn \(times: times) by ssr, with the weight \(abs(advantage))" + weight
  }

  private func effective(_ batch: ReplayBatch) -> [Int] {
    batch.rollouts.indices.filter { place in
      guard let advantage = batch.rollouts[place].advantage else { return false }
      return advantage != 0 && advantage.isFinite
    }
  }

  private func weight(_ advantage: Double?) -> Double {
    guard let advantage, advantage != 0 else { return 0 }
    return PortablePower.of(abs(advantage), options.exponent)
  }
}

/// Powers that are the same bits on every machine.
enum PortablePower {
  /// A positive number to a power.
  static func of(_ base: Double, _ exponent: Double) -> Double {
    if exponent == 1 { return base }
    if exponent == 0 { return 1 }
    return PortableMath.exp(exponent * PortableMath.log(base))
  }
}
