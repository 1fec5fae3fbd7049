// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Chooses, among the next candidates, the prompts whose success rate is believed to be near one half.
///
/// Each prompt has a Beta distribution over its success rate. A choice draws one rate for each candidate and takes those
/// nearest to one half; what the rollouts of a step show is added to the distributions.
///
/// Source: "Can Prompt Difficulty be Online Predicted for Accelerating RL Finetuning of Reasoning Models?" (MoPPS).
// Differs from MoPPS: with one rollout a prompt the published line sets both parameters to 8 whatever came out; draws are
// Philox streams, so that a resume repeats them; ties go to the candidate that comes first.
package struct MoPPSSampler: PromptSampler {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "mopps",
    summary: "Chooses candidates whose success rate, drawn from a Beta distribution each, is near one half",
    papers: [Paper("Can Prompt Difficulty be Online Predicted? (MoPPS)", arXiv: "2507.04632")],
    metrics: [
      MetricAbout("candidates", unit: "prompts", "looked at in the step", combining: .sum),
      MetricAbout("expected", unit: "share", "mean success rate that the chosen prompts were believed to have"),
      MetricAbout("found", unit: "share", "mean success rate that their rollouts had"),
      MetricAbout("error", unit: "share", "mean distance between the two, prompt by prompt"),
    ])

  /// The options.
  package struct Options: ComponentOptions {
    package var candidates = 8
    package var strategy = Strategy.nearest
    package var decay = 1.0
    package var priorRight = 1.0
    package var priorWrong = 1.0
    package var low = 0.3
    package var high = 0.7
    package var score = "reward"

    /// The defaults.
    package init() {}

    /// The help for each option.
    package static let help = [
      "candidates": "how many prompts are looked at for each that is chosen, in the order of the source",
      "strategy": "nearest: those drawn nearest to one half; threshold: any of those drawn between low and high",
      "decay": "how much of what was learnt before stays at a visit; 1 forgets nothing, the published scripts use 0.5",
      "prior_right": "right answers that every prompt is believed to have had at first",
      "prior_wrong": "wrong answers that every prompt is believed to have had at first",
      "low": "threshold: the lower end of the band",
      "high": "threshold: the upper end of the band",
      "score": "what a success is: 'reward', or the name of one of its parts, cut to 0…1",
    ]

    /// The problems of the values.
    package func problems() -> [OptionProblem] {
      var problems = [
        OptionProblem.unless("candidates", candidates, in: 1...10_000), OptionProblem.unless("decay", decay, in: 0...1),
        // Below 1 a distribution has no peak to draw from.
        OptionProblem.unless("prior_right", priorRight, in: 1...1e6),
        OptionProblem.unless("prior_wrong", priorWrong, in: 1...1e6), OptionProblem.unless("low", low, in: 0...1),
        OptionProblem.unless("high", high, in: 0...1), OptionProblem.unlessScore(score),
      ].compactMap { $0 }
      if low > high { problems.append(OptionProblem("low", "is \(low), it must not lie above high, \(high)")) }
      return problems
    }
  }

  /// Which of the drawn rates are wanted.
  package enum Strategy: String, Codable, Sendable, CaseIterable {
    /// The nearest to one half.
    case nearest
    /// Any within a band, then the nearest to it.
    case threshold
  }

  /// Two numbers.
  package let bytesPerPrompt = 16
  private let options: Options

  /// Makes the sampler.
  package init(options: Options = Options(), assembly: Assembly) { self.options = options }

  /// The candidates whose drawn rates are wanted most.
  package func choose(
    _ count: Int, excluding excluded: Set<Int>, from pool: PromptPool, memory: inout SamplerMemory,
    in context: SamplerContext
  ) -> [PromptChoice] {
    var walk = PoolWalk(pool, memory: memory)
    let candidates = walk.next(count * options.candidates, excluding: excluded)
    walk.save(to: &memory)
    let draws = candidates.map { index -> Double in
      let (right, wrong) = belief(index, memory)
      var random = context.random(pool.key(index))
      return random.beta(right, wrong)
    }
    var random = context.random()
    let chosen = Self.selection(of: draws, count, options, random: &random)
    context.report.metric("candidates", Double(candidates.count), combining: .sum)
    return chosen.map { place in
      let (right, wrong) = belief(candidates[place], memory)
      return PromptChoice(
        candidates[place],
        because: [.init("draw", .number(draws[place])), .init("right", .number(right)), .init("wrong", .number(wrong))])
    }
  }

  /// The places of the draws that are wanted, most wanted first.
  package static func selection(
    of draws: [Double], _ count: Int, _ options: Options, random: inout PhiloxGenerator
  ) -> [Int] {
    func nearest(_ distance: (Double) -> Double) -> [Int] {
      Array(draws.indices.sorted { (distance(draws[$0]), $0) < (distance(draws[$1]), $1) }.prefix(count))
    }
    switch options.strategy {
    case .nearest: return nearest { ($0 - 0.5) * ($0 - 0.5) }
    case .threshold:
      var within = draws.indices.filter { (options.low...options.high).contains(draws[$0]) }
      guard within.count > count else { return nearest { max(options.low - $0, $0 - options.high, 0) } }
      for place in 0..<count {
        within.swapAt(place, place + Int(random.next().multipliedFullWidth(by: UInt64(within.count - place)).high))
      }
      return Array(within.prefix(count))
    }
  }

  /// Adds what the rollouts showed.
  package func observe(
    _ results: [GroupResult], of pool: PromptPool, memory: inout SamplerMemory, in context: SamplerContext
  ) {
    var (groups, expected, found, error) = (0.0, 0.0, 0.0, 0.0)
    for result in results {
      let values = result.values(of: options.score)
      if values.isEmpty { continue }
      let rate = values.reduce(0) { $0 + min(1, max(0, $1)) } / Double(values.count)
      let before = belief(result.index, memory)
      let after = Self.posterior(before, rate: rate, rollouts: values.count, options)
      memory[Self.right, result.index] = after.right
      memory[Self.wrong, result.index] = after.wrong
      let believed = before.right / (before.right + before.wrong)
      (groups, expected, found) = (groups + 1, expected + believed, found + rate)
      error += (believed - rate).magnitude
    }
    if groups == 0 { return }
    context.report.metric("expected", expected / groups)
    context.report.metric("found", found / groups)
    context.report.metric("error", error / groups)
  }

  /// `λ·x + (1 − λ)·prior + s·n`, for right and wrong ones.
  package static func posterior(
    _ belief: (right: Double, wrong: Double), rate: Double, rollouts: Int, _ options: Options
  ) -> (right: Double, wrong: Double) {
    let (kept, count) = (options.decay, Double(rollouts))
    return (
      kept * belief.right + (1 - kept) * options.priorRight + rate * count,
      kept * belief.wrong + (1 - kept) * options.priorWrong + (1 - rate) * count
    )
  }

  private static let right = "right"
  private static let wrong = "wrong"

  private func belief(_ index: Int, _ memory: SamplerMemory) -> (right: Double, wrong: Double) {
    (memory[Self.right, index] ?? options.priorRight, memory[Self.wrong, index] ?? options.priorWrong)
  }

  /// The rate that was drawn.
  package func explanation(of choice: JSONValue) -> Explanation? {
    guard let draw = choice["draw"]?.doubleValue, let right = choice["right"]?.doubleValue,
      let wrong = choice["wrong"]?.doubleValue
    else { return nil }
    let place =
      options.strategy == .nearest
      ? Explanation("among the nearest to one half")
      : Explanation("among those wanted between \(options.low) and \(options.high)")
    return "the success rate \(draw), drawn from Beta(\(right), \(wrong)), was \(place)"
  }
}
