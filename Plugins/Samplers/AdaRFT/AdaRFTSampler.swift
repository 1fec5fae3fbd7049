// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Chooses the prompts whose difficulty is nearest to a target, which rises with the reward.
///
/// After each step `T ← clip(T + eta · tanh(alpha · (mean reward − beta)), low, high)`. Equal distances go to the prompt that
/// stands first in the files.
///
/// Source: "Efficient Reinforcement Finetuning via Adaptive Curriculum Learning" (AdaRFT).
// Differs from AdaRFT: the target acts from the next step on, where there prefetched batches delay it; it is saved with the
// run; with 'repeat: once-per-epoch' no prompt comes again before all have come.
package struct AdaRFTSampler: PromptSampler {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "adarft",
    summary: "Chooses the prompts whose 'difficulty' is nearest to a target, which rises with the reward",
    papers: [
      Paper("Efficient Reinforcement Finetuning via Adaptive Curriculum Learning (AdaRFT)", arXiv: "2504.05520")
    ],
    metrics: [
      MetricAbout("target", unit: "difficulty", "the target for the next step"),
      MetricAbout("difficulty", unit: "difficulty", "mean of the prompts that were rolled out"),
      MetricAbout("mean_reward", unit: "reward", "mean of all scored rollouts, which moves the target"),
    ])

  /// The options.
  package struct Options: ComponentOptions {
    package var target = 0.0
    package var eta = 50.0
    package var alpha = 2.0
    package var beta = 0.5
    package var low = 0.0
    package var high = 100.0
    package var `repeat` = Repeat.allowed

    /// The defaults.
    package init() {}

    /// The help for each option.
    package static let help = [
      "target": "the target of the first step",
      "eta": "the longest move of the target in a step, in units of difficulty",
      "alpha": "how fast the move grows with the distance of the mean reward from beta",
      "beta": "the mean reward at which the target stays",
      "low": "the lowest target",
      "high": "the highest target",
      "repeat":
        "allowed: the nearest prompts come again while the target does not move; once-per-epoch: no prompt comes again before "
        + "all have come",
    ]

    /// The problems of the values.
    package func problems() -> [OptionProblem] {
      var problems: [OptionProblem] = []
      for (name, value) in [("eta", eta), ("alpha", alpha)] where !(value >= 0 && value.isFinite) {
        problems.append(OptionProblem(name, "is \(value), it must not be negative"))
      }
      if !beta.isFinite { problems.append(OptionProblem("beta", "is \(beta), it must be finite")) }
      if !(low <= high) { problems.append(OptionProblem("low", "is \(low), it must not lie above high, \(high)")) }
      if low <= high, let problem = OptionProblem.unless("target", target, in: low...high) { problems.append(problem) }
      return problems
    }
  }

  /// Whether a prompt may come again.
  package enum Repeat: String, Codable, Sendable, CaseIterable {
    /// At once.
    case allowed
    /// After all others.
    case oncePerEpoch = "once-per-epoch"
  }

  private static let difficulty = Field("difficulty")

  /// `difficulty`.
  package let reads: Set<Field> = [difficulty]
  /// Whether it has come in this epoch.
  package var bytesPerPrompt: Int { options.repeat == .allowed ? 0 : 8 }
  private let options: Options

  /// Makes the sampler.
  package init(options: Options = Options(), assembly: Assembly) { self.options = options }

  /// The prompts nearest to the target.
  package func choose(
    _ count: Int, excluding excluded: Set<Int>, from pool: PromptPool, memory: inout SamplerMemory,
    in context: SamplerContext
  ) -> [PromptChoice] {
    let target = target(memory)
    func nearest(_ count: Int, among indices: [Int]) -> [Int] {
      let distances = indices.map { ((pool.number(Self.difficulty, $0) ?? 0) - target).magnitude }
      let order = indices.indices.sorted { (distances[$0], indices[$0]) < (distances[$1], indices[$1]) }
      return order.prefix(count).map { indices[$0] }
    }
    var open = (0..<pool.count).filter { !excluded.contains($0) }
    var chosen: [Int] = []
    if options.repeat == .oncePerEpoch {
      let taken = memory.column(Self.taken)
      chosen = nearest(count, among: open.filter { taken[$0].isNaN })
      if chosen.count < count {
        // What is left of the epoch first; then all may come again.
        memory.setColumn(Self.taken, nil)
        let found = Set(chosen)
        open.removeAll(where: found.contains)
        chosen += nearest(count - chosen.count, among: open)
      }
      for index in chosen { memory[Self.taken, index] = 1 }
    } else {
      chosen = nearest(count, among: open)
    }
    return chosen.map { index in
      PromptChoice(
        index,
        because: [
          .init("difficulty", .number(pool.number(Self.difficulty, index) ?? 0)), .init("target", .number(target)),
        ])
    }
  }

  /// Moves the target.
  package func observe(
    _ results: [GroupResult], of pool: PromptPool, memory: inout SamplerMemory, in context: SamplerContext
  ) {
    let sorted = results.sorted { $0.index < $1.index }
    let rewards = sorted.flatMap(\.rewards)
    if !rewards.isEmpty {
      let mean = rewards.reduce(0, +) / Double(rewards.count)
      memory.set(Self.targetName, Self.next(target(memory), meanReward: mean, options))
      context.report.metric("mean_reward", mean)
    }
    let difficulties = sorted.compactMap { pool.number(Self.difficulty, $0.index) }
    if !difficulties.isEmpty {
      context.report.metric("difficulty", difficulties.reduce(0, +) / Double(difficulties.count))
    }
    context.report.metric("target", target(memory))
  }

  /// The target after a step.
  package static func next(_ target: Double, meanReward: Double, _ options: Options) -> Double {
    let moved = target + options.eta * PortableMath.tanh(options.alpha * (meanReward - options.beta))
    return min(options.high, max(options.low, moved))
  }

  private static let taken = "taken"
  private static let targetName = "target"

  private func target(_ memory: SamplerMemory) -> Double { memory.number(Self.targetName) ?? options.target }

  /// Its distance from the target.
  package func explanation(of choice: JSONValue) -> Explanation? {
    guard let difficulty = choice["difficulty"]?.doubleValue, let target = choice["target"]?.doubleValue else {
      return nil
    }
    return "its difficulty, \(difficulty), was among the nearest to the target, \(target)"
  }
}
