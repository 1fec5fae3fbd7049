// SPDX-License-Identifier: Apache-2.0

/// An opened language model: its abilities, each of a type of its own, and nil for those that it lacks.
///
/// The bundled policy and the worker have all abilities; a model behind a server only samples responses.
public struct Policy: Sendable {
  /// Converts prompts and responses to tokens and back; nil for a policy that shows no tokens.
  public var codec: (any TokenCodec)?
  /// Samples responses to prompts.
  public var sampler: (any ResponseSampler)?
  /// Computes log-probabilities of given responses.
  public var logProbs: (any LogProbSource)?
  /// Computes gradients and updates the weights; nil for a policy that is opened for inference.
  public var trainable: (any TrainablePolicy)?
  /// Trains with gradients of entropies too; nil for a policy that does not give them.
  public var entropyTrainable: (any EntropyTrainablePolicy)?
  /// Computes entropies of given responses; nil for a policy that does not give them.
  public var entropies: (any EntropySource)?
  /// Itself, where it changes images as it is asked to; nil for a policy that does not.
  public var imageChanging: (any ImageChangingPolicy)?
  /// Computes log-probabilities of given responses under the initial weights of the run.
  ///
  /// A backend leaves it nil if its policies do not keep these weights; the run then opens a second policy for them.
  public var reference: (any LogProbSource)?
  /// What a person should know of it, in sentences, such as that its model is not among those that are tested.
  public var notes: [String] = []
  private let onClose: @Sendable () async -> Void

  /// A policy with some abilities.
  ///
  /// - Parameter onClose: Releases what the policy holds, such as a process that it started.
  public init(
    codec: (any TokenCodec)? = nil, sampler: (any ResponseSampler)? = nil, logProbs: (any LogProbSource)? = nil,
    trainable: (any TrainablePolicy)? = nil, reference: (any LogProbSource)? = nil,
    entropyTrainable: (any EntropyTrainablePolicy)? = nil, entropies: (any EntropySource)? = nil,
    imageChanging: (any ImageChangingPolicy)? = nil, onClose: @escaping @Sendable () async -> Void = {}
  ) {
    self.entropyTrainable = entropyTrainable
    self.entropies = entropies
    self.imageChanging = imageChanging
    (self.codec, self.sampler, self.logProbs) = (codec, sampler, logProbs)
    (self.trainable, self.reference, self.onClose) = (trainable, reference, onClose)
  }

  /// A policy that has all abilities but the reference, all of one model.
  public init<Model: TokenCodec & TokenGenerator & LogProbSource & TrainablePolicy>(
    _ model: Model, onClose: @escaping @Sendable () async -> Void = {}
  ) {
    self.init(
      codec: model, sampler: TokenResponseSampler(codec: model, generator: model), logProbs: model, trainable: model,
      entropyTrainable: model as? any EntropyTrainablePolicy, entropies: model as? any EntropySource,
      imageChanging: model as? any ImageChangingPolicy, onClose: onClose)
  }

  /// The abilities that it has.
  ///
  /// All but generation need a codec too, because records become tokens by it.
  public var abilities: Set<PolicyAbility> {
    var abilities: Set<PolicyAbility> = []
    if sampler != nil { abilities.insert(.generation) }
    if codec != nil, logProbs != nil { abilities.insert(.logProbs) }
    if codec != nil, trainable != nil { abilities.insert(.training) }
    if codec != nil, reference != nil { abilities.insert(.reference) }
    if codec != nil, entropyTrainable != nil { abilities.insert(.entropy) }
    if codec != nil, entropies != nil { abilities.insert(.entropies) }
    if imageChanging != nil { abilities.insert(.imageChanges) }
    return abilities
  }

  /// An ability that must be there: `try policy.required(.generation, \.sampler)`.
  ///
  /// - Throws: When the policy has no such ability.
  public func required<Ability>(_ name: PolicyAbility, _ ability: KeyPath<Policy, Ability?>) throws -> Ability {
    if let ability = self[keyPath: ability] { return ability }
    throw PipelineError(
      .invalidSpec,
      "it needs the policy's ability '\(name.rawValue)', and has a policy without; a stage names it in 'needs', and the spec "
        + "a policy that offers it")
  }

  /// The policy with no other abilities than these.
  public func limited(to abilities: Set<PolicyAbility>) -> Policy {
    var policy = Policy(
      codec: codec, sampler: abilities.contains(.generation) ? sampler : nil,
      logProbs: abilities.contains(.logProbs) ? logProbs : nil,
      trainable: abilities.contains(.training) ? trainable : nil,
      reference: abilities.contains(.reference) ? reference : nil,
      entropyTrainable: abilities.contains(.entropy) ? entropyTrainable : nil,
      entropies: abilities.contains(.entropies) ? entropies : nil,
      imageChanging: abilities.contains(.imageChanges) ? imageChanging : nil, onClose: onClose)
    policy.notes = notes
    return policy
  }

  /// Releases what it holds; called when it is no longer used.
  public func close() async { await onClose() }
}
