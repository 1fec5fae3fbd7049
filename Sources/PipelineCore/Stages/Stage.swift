// SPDX-License-Identifier: Apache-2.0

/// One step of a pipeline: a filter on trajectory batches.
///
/// A stage is immutable. It may change trajectories and drop them, with ``TrajectoryBatch/drop(stage:by:)``. A stage
/// that makes rollouts puts them in the place of their prompt, with ``TrajectoryBatch/expand(stage:into:)``; one that keeps
/// rollouts brings them in again with ``TrajectoryBatch/insert(replayed:)``. It may not reorder or invent trajectories. Its ``ComponentAbout`` lists the rules by which it drops and its metrics. Time,
/// files and randomness come in through the context. What a stage decides about a group must not depend on the order of
/// the groups. `PipelineTesting` checks these laws.
public protocol Stage: Component {
  /// The fields that every trajectory must carry when it arrives.
  var reads: Set<Field> { get }

  /// The fields that trajectories carry when they leave.
  var writes: Set<Field> { get }

  /// The fields that the stage uses if a trajectory has them; not required.
  var readsIfPresent: Set<Field> { get }

  /// The names of the scores that it writes into `rewards`, where they are known before it runs; nil where they are not.
  ///
  /// A function's own parts, which have its name and a slash before theirs, need not be named.
  var scores: Set<String>? { get }

  /// The scores of `rewards` without which the stage is of no use.
  var readsScores: Set<String> { get }

  /// The longest response that it makes, in tokens; nil for a stage that makes none.
  var longestResponse: Int? { get }

  /// The rollouts that it makes of each prompt; nil for a stage that makes none.
  var rolloutsPerPrompt: Int? { get }

  /// The prompts whose rollouts it makes together, at most; nil for a stage that makes all of a batch together, or none.
  var promptsAtOnce: Int? { get }

  /// The updates of the policy in a step; nil for a stage that makes none.
  var updatesPerStep: Int? { get }

  /// What the stage needs from a policy; a spec with this stage must name a policy that offers it.
  var needs: Set<PolicyAbility> { get }

  /// Asks for more prompts if too few groups are left after this stage; nil for a stage that does not.
  var refill: Refill? { get }

  /// The waves in which it makes rollouts; nil for a stage that makes them all at once, or none.
  var waves: StageWaves? { get }

  /// How it brings stored trajectories into batches; nil for a stage that does not.
  var replay: StageReplay? { get }

  /// Works on one batch.
  ///
  /// - Throws: When the batch as a whole cannot be worked on. One bad trajectory is an outcome of that trajectory, or a
  ///   drop with a rule, not an error.
  func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws

  /// Says what the stage did with a trajectory of a run, from the lineage alone: what there is to know beyond "kept", or
  /// beyond the sentence of the rule that dropped it.
  ///
  /// `why` asks a stage made with the options of the run; it has not run, and nothing is read but the lineage.
  /// - Parameters:
  ///   - trajectory: A trajectory that reached the stage. It carries what later stages added too.
  ///   - step: The step that it was in.
  /// - Returns: A sentence, or nil where there is nothing to add.
  func explanation(of trajectory: LineageEntry, in step: LineageStep) -> Explanation?

  /// Gives back what it holds, such as a program that it started; called when no more batches will come.
  func close() async
}

extension Stage {
  /// Nothing beyond `reads`.
  public var readsIfPresent: Set<Field> { [] }

  /// Not known, where it writes any.
  public var scores: Set<String>? { writes.contains(.rewards) ? nil : [] }

  /// None.
  public var readsScores: Set<String> { [] }

  /// It makes none.
  public var longestResponse: Int? { nil }

  /// It makes none.
  public var rolloutsPerPrompt: Int? { nil }

  /// All of a batch.
  public var promptsAtOnce: Int? { nil }

  /// It makes none.
  public var updatesPerStep: Int? { nil }

  /// No policy.
  public var needs: Set<PolicyAbility> { [] }

  /// Nothing.
  public var refill: Refill? { nil }

  /// All at once.
  public var waves: StageWaves? { nil }

  /// It brings none in.
  public var replay: StageReplay? { nil }

  /// Nothing to add.
  public func explanation(of trajectory: LineageEntry, in step: LineageStep) -> Explanation? { nil }

  /// Nothing to give back.
  public func close() async {}
}

/// How a stage that drops groups gets replacements: DAPO's dynamic sampling.
///
/// The stages up to this one work on further prompts until as many groups are left after it as the step began with.
public struct Refill: Sendable, Hashable {
  /// The most batches of prompts that a step may take, including the first.
  public var maxAttempts: Int

  /// Allows this many attempts.
  public init(maxAttempts: Int) { self.maxAttempts = maxAttempts }
}

/// How a stage makes rollouts in waves: the stages from this one to the last that gives rewards work on each wave.
public struct StageWaves: Sendable {
  /// Decides after each wave.
  public let policy: any WavePolicy
  /// The rollouts that a group is to have in the end.
  public let n: Int
  /// The rollouts of a prompt at first, and at most.
  public let plan: WavePlan
  /// The rollouts that each admitted group gets beside those that the policy decides about, in a wave of their own.
  ///
  /// The policy sees none of them, and all of them are kept. They are numbered on from `plan.most`.
  public let besides: Int

  /// Waves.
  ///
  /// - Throws: When the policy does not go with `n`.
  public init(_ policy: any WavePolicy, n: Int, besides: Int = 0) throws {
    (self.policy, self.n, self.besides) = (policy, n, besides)
    plan = try policy.plan(for: n)
  }

  /// The numbers of the rollouts besides.
  package var numbersBesides: Range<Int> { plan.most..<plan.most + besides }
}
