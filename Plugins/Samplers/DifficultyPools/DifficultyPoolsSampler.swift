// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Draws prompts by the pool that their latest mean reward puts them in: hard, normal or easy ones.
///
/// A prompt is in the first pool whose threshold is not below its latest mean reward, above all of them in the last; one that
/// was not visited has weight 1. Prompts are drawn one after the other in proportion to their weights, none twice in a step.
///
/// Source: prime-rl, difficulty pools. Its gate, which leaves out groups whose advantages are all 0, is `filter` with the rule
/// `zero-variance` here.
// Differs from prime-rl: no prompt is twice in a step; where only prompts of weight 0 are left, they are drawn alike, and it is
// said, where prime-rl ends with an error.
package struct DifficultyPoolsSampler: PromptSampler {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "difficulty-pools", summary: "Draws prompts with the weight of the pool that their latest mean reward is in",
    papers: [Paper("prime-rl, difficulty pools", link: "https://github.com/PrimeIntellect-ai/prime-rl")],
    metrics: [
      MetricAbout("pool/<name>", unit: "share", "prompts of the whole pool that are in one of the pools"),
      MetricAbout("unseen", unit: "share", "prompts that were not visited yet"),
    ])

  /// The options.
  package struct Options: ComponentOptions {
    package var pools = [
      DifficultyPool("hard", upTo: 0.25, weight: 0.2), DifficultyPool("normal", upTo: 0.75, weight: 1),
      DifficultyPool("easy", upTo: 1, weight: 0.2),
    ]

    /// The defaults.
    package init() {}

    /// The help for each option.
    package static let help = [
      "pools": "the pools, from the lowest threshold to the highest"
    ]

    /// The problems of the values.
    package func problems() -> [OptionProblem] {
      if pools.isEmpty { return [OptionProblem("pools", "is empty, it must name at least one pool")] }
      var problems: [OptionProblem] = []
      if zip(pools, pools.dropFirst()).contains(where: { $0.upTo >= $1.upTo }) {
        problems.append(OptionProblem("pools", "must have thresholds 'up_to' that rise from pool to pool"))
      }
      if Set(pools.map(\.name)).count < pools.count { problems.append(OptionProblem("pools", "has a name twice")) }
      if pools.allSatisfy({ $0.weight == 0 }) {
        problems.append(
          OptionProblem("pools", "has the weight 0 everywhere, so that no prompt would be drawn a second time"))
      }
      return problems
    }
  }

  /// A number.
  package let bytesPerPrompt = 8
  private let options: Options

  /// Makes the sampler.
  package init(options: Options = Options(), assembly: Assembly) { self.options = options }

  /// Draws in proportion to the weights.
  package func choose(
    _ count: Int, excluding excluded: Set<Int>, from pool: PromptPool, memory: inout SamplerMemory,
    in context: SamplerContext
  ) -> [PromptChoice] {
    let scores = memory.column(Self.score)
    var (draw, rest) = (WeightedChoice(), WeightedChoice())
    for index in 0..<pool.count where !excluded.contains(index) {
      let weight = weight(of: scores[index])
      draw.add(index, weight: weight, random: context.random(pool.key(index)))
      if weight == 0 { rest.add(index, weight: 1, random: context.random(pool.key(index))) }
    }
    var chosen = draw.drawn(count)
    let forced = rest.drawn(count - chosen.count)
    if !forced.isEmpty {
      context.report.warn(
        "pools-of-weight-0",
        "\(forced.count) prompts of the step are from pools of weight 0, since no others are left; give them a weight, or add "
          + "prompts", count: forced.count)
      chosen += forced
    }
    return chosen.map { index in
      guard let place = Self.pool(of: scores[index], options.pools) else { return PromptChoice(index) }
      return PromptChoice(
        index,
        because: [
          .init("pool", .string(options.pools[place].name)), .init("mean_reward", .number(scores[index])),
          .init("weight", .number(options.pools[place].weight)),
        ])
    }
  }

  /// Keeps the latest mean reward of each prompt.
  package func observe(
    _ results: [GroupResult], of pool: PromptPool, memory: inout SamplerMemory, in context: SamplerContext
  ) {
    for result in results { if let mean = result.mean() { memory[Self.score, result.index] = mean } }
    let places = memory.column(Self.score).map { Self.pool(of: $0, options.pools) }
    let all = Double(max(1, pool.count))
    for (place, one) in options.pools.enumerated() {
      context.report.metric("pool/" + one.name, Double(places.count { $0 == place }) / all)
    }
    context.report.metric("unseen", Double(places.count { $0 == nil }) / all)
  }

  /// The place of the pool that a mean reward is in; nil for NaN, which is unknown.
  package static func pool(of score: Double, _ pools: [DifficultyPool]) -> Int? {
    score.isNaN ? nil : pools.firstIndex { score <= $0.upTo } ?? pools.count - 1
  }

  private static let score = "mean_reward"

  private func weight(of score: Double) -> Double {
    Self.pool(of: score, options.pools).map { options.pools[$0].weight } ?? 1
  }

  /// The pool that it is in.
  package func explanation(of choice: JSONValue) -> Explanation? {
    guard let pool = choice["pool"]?.stringValue, let score = choice["mean_reward"]?.doubleValue,
      let weight = choice["weight"]?.doubleValue
    else { return "it was drawn with the weight 1, since it was not visited before" }
    return "it was drawn with the weight \(weight) of the pool '\(pool)', since its latest mean reward was \(score)"
  }
}

/// A pool of prompts of one difficulty.
package struct DifficultyPool: ComponentOptions {
  package var name = ""
  package var upTo = 1.0
  package var weight = 1.0

  /// A pool without a name.
  package init() {}

  /// A pool.
  package init(_ name: String, upTo: Double, weight: Double) {
    (self.name, self.upTo, self.weight) = (name, upTo, weight)
  }

  /// The help for each option.
  package static let help = [
    "name": "its name in metrics and explanations",
    "up_to": "the highest mean reward in the pool; what is above all of them is in the last",
    "weight": "how often its prompts are drawn, compared with 1 for a prompt that was not visited yet",
  ]

  /// The problems of the values.
  package func problems() -> [OptionProblem] {
    var problems: [OptionProblem] = []
    if name.isEmpty || !name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }) {
      problems.append(OptionProblem("name", "is \"\(name)\", it must be a word of letters, digits, '-' and '_'"))
    }
    if !upTo.isFinite { problems.append(OptionProblem("up_to", "is \(upTo), it must be finite")) }
    if !(weight >= 0 && weight.isFinite) {
      problems.append(OptionProblem("weight", "is \(weight), it must not be negative"))
    }
    return problems
  }
}
