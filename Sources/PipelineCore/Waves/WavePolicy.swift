// SPDX-License-Identifier: Apache-2.0

/// Decides, wave by wave, how many rollouts a prompt gets: the option `waves` of the stage `rollout`.
///
/// After each wave the stages up to the rewards have worked on what is new, and the policy says of each group whether it gets
/// more, is admitted, or is dropped. A policy is an immutable value, and remembers nothing. `PipelineTesting` checks the laws:
/// what becomes of a group depends on no other group's place, and no group gets more than `most`.
///
/// A policy whose ``waits`` is true may also let a group wait: the run keeps its rollouts, and makes further ones in the next pass, in
/// one go with the first rollouts of other prompts. A pass is what a step makes of one batch of prompts; a step that asks for more
/// prompts has several, so that the next one may be of the same step. Complete groups then go on first in, first out, as many as the
/// step has room for, and the others wait for their turn. All that waits is part of the run's state. A rollout keeps
/// `policy_version` and `logprobs` of the policy that made it, and one of an earlier step says so in its ``Field/origin``.
///
/// The rules of its ``ComponentAbout`` are the reasons for which it drops groups: the rule `no-contrast` is `wave-drop:no-contrast`
/// in the lineage.
public protocol WavePolicy: Component {
  /// The rollouts that a prompt gets at first, and at most.
  ///
  /// - Parameter n: The option `n` of `rollout`.
  /// - Throws: ``PipelineError`` when these options do not go with that `n`; the sentence says what to set.
  func plan(for n: Int) throws -> WavePlan

  /// Whether it lets groups wait, by ``WaveDecision/later(_:)``.
  var waits: Bool { get }

  /// The fields that it adds to the rollouts of admitted groups: ``Field/seen``, or none.
  var writes: Set<Field> { get }

  /// What becomes of each group that is not settled yet.
  ///
  /// - Parameters:
  ///   - groups: Sorted by id; all of them have as many waves behind them.
  ///   - context: The wave behind them, and draws.
  /// - Returns: A decision for each group, in order.
  /// - Throws: When it cannot decide; the run stops with the reason.
  func decide(_ groups: [WaveGroup], in context: WaveContext) async throws -> [WaveDecision]

  /// Which rollouts of an admitted group stay, and what is known of all of them.
  func keep(_ group: WaveGroup, in context: WaveContext) async throws -> WaveKeep

  /// Says what there is to know of a trajectory's group beyond the rule that dropped it; nil for nothing.
  func explanation(of trajectory: LineageEntry, in step: LineageStep, n: Int) -> Explanation?

  /// Gives up what it holds, such as a program; it decides nothing any more.
  func close() async
}

extension WavePolicy {
  /// It does not.
  public var waits: Bool { false }

  /// None.
  public var writes: Set<Field> { [] }

  /// All of them.
  public func keep(_ group: WaveGroup, in context: WaveContext) -> WaveKeep { WaveKeep(Array(group.rewards.indices)) }

  /// Nothing to add.
  public func explanation(of trajectory: LineageEntry, in step: LineageStep, n: Int) -> Explanation? { nil }

  /// Holds nothing.
  public func close() async {}
}

/// The bounds of the rollouts of a prompt.
public struct WavePlan: Sendable, Hashable {
  /// The rollouts of the first wave.
  public var first: Int
  /// The most in all waves together.
  public var most: Int

  /// Bounds.
  public init(first: Int, most: Int) { (self.first, self.most) = (first, most) }
}

/// The rollouts of a prompt so far.
public struct WaveGroup: Sendable, Hashable {
  /// The prompt's id.
  public var id: String
  /// The reward of each rollout in the order of sampling; nil for one without, or that a stage dropped.
  public var rewards: [Double?]
  /// The response lengths in tokens; 0 where unknown.
  public var lengths: [Int]
  /// Why each response ended; empty where unknown.
  public var finishes: [String]
  /// The rollouts of each wave.
  public var waveSizes: [Int]

  /// A group.
  public init(
    id: String, rewards: [Double?], lengths: [Int] = [], finishes: [String] = [], waveSizes: [Int] = []
  ) {
    self.id = id
    self.rewards = rewards
    self.lengths = lengths.isEmpty ? rewards.map { _ in 0 } : lengths
    self.finishes = finishes.isEmpty ? rewards.map { _ in "" } : finishes
    self.waveSizes = waveSizes.isEmpty ? [rewards.count] : waveSizes
  }
}

/// What becomes of a group after a wave.
public enum WaveDecision: Sendable, Hashable {
  /// It gets this many more rollouts, at least one.
  case more(Int)
  /// It waits for the next pass, and gets this many more rollouts there, at least one; see ``WavePolicy/waits``.
  case later(Int)
  /// It goes on to the next stage.
  case admit
  /// It leaves by a rule of the policy.
  case drop(rule: String)
}

/// What is kept of an admitted group.
public struct WaveKeep: Sendable, Hashable {
  /// The rollouts that stay, as places in the order of sampling; the others leave by the rule `wave-surplus`.
  public var positions: [Int]
  /// What is known of all rollouts, for an estimator.
  public var seen: SeenStatistics?

  /// Keeps some rollouts.
  public init(_ positions: [Int], seen: SeenStatistics? = nil) { (self.positions, self.seen) = (positions, seen) }
}

/// Which rollouts of each prompt a stage is to make, in one of several waves.
public struct RolloutWave: Sendable, Hashable {
  /// The wave, from 0, of prompts that are new in the step.
  public let number: Int
  private var numbers: [ExactText: Range<Int>]
  private var besides: [ExactText: Range<Int>] = [:]
  private var earlier: [ExactText: Int] = [:]

  /// A wave.
  ///
  /// - Parameter numbers: The numbers of the rollouts of each prompt, by its id.
  public init(number: Int, numbers: [ExactText: Range<Int>]) { (self.number, self.numbers) = (number, numbers) }

  /// The numbers of a prompt's rollouts; a rollout has the same seed in whichever wave of a step it is made.
  public func numbers(of group: String) -> Range<Int> { numbers[ExactText(group)] ?? 0..<0 }

  /// The numbers of the rollouts that a prompt gets beside those that the policy of the waves decides about; see
  /// ``StageWaves/besides``.
  public func numbersBesides(of group: String) -> Range<Int> { besides[ExactText(group)] ?? 0..<0 }

  /// The wave of a prompt's group, from 0: one that has waited had some in earlier steps.
  public func number(of group: String) -> Int { number + (earlier[ExactText(group)] ?? 0) }

  /// Whether there is nothing to make.
  package var isEmpty: Bool { numbers.isEmpty && besides.isEmpty }

  /// Whether any prompt gets rollouts besides.
  package var hasBesides: Bool { !besides.isEmpty }

  /// The wave that makes the rollouts besides, and no others.
  package var ofBesides: RolloutWave {
    var wave = self
    (wave.numbers, wave.besides) = (besides, [:])
    return wave
  }

  /// Whether a prompt has part in it.
  package func contains(_ group: String) -> Bool {
    let id = ExactText(group)
    return numbers[id] != nil || besides[id] != nil
  }

  /// Adds rollouts of a prompt.
  ///
  /// - Parameter waves: The waves that its group had in earlier steps.
  package mutating func add(_ numbers: Range<Int>, of group: String, after waves: Int = 0) {
    self.numbers[ExactText(group)] = numbers
    if waves > 0 { earlier[ExactText(group)] = waves }
  }

  /// Adds rollouts besides.
  package mutating func add(besides numbers: Range<Int>, of group: String) { besides[ExactText(group)] = numbers }
}
