// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// What a run lends to the stages that work with its policy.
public struct TrainingContext: Sendable {
  /// The policy that rollouts come from and updates go to; nil where the spec names none.
  public let policy: (any Policy)?
  /// The policy as it was when the run began; nil where no stage needs it.
  public let reference: (any Policy)?
  /// The number of updates behind the policy.
  public let policyVersion: Int
  /// What the stage keeps from step to step; a checkpoint holds it.
  public let memory: StageMemory
  private let onProgress: @Sendable (String, Double?) -> Void

  /// A context, by default without a policy.
  ///
  /// - Parameter onProgress: Hears how far a stage is: what it does, and the share done.
  public init(
    policy: (any Policy)? = nil, reference: (any Policy)? = nil, policyVersion: Int = 0,
    memory: StageMemory = StageMemory(), onProgress: @escaping @Sendable (String, Double?) -> Void = { _, _ in }
  ) {
    self.policy = policy
    self.reference = reference
    self.policyVersion = policyVersion
    self.memory = memory
    self.onProgress = onProgress
  }

  /// Says how far the stage is, for people to see.
  public func progressed(_ activity: String, share: Double?) { onProgress(activity, share) }
}

/// What a stage keeps from step to step, such as the coefficient of a controller.
///
/// It is saved with every checkpoint, and is there again after a resume.
public final class StageMemory: Sendable {
  private let state: Mutex<JSONValue?>

  /// A memory, by default empty.
  public init(_ value: JSONValue? = nil) { state = Mutex(value) }

  /// What the stage kept; nil at first.
  public var value: JSONValue? {
    get { state.withLock { $0 } }
    set { state.withLock { $0 = newValue } }
  }
}
