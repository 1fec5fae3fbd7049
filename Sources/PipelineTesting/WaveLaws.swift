// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

/// The laws that every wave policy must obey.
///
/// Call ``check(_:n:)`` from a test of each policy.
///
/// 1. There is a decision for each group, and it depends neither on the order of the groups nor on which others there are.
/// 2. A group gets at least one rollout more where it gets any, at once or later, and never more than `most` in all; waves come to an
/// end.
/// 3. A group is dropped by a rule that the policy's `about` describes.
/// 4. What is kept of a group are different rollouts that it has; a group without a reward is no error.
/// 5. Only a policy whose `waits` says so lets groups wait, and one that says so lets some wait.
public enum WaveLaws {
  /// Plays a policy against groups of every kind and throws if it breaks a law.
  ///
  /// - Parameter n: The option `n` of `rollout`.
  /// - Throws: ``LawViolation``, with examples of every broken law; what the policy throws.
  public static func check(_ policy: any WavePolicy, n: Int) async throws {
    var book = LawBook(subject: "wave policy '\(type(of: policy).name)'")
    AboutLaws.examine(type(of: policy), &book)
    let plan = try policy.plan(for: n)
    if plan.first < 1 || plan.most < plan.first {
      book.breaks("there is a first rollout, and a bound", "first \(plan.first), most \(plan.most)")
      return try book.verdict()
    }
    try await play(policy, plan, n, &book)
    try book.verdict()
  }

  private static func play(_ policy: any WavePolicy, _ plan: WavePlan, _ n: Int, _ book: inout LawBook) async throws {
    let worths = self.worths(plan.most)
    var open = worths.indices.map { WaveGroup(id: name($0), rewards: Array(worths[$0].prefix(plan.first))) }
    var wave = 0
    var hasWaited = false
    while !open.isEmpty {
      let example = "wave \(wave)"
      let decisions = try await decide(policy, open, wave, n)
      guard decisions.count == open.count else {
        return book.breaks("there is a decision for each group", "\(example): \(decisions.count) for \(open.count)")
      }
      if try await decide(policy, open.reversed(), wave, n).reversed() != decisions {
        book.breaks("the order of the groups does not matter", example)
      }
      for (group, decision) in zip(open, decisions) {
        guard try await decide(policy, [group], wave, n) != [decision] else { continue }
        book.breaks("a group's fate does not depend on others", "\(example): \(group.id)")
      }
      var next: [WaveGroup] = []
      for (group, decision) in zip(open, decisions) {
        switch decision {
        case .more(let count), .later(let count):
          if case .later = decision {
            hasWaited = true
            if !policy.waits { book.breaks("a policy that lets groups wait says so", "\(example): \(group.id)") }
          }
          guard count >= 1, group.rewards.count + count <= plan.most else {
            book.breaks("no group gets more than 'most'", "\(example): \(count) more for \(group.rewards.count)")
            continue
          }
          let worth = worths[Int(group.id.dropFirst(6)) ?? 0]
          var more = WaveGroup(id: group.id, rewards: Array(worth.prefix(group.rewards.count + count)))
          more.waveSizes = group.waveSizes + [count]
          next.append(more)
        case .admit: checkKeep(try await policy.keep(group, in: context(policy, wave, n)), of: group, &book, example)
        case .drop(let rule):
          if type(of: policy).about.rule(rule) == nil {
            book.breaks("a policy declares the rules that it drops by", "\(example): '\(rule)' is not in 'about'")
          }
        }
      }
      open = next
      wave += 1
    }
    if policy.waits, !hasWaited { book.breaks("a policy that says that groups wait lets some wait", "none did") }
  }

  private static func checkKeep(_ keep: WaveKeep, of group: WaveGroup, _ book: inout LawBook, _ example: String) {
    if Set(keep.positions).count < keep.positions.count
      || !keep.positions.allSatisfy(group.rewards.indices.contains)
    {
      book.breaks("what is kept are different rollouts of the group", "\(example): \(group.id): \(keep.positions)")
    }
  }

  private static func decide(
    _ policy: any WavePolicy, _ groups: [WaveGroup], _ wave: Int, _ n: Int
  ) async throws -> [WaveDecision] {
    try await policy.decide(groups, in: context(policy, wave, n))
  }

  private static func context(_ policy: any WavePolicy, _ wave: Int, _ n: Int) -> WaveContext {
    WaveContext(policy: type(of: policy).name, wave: wave, n: n, seed: 17)
  }

  private static func name(_ index: Int) -> String { "group-\(index)" }

  /// The rewards that the rollouts of some prompts have in the end: all, none, one, few, many right, and some without any.
  private static func worths(_ count: Int) -> [[Double?]] {
    var random = PhiloxGenerator(seed: 17, purpose: "worths")
    let fixed: [[Double?]] = [
      .init(repeating: 1, count: count), .init(repeating: 0, count: count), .init(repeating: nil, count: count),
      (0..<count).map { $0 == 0 ? 1 : 0 }, (0..<count).map { $0 == count - 1 ? 1 : 0 },
      (0..<count).map { $0.isMultiple(of: 2) ? nil : 0.5 },
    ]
    let drawn = [0.05, 0.3, 0.5, 0.7, 0.95].flatMap { share in
      (0..<8).map { _ in
        (0..<count).map { _ -> Double? in
          let draw = random.uniform()
          return draw < 0.02 ? nil : random.uniform() < share ? 1 : 0
        }
      }
    }
    return fixed + drawn
  }
}
