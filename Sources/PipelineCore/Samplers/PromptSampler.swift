// SPDX-License-Identifier: Apache-2.0

/// Chooses the prompts of each step, and learns from what became of them.
///
/// A spec selects one by `source.sampler`. A sampler is an immutable value: what it remembers is in the ``SamplerMemory``
/// that it is handed, which is saved with the run and checked on a resume. Every draw comes from
/// ``SamplerContext/random(_:_:)``, so that a resume, or another number of threads, changes no choice. `PipelineTesting`
/// checks these laws.
public protocol PromptSampler: Component {
  /// The fields of prompt records that it chooses by; each must be a number in every record.
  var reads: Set<Field> { get }

  /// Chooses prompts that are different from one another and none of those excluded.
  ///
  /// - Parameters:
  ///   - count: How many, at least 1.
  ///   - excluded: Indices into the pool that the step has already.
  ///   - memory: What it remembers; the same memory gives the same choice.
  /// - Returns: The choices in the order of the batch; fewer than `count` only if the pool has no more.
  /// - Throws: When it cannot choose at all, such as a program that has ended.
  func choose(
    _ count: Int, excluding excluded: Set<Int>, from pool: PromptPool, memory: inout SamplerMemory,
    in context: SamplerContext
  ) async throws -> [PromptChoice]

  /// Learns from the groups of a step; called once for each step, after its last stage.
  ///
  /// - Parameter results: Every group that the step rolled out, those that stages dropped included, by ascending index. What
  ///   is learnt must not depend on their order.
  func observe(
    _ results: [GroupResult], of pool: PromptPool, memory: inout SamplerMemory, in context: SamplerContext
  ) async throws

  /// Which prompts are to be rolled out before a step, to learn from alone; nil for none.
  ///
  /// Asked once before each step, with the policy as the step will begin. Nothing is trained on these rollouts; their
  /// number and tokens are in the step's figures.
  /// - Parameter memory: What it remembers; the same memory gives the same probe.
  /// - Throws: When it cannot say, such as a program that has ended.
  func probe(
    _ pool: PromptPool, memory: inout SamplerMemory, in context: SamplerContext
  ) async throws -> PromptProbe?

  /// Learns from the rollouts of a probe.
  ///
  /// - Parameter results: A result for each prompt of the probe that could be rolled out, by ascending index.
  func learn(
    from results: [GroupResult], of pool: PromptPool, memory: inout SamplerMemory, in context: SamplerContext
  ) async throws

  /// Whether it asks for probes with these options, so that a spec must make and score rollouts.
  var probes: Bool { get }

  /// How many prompts to add to a step that is not full after a stage such as `filter`.
  func further(_ lack: LackingGroups) -> Int

  /// Says why a prompt was chosen, as the continuation of "chosen by mopps: …".
  ///
  /// - Parameter choice: What ``PromptChoice/because`` held.
  func explanation(of choice: JSONValue) -> Explanation?

  /// The most bytes that it remembers for each prompt, with these options; `check` multiplies it by the pool.
  var bytesPerPrompt: Int { get }

  /// Gives back what it holds, such as a program that it started; called when no more batches will come.
  func close() async
}

extension PromptSampler {
  /// None.
  public var reads: Set<Field> { [] }

  /// None.
  public func probe(_ pool: PromptPool, memory: inout SamplerMemory, in context: SamplerContext) -> PromptProbe? { nil }

  /// Nothing.
  public func learn(
    from results: [GroupResult], of pool: PromptPool, memory: inout SamplerMemory, in context: SamplerContext
  ) async throws {}

  /// It does not.
  public var probes: Bool { false }

  /// A whole batch, as without a sampler.
  public func further(_ lack: LackingGroups) -> Int { lack.full }

  /// Nothing to say.
  public func explanation(of choice: JSONValue) -> Explanation? { nil }

  /// Eight numbers.
  public var bytesPerPrompt: Int { 64 }

  /// Nothing to give back.
  public func close() async {}
}

/// A prompt that a sampler chose.
public struct PromptChoice: Sendable, Hashable {
  /// The prompt's place in the pool.
  public var index: Int
  /// The numbers behind the choice, for lineage and `why`.
  public var because: [JSONValue.Member]

  /// Chooses a prompt.
  public init(_ index: Int, because: [JSONValue.Member] = []) {
    self.index = index
    self.because = because
  }
}

/// Rollouts that a sampler wants before a step, to learn from.
public struct PromptProbe: Sendable, Hashable {
  /// The prompts, as ascending indices into the pool.
  public var indices: [Int]
  /// The rollouts of each.
  public var rollouts: Int

  /// Asks for rollouts.
  public init(_ indices: [Int], rollouts: Int) { (self.indices, self.rollouts) = (indices, rollouts) }
}

/// A step that has fewer groups than it should, after a stage dropped some and asks for more.
public struct LackingGroups: Sendable, Hashable {
  /// The groups of a whole step.
  public var full: Int
  /// The groups that the step has left.
  public var left: Int
  /// The prompts that it took for them.
  public var taken: Int

  /// Describes a step.
  public init(full: Int, left: Int, taken: Int) {
    (self.full, self.left, self.taken) = (full, left, taken)
  }

  /// The groups that are missing.
  public var missing: Int { max(0, full - left) }
}
