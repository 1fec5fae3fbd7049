// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

/// The laws that every sampler of prompts must obey.
///
/// Call ``check(reach:sampler:)`` from a test of each sampler.
///
/// 1. The chosen prompts are different from one another, in the pool, and none of those excluded; there are as many as were
/// asked for, or as the pool has left. The prompts of a probe are different, too, and in the pool.
/// 2. The same memory gives the same choice, the same probe and the same memory.
/// 3. Another copy of the sampler that gets what was saved after a step goes on as the first does.
/// 4. What is learnt from a step, or from a probe, does not depend on the order of its groups.
/// 5. Every prompt is chosen in the end, whatever the others are worth.
/// 6. The memory is within `bytesPerPrompt`, and what belongs to no prompt has no more than 4,096 bytes.
/// 7. Its metrics are finite and among those that its `about` describes.
public enum SamplerLaws {
  /// Whether law 5 applies.
  public enum Reach: Sendable {
    /// Every prompt has its turn.
    case everyPrompt
    /// A prompt may never come, as with a curriculum whose target does not move.
    case notEveryPrompt
  }

  /// Drives a sampler over pools of several sizes and throws if it breaks a law.
  ///
  /// - Parameters:
  ///   - reach: Whether every prompt must have its turn.
  ///   - make: Makes a copy, as a process that has just begun does.
  /// - Throws: ``LawViolation``, with examples of every broken law; what the sampler throws.
  public static func check(reach: Reach = .everyPrompt, sampler make: () throws -> any PromptSampler) async throws {
    let first = try make()
    var book = LawBook(subject: "sampler '\(type(of: first).name)'")
    AboutLaws.examine(type(of: first), &book)
    await first.close()
    for (prompts, batch) in [(1, 1), (2, 1), (7, 3), (40, 8)] {
      try await drive(make, prompts: prompts, batch: batch, reach, &book)
    }
    try book.verdict()
  }

  private static func drive(
    _ make: () throws -> any PromptSampler, prompts: Int, batch: Int, _ reach: Reach, _ book: inout LawBook
  ) async throws {
    let sampler = try make()
    var run = Run(sampler: sampler, pool: pool(of: prompts, for: sampler), memory: SamplerMemory(count: prompts))
    var met: Set<Int> = []
    // Long enough for the least likely prompt of the samplers here.
    let steps = reach == .everyPrompt ? 60 + 40 * prompts / batch : 30
    for step in 0..<steps {
      run.step = step
      let example = "a pool of \(prompts), step \(step)"
      if step < 12 { try await checkProbe(make, &run, &book, example) }
      let before = run.memory
      let chosen = try await run.choose(batch, excluding: [], attempt: 0)
      checkChoice(chosen, asked: batch, excluded: [], pool: prompts, &book, example)
      met.formUnion(chosen)
      if step < 12 {
        let taken = Set(chosen)
        var again = Run(sampler: try make(), pool: run.pool, memory: try restored(before), step: step)
        if try await again.choose(batch, excluding: [], attempt: 0) != chosen || again.memory != run.memory {
          book.breaks("what was saved gives the same choice again", example)
        }
        let further = try await again.choose(batch, excluding: taken, attempt: 1)
        checkChoice(further, asked: batch, excluded: taken, pool: prompts, &book, example + ", more")
        await again.sampler.close()
      }
      let results = chosen.sorted().map { result($0, step: step) }
      if step < 12 {
        var backwards = Run(sampler: try make(), pool: run.pool, memory: try restored(run.memory), step: step)
        try await backwards.observe(results.reversed())
        try await run.observe(results)
        if !agree(backwards.memory, run.memory) {
          book.breaks("the order of the groups does not matter", example)
        }
        await backwards.sampler.close()
      } else {
        try await run.observe(results)
      }
      checkMemory(run, &book, example)
      AboutLaws.checkDeclared(
        type(of: sampler).about, rules: [], metrics: run.report.metrics, &book, example)
      for metric in run.report.metrics where !metric.value.isFinite {
        book.breaks("metrics are finite", "\(example): \(metric.name) is \(metric.value)")
      }
    }
    if reach == .everyPrompt, met.count < prompts {
      book.breaks(
        "every prompt has its turn",
        "\(prompts - met.count) of \(prompts) were never chosen in \(steps) steps of \(batch)")
    }
    await sampler.close()
  }

  private static func checkProbe(
    _ make: () throws -> any PromptSampler, _ run: inout Run, _ book: inout LawBook, _ example: String
  ) async throws {
    var again = Run(sampler: try make(), pool: run.pool, memory: try restored(run.memory), step: run.step)
    let probe = try await run.sampler.probe(run.pool, memory: &run.memory, in: run.context(0))
    if try await again.sampler.probe(again.pool, memory: &again.memory, in: again.context(0)) != probe
      || again.memory != run.memory
    {
      book.breaks("what was saved gives the same probe again", example)
    }
    await again.sampler.close()
    guard let probe else { return }
    if !run.sampler.probes { book.breaks("a sampler that probes says so", example) }
    guard Set(probe.indices).count == probe.indices.count, probe.rollouts >= 1,
      probe.indices.allSatisfy((0..<run.pool.count).contains)
    else { return book.breaks("a probe is of different prompts in the pool", "\(example): \(probe)") }
    let results = probe.indices.map { result($0, step: run.step) }
    var backwards = Run(sampler: try make(), pool: run.pool, memory: try restored(run.memory), step: run.step)
    try await backwards.learn(results.reversed())
    try await run.learn(results)
    if !agree(backwards.memory, run.memory) { book.breaks("the order of the groups does not matter", example) }
    await backwards.sampler.close()
  }

  private struct Run {
    let sampler: any PromptSampler
    let pool: PromptPool
    var memory: SamplerMemory
    var step = 0
    var report = StageReport()

    mutating func choose(_ count: Int, excluding excluded: Set<Int>, attempt: Int) async throws -> [Int] {
      report = StageReport()
      return try await sampler.choose(
        count, excluding: excluded, from: pool, memory: &memory, in: context(attempt)
      ).map(\.index)
    }

    mutating func observe(_ results: [GroupResult]) async throws {
      try await sampler.observe(results, of: pool, memory: &memory, in: context(0))
    }

    mutating func learn(_ results: [GroupResult]) async throws {
      try await sampler.learn(from: results, of: pool, memory: &memory, in: context(0))
    }

    func context(_ attempt: Int) -> SamplerContext {
      SamplerContext(sampler: type(of: sampler).name, step: step, attempt: attempt, seed: 17, report: report)
    }
  }

  private static func pool(of count: Int, for sampler: any PromptSampler) -> PromptPool {
    let numbers = sampler.reads.map { field in (field, (0..<count).map { Double($0 * 37 % 101) }) }
    return PromptPool(
      ids: (0..<count).map { "prompt-\($0)" }, numbers: Dictionary(uniqueKeysWithValues: numbers), seed: 17)
  }

  /// A third of the prompts is always right, a third never, a third now and then; some groups are dropped.
  private static func result(_ index: Int, step: Int) -> GroupResult {
    let rewards: [Double] =
      switch index % 3 {
      case 0: [1, 1, 1, 1]
      case 1: [0, 0, 0, 0]
      default: (0..<4).map { ($0 + index + step) % 4 < 2 ? 1 : 0 }
      }
    return GroupResult(
      index: index, rewards: rewards, unscored: step % 5 == 0 ? 1 : 0, scores: ["accuracy": rewards],
      lengths: [3, 4, 5, 6], advantages: rewards.map { $0 - 0.5 }, rule: index % 3 == 2 ? nil : "zero-variance")
  }

  private static func checkChoice(
    _ chosen: [Int], asked: Int, excluded: Set<Int>, pool: Int, _ book: inout LawBook, _ example: String
  ) {
    if Set(chosen).count < chosen.count { book.breaks("no prompt is chosen twice", "\(example): \(chosen)") }
    if !excluded.isDisjoint(with: chosen) { book.breaks("none is chosen that is excluded", "\(example): \(chosen)") }
    if chosen.contains(where: { $0 < 0 || $0 >= pool }) {
      book.breaks("choices are in the pool", "\(example): \(chosen)")
    }
    if chosen.count != min(asked, pool - excluded.count) {
      book.breaks("there are as many as asked for, or as are left", "\(example): \(chosen.count) of \(asked)")
    }
  }

  private static func checkMemory(_ run: Run, _ book: inout LawBook, _ example: String) {
    let bytes = run.memory.columns.count * 8
    if bytes > run.sampler.bytesPerPrompt {
      book.breaks(
        "the memory is bounded",
        "\(example): \(bytes) bytes for each prompt, 'bytesPerPrompt' says \(run.sampler.bytesPerPrompt)")
    }
    let scalars = JSONValue.object(run.memory.scalars).json.utf8.count
    if scalars > 4096 { book.breaks("the memory is bounded", "\(example): \(scalars) bytes that belong to no prompt") }
  }

  /// As a resume gets it: single values have been text in between.
  private static func restored(_ memory: SamplerMemory) throws -> SamplerMemory {
    var restored = memory
    restored.scalars = try JSONValue(parsing: JSONValue.object(memory.scalars).json).objectValue ?? []
    return restored
  }

  /// Up to rounding.
  private static func agree(_ left: SamplerMemory, _ right: SamplerMemory) -> Bool {
    func near(_ a: Double, _ b: Double) -> Bool {
      a == b || a.isNaN && b.isNaN || (a - b).magnitude <= 1e-12 * max(1, a.magnitude)
    }
    guard left.columns.keys.sorted() == right.columns.keys.sorted(), left.scalars.count == right.scalars.count else {
      return false
    }
    return left.columns.allSatisfy { name, values in zip(values, right.column(name)).allSatisfy(near) }
      && left.scalars.allSatisfy { member in
        guard let other = right[value: member.key] else { return false }
        if let a = member.value.doubleValue, let b = other.doubleValue { return near(a, b) }
        return member.value == other
      }
  }
}
