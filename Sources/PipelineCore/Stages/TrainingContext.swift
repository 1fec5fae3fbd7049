// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// What a run provides to stages that work with its policy.
public struct TrainingContext: Sendable {
  /// The policy that is sampled from and updated; nil if the spec names none.
  public let policy: (any Policy)?
  /// The policy as it was at the start of the run; nil if no stage needs it.
  public let reference: (any Policy)?
  /// The number of updates so far.
  public let policyVersion: Int
  /// What the stage remembers from step to step; saved in checkpoints.
  public let memory: StageMemory
  private let onProgress: @Sendable (String, Double?) -> Void

  /// A context, by default without a policy.
  ///
  /// - Parameter onProgress: Is told how far a stage has come: what it does, and the share done.
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

  /// Reports how far the stage has come, for display.
  public func progressed(_ activity: String, share: Double?) { onProgress(activity, share) }
}

/// What a stage remembers from step to step, such as the coefficient of a controller.
///
/// It is saved with every checkpoint and restored by a resume.
public final class StageMemory: Sendable {
  private let state: Mutex<JSONValue?>

  /// A memory, empty by default.
  public init(_ value: JSONValue? = nil) { state = Mutex(value) }

  /// What the stage stored; nil at first.
  public var value: JSONValue? {
    get { state.withLock { $0 } }
    set { state.withLock { $0 = newValue } }
  }
}
