// SPDX-License-Identifier: Apache-2.0

/// A kind of policy that a spec can name: it knows how to open one.
///
/// Making it must neither read files nor take long: `check` makes it to look at what it offers.
public protocol PolicyBackend: Component {
  /// What its policies can do; a stage that needs more is refused when the spec is checked.
  ///
  /// ``opened(_:)`` checks that it keeps to this.
  var offers: Set<PolicyAbility> { get }

  /// Files that say which model it is, in a fixed order, as paths from the working folder.
  ///
  /// They are part of what a run was started with: a resume against others is refused.
  /// - Parameter folder: The folder that relative paths of options start from.
  func files(in folder: String) -> [String]

  /// What of this machine its numbers depend on beside its files, such as its kernels, under names in snake_case.
  ///
  /// It is part of what a run was started with: a resume on another kind of machine is refused unless it is allowed.
  var machine: [String: String] { get }

  /// The most tokens that prompt and response may have together, if the model's files say so without being opened; nil where
  /// nobody knows.
  ///
  /// - Parameter folder: The folder that relative paths of options start from.
  func contextLength(in folder: String) -> Int?

  /// The memory that its policies take, estimated without loading weights; nil where nobody knows.
  ///
  /// - Parameters:
  ///   - needs: The abilities that a run uses; without ``PolicyAbility/training`` the policy does not learn.
  ///   - sampling: What it samples at a time, one load after the other.
  ///   - folder: The folder that relative paths of options start from.
  func memory(for needs: Set<PolicyAbility>, sampling: [SamplingLoad], in folder: String) -> PolicyMemory?

  /// Opens the policy, with its abilities for the purpose.
  ///
  /// - Throws: What is wrong with the model or its surroundings, and what to do.
  func open(_ opening: PolicyOpening) async throws -> Policy
}

extension PolicyBackend {
  /// None.
  public func files(in folder: String) -> [String] { [] }

  /// Nothing that is known.
  public var machine: [String: String] { [:] }

  /// Not known.
  public func contextLength(in folder: String) -> Int? { nil }

  /// Not known.
  public func memory(for needs: Set<PolicyAbility>, sampling: [SamplingLoad], in folder: String) -> PolicyMemory? {
    nil
  }

  /// Opens the policy, and checks that it has the abilities that the backend offers.
  ///
  /// A policy that is opened for inference need not be trainable. A reference is not checked, because a run may open a second
  /// policy for it.
  /// - Throws: What ``open(_:)`` throws; an error about the backend.
  public func opened(_ opening: PolicyOpening) async throws -> Policy {
    let policy = try await open(opening)
    let owed = offers.subtracting(opening.purpose == .training ? [.reference] : [.reference, .training, .entropy])
    let missing = owed.subtracting(policy.abilities).map(\.rawValue).sorted()
    guard missing.isEmpty else {
      await policy.close()
      throw PipelineError(
        .plugIn,
        "the policy '\(Self.name)' offers \(missing.joined(separator: " and ")), and what it opened has no such ability, or no "
          + "codec to go with it; this is a mistake in the plug-in")
    }
    return policy
  }
}

/// How a policy is to be opened.
public struct PolicyOpening: Sendable {
  /// What the policy is for.
  public enum Purpose: Sendable, Hashable {
    /// Responses and log-probabilities.
    case inference
    /// Gradients and steps as well.
    case training
  }

  /// What it is for.
  public var purpose: Purpose
  /// The folder that relative paths of options start from; empty for the working folder.
  public var folder: String
  /// A checkpoint that this policy's `save` wrote, to open in place of the model that the options name.
  public var checkpoint: String?
  /// The most threads to use.
  public var threads: Int
  /// A folder for what is to outlive a run that is killed, such as answers that were paid for; nil where there is none.
  public var cacheFolder: String?
  /// Which images records may name.
  public var media: MediaAccess
  /// Hears what is waited for, in a few words for the person who waits.
  public var progressed: @Sendable (_ activity: String) -> Void

  /// Describes an opening.
  public init(
    purpose: Purpose, folder: String = "", checkpoint: String? = nil, threads: Int = 1, cacheFolder: String? = nil,
    media: MediaAccess = MediaAccess(), progressed: @escaping @Sendable (_ activity: String) -> Void = { _ in }
  ) {
    self.purpose = purpose
    self.folder = folder
    self.checkpoint = checkpoint
    self.threads = threads
    self.cacheFolder = cacheFolder
    self.media = media
    self.progressed = progressed
  }
}
