// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Draws a part of each batch in proportion to the variance p(1 − p) of a prompt's success, and takes the rest in the source's
/// order: Variance-Aware Sampling.
///
/// p is the share of right rollouts at a prompt's visits in training or, with `estimate: probe`, among rollouts of the whole
/// pool that are made every few steps for this alone. The variances of the prompts that were visited are stretched to 0…1; a
/// prompt that was not counts as 1.
///
/// Source: "MMR1: Enhancing Multimodal Reasoning with Variance-Aware Sampling and Open Resources".
// Differs from MMR1: unless told otherwise p is learnt from the visits of training, which costs nothing, where MMR1 rolls the
// whole pool out every few steps; no prompt is twice in a batch; the share of the old in a weight is `memory`; the source's order is drawn anew
// in each epoch; without any variance the draw is uniform, and it is said.
package struct VarianceSampler: PromptSampler {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "variance", summary: "Draws a part of the batch in proportion to the variance of a prompt's success (VAS)",
    papers: [Paper("MMR1: Enhancing Multimodal Reasoning with Variance-Aware Sampling", arXiv: "2509.21268")],
    metrics: [
      MetricAbout("weighted", unit: "prompts", "drawn in proportion to their variance", combining: .sum),
      MetricAbout("in_order", unit: "prompts", "taken in the order of the source", combining: .sum),
      MetricAbout("found", unit: "variance", "mean of p(1 − p) over the prompts of the step, as they turned out"),
      MetricAbout("visited", unit: "share", "prompts of the pool whose success is known"),
    ])

  /// The options.
  package struct Options: ComponentOptions {
    package var mixture = 0.5
    package var memory = 0.0
    package var rightAt = 0.5
    package var score = "reward"
    package var estimate = Estimate.visits
    package var probeEvery = 4
    package var probeRollouts = 8

    /// The defaults.
    package init() {}

    /// The help for each option.
    package static let help = [
      "mixture": "the share of a batch that is drawn by variance; the rest is taken in the order of the source",
      "memory": "the share of the old in a prompt's variance when it is visited again; 0 keeps only the newest visit",
      "right_at": "a rollout is right whose score is at least this",
      "score": "'reward', or the name of one of its parts",
      "estimate":
        "where a prompt's success is known from: visits, those of training, which cost nothing; or probe, rollouts of the whole pool "
        + "every few steps, as VAS does it",
      "probe_every": "with probe: the steps from one probe of the pool to the next",
      "probe_rollouts": "with probe: the rollouts of each prompt",
    ]

    /// The problems of the values.
    package func problems() -> [OptionProblem] {
      var problems = [
        OptionProblem.unless("mixture", mixture, in: 0...1), OptionProblem.unless("memory", memory, in: 0...0.999),
        OptionProblem.unlessScore(score), OptionProblem.unless("probe_every", probeEvery, in: 1...1_000_000),
        OptionProblem.unless("probe_rollouts", probeRollouts, in: 2...1024),
      ].compactMap { $0 }
      if !rightAt.isFinite { problems.append(OptionProblem("right_at", "is \(rightAt), it must be finite")) }
      return problems
    }
  }

  /// Where a prompt's success is known from.
  package enum Estimate: String, Codable, Sendable, CaseIterable {
    /// Its visits in training.
    case visits
    /// Rollouts of the whole pool.
    case probe
  }

  /// A number.
  package let bytesPerPrompt = 8
  private let options: Options

  /// Makes the sampler.
  package init(options: Options = Options(), assembly: Assembly) { self.options = options }

  /// Weighted places first, then those in the order of the source.
  package func choose(
    _ count: Int, excluding excluded: Set<Int>, from pool: PromptPool, memory: inout SamplerMemory,
    in context: SamplerContext
  ) -> [PromptChoice] {
    let weights = Self.weights(memory.column(Self.variance))
    let isFlat = weights.allSatisfy { $0 == 0 }
    if isFlat {
      context.report.warn(
        "no-variance", "no prompt of the pool has a success between never and always; the draw is uniform")
    }
    var draw = WeightedChoice()
    for index in 0..<pool.count where !excluded.contains(index) {
      draw.add(index, weight: isFlat ? 1 : weights[index], random: context.random(pool.key(index)))
    }
    let weighted = draw.drawn(Self.weightedPlaces(of: count, options))
    var walk = PoolWalk(pool, memory: memory)
    let rest = walk.next(count - weighted.count, excluding: excluded.union(weighted))
    walk.save(to: &memory)
    context.report.metric("weighted", Double(weighted.count), combining: .sum)
    context.report.metric("in_order", Double(rest.count), combining: .sum)
    return weighted.map { choice($0, "weighted", memory, isFlat ? 1 : weights[$0]) }
      + rest.map { choice($0, "in-order", memory, isFlat ? 1 : weights[$0]) }
  }

  /// The places of a batch that are drawn by variance.
  package static func weightedPlaces(of count: Int, _ options: Options) -> Int {
    min(count, Int((Double(count) * options.mixture + 1e-9).rounded(.down)))
  }

  /// Variances stretched to 0…1 over the prompts that were visited; 1 for others.
  package static func weights(_ variances: [Double]) -> [Double] {
    let known = variances.filter { !$0.isNaN }
    guard let least = known.min(), let greatest = known.max() else { return variances.map { _ in 1 } }
    return variances.map { $0.isNaN ? 1 : ($0 - least) / (greatest - least + 1e-8) }
  }

  /// p(1 − p).
  package static func variance(right: Int, of count: Int) -> Double {
    let p = Double(right) / Double(count)
    return p * (1 - p)
  }

  /// `share · old + (1 − share) · new`.
  package static func mixed(_ old: Double, _ new: Double, memory share: Double) -> Double {
    share * old + (1 - share) * new
  }

  /// Whether the pool is rolled out every few steps.
  package var probes: Bool { options.estimate == .probe }

  /// The whole pool, every few steps.
  package func probe(_ pool: PromptPool, memory: inout SamplerMemory, in context: SamplerContext) -> PromptProbe? {
    guard probes, context.step.isMultiple(of: options.probeEvery) else { return nil }
    return PromptProbe(Array(0..<pool.count), rollouts: options.probeRollouts)
  }

  /// Learns the variance of each prompt of a probe.
  package func learn(
    from results: [GroupResult], of pool: PromptPool, memory: inout SamplerMemory, in context: SamplerContext
  ) {
    for (index, new) in variances(of: results) { remember(new, of: index, in: &memory) }
  }

  /// Learns the variance of each prompt, unless it is known from probes.
  package func observe(
    _ results: [GroupResult], of pool: PromptPool, memory: inout SamplerMemory, in context: SamplerContext
  ) {
    let found = variances(of: results)
    if !probes { for (index, new) in found { remember(new, of: index, in: &memory) } }
    if !found.isEmpty {
      context.report.metric("found", found.reduce(0) { $0 + $1.variance } / Double(found.count))
    }
    let visited = memory.column(Self.variance).count { !$0.isNaN }
    context.report.metric("visited", Double(visited) / Double(max(1, pool.count)))
  }

  private func variances(of results: [GroupResult]) -> [(index: Int, variance: Double)] {
    results.sorted { $0.index < $1.index }.compactMap { result in
      let values = result.values(of: options.score)
      if values.isEmpty { return nil }
      return (result.index, Self.variance(right: values.count { $0 >= options.rightAt }, of: values.count))
    }
  }

  private func remember(_ new: Double, of index: Int, in memory: inout SamplerMemory) {
    memory[Self.variance, index] =
      memory[Self.variance, index].map { Self.mixed($0, new, memory: options.memory) } ?? new
  }

  private static let variance = "variance"

  private func choice(_ index: Int, _ place: String, _ memory: SamplerMemory, _ weight: Double) -> PromptChoice {
    var because = [JSONValue.Member("place", .string(place)), .init("weight", .number(weight))]
    if let variance = memory[Self.variance, index] { because.append(.init("variance", .number(variance))) }
    return PromptChoice(index, because: because)
  }

  /// The variance that it was drawn by.
  package func explanation(of choice: JSONValue) -> Explanation? {
    if choice["place"] == "in-order" { return "it came next in the order of the source" }
    guard let variance = choice["variance"]?.doubleValue, let weight = choice["weight"]?.doubleValue else {
      return "it was drawn with the full weight 1, since it was not visited before"
    }
    return "it was drawn with the weight \(weight), since the variance p(1 - p) of its success was \(variance)"
  }
}
