// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Passes over prompts whose last visits taught nothing, with a probability that grows from visit to visit.
///
/// A prompt whose last z visits were all easy (or all hard) is rolled out with probability `max(p^z, least)`, where p is
/// one number for easy and one for hard prompts. After each step of the second and later epochs p goes down by 0.01 where
/// the step had too many such groups, and up where it had fewer. A prompt that is passed over keeps its visits.
///
/// Source: "Act Only When It Pays: Efficient Reinforcement Learning for LLM Reasoning via Selective Rollouts" (GRESO).
// Differs from GRESO: by default a group is easy or hard if all of its rewards are equal ('judge: variance'), for the visits
// and for the control alike; p is kept in whole hundredths; a step without a group that teaches asks for a whole batch more.
package struct GRESOSampler: PromptSampler {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "greso",
    summary: "Passes over prompts whose last visits were all right or all wrong, with a growing probability",
    papers: [Paper("Act Only When It Pays (GRESO)", arXiv: "2506.02177")],
    metrics: [
      MetricAbout("p_easy", unit: "probability", "that an all-right prompt is rolled out after one such visit"),
      MetricAbout("p_hard", unit: "probability", "that an all-wrong prompt is rolled out after one such visit"),
      MetricAbout("passed_over", unit: "prompts", "met in the order of the source and not rolled out", combining: .sum),
      MetricAbout("easy_share", unit: "share", "groups of the step that were easy"),
      MetricAbout("hard_share", unit: "share", "groups of the step that were hard"),
    ])

  private let options: GRESOOptions

  /// Makes the sampler.
  package init(options: GRESOOptions = GRESOOptions(), assembly: Assembly) { self.options = options }

  /// A number: how many visits in a row.
  package let bytesPerPrompt = 8

  /// The prompts that come next in the order of the source, without those passed over.
  package func choose(
    _ count: Int, excluding excluded: Set<Int>, from pool: PromptPool, memory: inout SamplerMemory,
    in context: SamplerContext
  ) -> [PromptChoice] {
    var walk = PoolWalk(pool, memory: memory)
    let runs = memory.column(Self.run)
    var taken = excluded
    var found: [PromptChoice] = []
    var passed: [Int] = []
    for meeting in 0..<Self.passes * pool.count {
      if found.count == count { break }
      guard let index = walk.next() else { break }
      if taken.contains(index) { continue }
      let probability = rollOutProbability(after: runs[index].isNaN ? 0 : runs[index], memory)
      var random = context.random(pool.key(index), UInt64(meeting / max(1, pool.count)))
      if probability < 1, random.uniform() >= probability {
        passed.append(index)
        continue
      }
      taken.insert(index)
      found.append(choice(index, runs[index], probability))
    }
    walk.save(to: &memory)
    let passedOver = passed.count
    // A pool of nothing but easy prompts would be gone through for ever.
    var rest = passed.makeIterator()
    var forced = 0
    while found.count < count, let index = rest.next() {
      guard taken.insert(index).inserted else { continue }
      found.append(choice(index, runs[index], rollOutProbability(after: runs[index], memory)))
      forced += 1
    }
    if forced > 0 {
      context.report.warn(
        "taken-all-the-same",
        "\(Self.passes) passes over the pool did not fill the step; \(forced) prompts that were passed over are rolled out all "
          + "the same", count: forced)
    }
    context.report.metric("passed_over", Double(passedOver - forced), combining: .sum)
    return found
  }

  /// Counts visits, and moves the probabilities.
  package func observe(
    _ results: [GroupResult], of pool: PromptPool, memory: inout SamplerMemory, in context: SamplerContext
  ) {
    var (scored, easy, hard) = (0, 0, 0)
    for result in results where !result.rewards.isEmpty {
      let before = memory[Self.run, result.index] ?? 0
      scored += 1
      switch options.judge.verdict(on: result, options) {
      case .easy:
        easy += 1
        memory[Self.run, result.index] = max(0, before) + 1
      case .hard:
        hard += 1
        memory[Self.run, result.index] = min(0, before) - 1
      case .mixed: memory[Self.run, result.index] = 0
      }
    }
    if scored > 0 {
      let (easyShare, hardShare) = (Double(easy) / Double(scored), Double(hard) / Double(scored))
      // The first epoch meets every prompt for the first time.
      if (memory.number("epoch") ?? 0) >= 1 {
        memory.set("hundredths_easy", moved(hundredths("easy", memory), easyShare, 1))
        memory.set("hundredths_hard", moved(hundredths("hard", memory), hardShare, 2))
      }
      context.report.metric("easy_share", easyShare)
      context.report.metric("hard_share", hardShare)
    }
    context.report.metric("p_easy", hundredths("easy", memory) / 100)
    context.report.metric("p_hard", hundredths("hard", memory) / 100)
  }

  /// As many prompts as are expected to fill the step.
  package func further(_ lack: LackingGroups) -> Int {
    let useless = lack.taken == 0 ? 0 : 1 - Double(lack.left) / Double(lack.taken)
    return Self.further(missing: Double(lack.missing), useless: useless, full: lack.full, least: options.leastFurther)
  }

  /// `missing / (1 − useless) · 1.25`, at least `least` and at most `full`.
  ///
  /// - Parameter missing: Groups, or parts of them.
  package static func further(missing: Double, useless: Double, full: Int, least: Int) -> Int {
    if useless >= 1 { return full }
    let expected = (missing / (1 - useless) * 1.25 + 1e-9).rounded(.down)
    return expected >= Double(full) ? full : min(max(Int(expected), least), full)
  }

  /// How many visits in a row were easy (above 0) or hard (below 0).
  private static let run = "run"
  /// After so many passes over the pool, prompts that were passed over are taken all the same.
  private static let passes = 4

  private func hundredths(_ kind: String, _ memory: SamplerMemory) -> Double {
    memory.number("hundredths_" + kind)
      ?? ((kind == "easy" ? options.pEasy : options.pHard) * 100).rounded()
  }

  /// The probability in hundredths after a step in which `share` of the groups were of its kind.
  private func moved(_ hundredths: Double, _ share: Double, _ thirds: Double) -> Double {
    let isTooMany = share >= thirds / 3 * options.target
    return min(95, max(5, hundredths + (isTooMany ? -1 : 1)))
  }

  private func rollOutProbability(after run: Double, _ memory: SamplerMemory) -> Double {
    if run == 0 || run.isNaN { return 1 }
    let p = hundredths(run > 0 ? "easy" : "hard", memory) / 100
    return Self.rollOutProbability(p, visits: Int(run.magnitude), least: options.least)
  }

  /// `max(p^visits, least)`.
  package static func rollOutProbability(_ p: Double, visits: Int, least: Double) -> Double {
    var power = 1.0
    for _ in 0..<visits where power > least { power *= p }
    return max(power, least)
  }

  private func choice(_ index: Int, _ run: Double, _ probability: Double) -> PromptChoice {
    guard !run.isNaN else { return PromptChoice(index) }
    return PromptChoice(
      index, because: [.init("run", .number(Int(run))), .init("probability", .number(probability))])
  }

  /// Its visits in a row.
  package func explanation(of choice: JSONValue) -> Explanation? {
    guard let run = choice["run"]?.intValue, let probability = choice["probability"]?.doubleValue else {
      return "it came next, and was not rolled out before"
    }
    if run == 0 { return "it came next, and its last visit had rewards that differ" }
    return
      "it came next, and its last \(run.magnitude == 1 ? "visit was" : "\(Int(run.magnitude)) visits were") all \(run > 0 ? "easy" : "hard"), after which a prompt is rolled out with probability \(probability)"
  }
}
