// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// What a run provides to stages that work with its policy.
public struct TrainingContext: Sendable {
  /// The policy that is sampled from and updated, with the abilities that the stage needs; nil if the spec names none.
  ///
  /// ``sampler``, ``codec``, ``logProbs``, ``trainable`` and ``reference`` are its abilities, or say what is missing.
  public let policy: Policy?
  /// The number of updates so far.
  public let policyVersion: Int
  /// What the stage remembers from step to step; saved in checkpoints.
  public let memory: StageMemory
  /// How many steps the whole run has; nil where nobody can tell, such as over saved rollouts that are read as they come.
  public let plannedSteps: Int?
  private let onProgress: @Sendable (String, Double?) -> Void

  /// A context, by default without a policy.
  ///
  /// - Parameter onProgress: Is told how far a stage has come: what it does, and the share done.
  public init(
    policy: Policy? = nil, policyVersion: Int = 0, memory: StageMemory = StageMemory(), plannedSteps: Int? = nil,
    onProgress: @escaping @Sendable (String, Double?) -> Void = { _, _ in }
  ) {
    self.policy = policy
    self.policyVersion = policyVersion
    self.memory = memory
    self.plannedSteps = plannedSteps
    self.onProgress = onProgress
  }

  /// The same, with progress that nobody sees.
  var unobserved: TrainingContext {
    TrainingContext(policy: policy, policyVersion: policyVersion, memory: memory, plannedSteps: plannedSteps)
  }

  /// Reports how far the stage has come, for display.
  public func progressed(_ activity: String, share: Double?) { onProgress(activity, share) }
}

/// The abilities of the policy, for stages that need them.
extension TrainingContext {
  /// Samples responses; for stages that need ``PolicyAbility/generation``.
  public var sampler: any ResponseSampler { get throws { try required(.generation, \.sampler) } }

  /// Converts prompts and responses to tokens and back; for stages that need anything but
  /// ``PolicyAbility/generation``.
  public var codec: any TokenCodec { get throws { try required(.logProbs, \.codec) } }

  /// Computes the policy's log-probabilities; for stages that need ``PolicyAbility/logProbs``.
  public var logProbs: any LogProbSource { get throws { try required(.logProbs, \.logProbs) } }

  /// Computes gradients and updates the weights; for stages that need ``PolicyAbility/training``.
  public var trainable: any TrainablePolicy { get throws { try required(.training, \.trainable) } }

  /// Trains with gradients of entropies too; for stages that need ``PolicyAbility/entropy``.
  public var entropyTrainable: any EntropyTrainablePolicy {
    get throws { try required(.entropy, \.entropyTrainable) }
  }

  /// Computes entropies of given responses; for stages that need ``PolicyAbility/entropies``.
  public var entropies: any EntropySource { get throws { try required(.entropies, \.entropies) } }

  /// Changes images before it looks at them; for stages that need ``PolicyAbility/imageChanges``.
  public var imageChanging: any ImageChangingPolicy { get throws { try required(.imageChanges, \.imageChanging) } }

  /// Computes log-probabilities under the initial weights of the run; for stages that need
  /// ``PolicyAbility/reference``.
  public var reference: any LogProbSource { get throws { try required(.reference, \.reference) } }

  private func required<Ability>(_ name: PolicyAbility, _ ability: KeyPath<Policy, Ability?>) throws -> Ability {
    guard let policy else {
      throw PipelineError(.invalidSpec, "it needs a policy; run it from a spec that names one")
    }
    return try policy.required(name, ability)
  }
}

/// What a stage remembers from step to step, such as the coefficient of a controller.
///
/// It is saved with every checkpoint and restored by a resume.
public final class StageMemory: Sendable {
  private let state: Mutex<JSONValue?>
  private let made = Mutex<(any Sendable)?>(nil)

  /// A memory, empty by default.
  public init(_ value: JSONValue? = nil) { state = Mutex(value) }

  /// What the stage has made of ``value`` and does not want to make again for each batch.
  ///
  /// It is not saved: a process that goes on with a run has none at first.
  public var derived: (any Sendable)? {
    get { made.withLock { $0 } }
    set { made.withLock { $0 = newValue } }
  }

  /// What the stage stored; nil at first.
  public var value: JSONValue? {
    get { state.withLock { $0 } }
    set { state.withLock { $0 = newValue } }
  }
}
