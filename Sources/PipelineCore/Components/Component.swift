// SPDX-License-Identifier: Apache-2.0

/// Anything that a spec can name with `use` and configure with `with`.
public protocol Component: Sendable {
  /// The options.
  associatedtype Options: ComponentOptions

  /// The description of this component.
  static var about: ComponentAbout { get }

  /// Makes the component.
  ///
  /// - Parameters:
  ///   - options: Decoded and free of ``ComponentOptions/allProblems()``.
  ///   - assembly: Makes the components that this one consists of.
  init(options: Options, assembly: Assembly) throws
}

extension Component {
  /// The registered name, in kebab-case: `pairwise-sample`.
  public static var name: String { about.name }

  /// Other names that a spec may use.
  public static var aliases: [String] { about.aliases }

  /// One sentence on it.
  public static var summary: String { about.summary }
}

/// The kinds of component that a registry holds.
public enum ComponentKind: String, Sendable, CaseIterable {
  /// A ``Stage``.
  case stage
  /// A ``RewardFunction``.
  case reward
  /// An ``AdvantageEstimator``.
  case advantage
  /// A ``PolicyLoss``.
  case loss
  /// A ``PolicyBackend``.
  case policy
  /// A ``PromptSampler``.
  case sampler
  /// A ``WavePolicy``.
  case waves
  /// A ``ReplayStore``.
  case store

  /// The plural for headings and messages.
  public var plural: String {
    switch self {
    case .stage: "stages"
    case .reward: "reward functions"
    case .advantage: "advantage estimators"
    case .loss: "losses"
    case .policy: "policies"
    case .sampler: "samplers of prompts"
    case .waves: "wave policies"
    case .store: "replay stores"
    }
  }
}

/// Reads a component's options from a spec's tree; PipelineSpec has the implementation.
public protocol OptionsReader: Sendable {
  /// Lays the tree over the defaults, refuses unknown keys, decodes and validates.
  ///
  /// - Throws: ``PipelineErrors`` with the place of each fault.
  func read<Options: ComponentOptions>(_ type: Options.Type, from tree: OptionTree) throws -> Options
}

/// Makes components by name while a pipeline is assembled.
public struct Assembly: Sendable {
  /// The components that can be named.
  public let registry: Registry
  /// The folder that relative paths of options start from, as passed to ``SpecPath/resolved(in:)``; empty for the
  /// working folder.
  public let folder: String
  private let reader: any OptionsReader

  /// An assembly over a registry.
  public init(registry: Registry, reader: any OptionsReader, folder: String = "") {
    self.registry = registry
    self.folder = folder
    self.reader = reader
  }

  /// Makes a stage.
  public func stage(_ reference: ComponentReference) throws -> any Stage {
    func open<S: Stage>(_ type: S.Type) throws -> any Stage { try component(type, reference) }
    return try open(registry.stage(reference.use, at: reference.location))
  }

  /// Makes a reward function.
  public func reward(_ reference: ComponentReference) throws -> any RewardFunction {
    func open<R: RewardFunction>(_ type: R.Type) throws -> any RewardFunction { try component(type, reference) }
    return try open(registry.reward(reference.use, at: reference.location))
  }

  /// Makes an advantage estimator.
  public func advantage(_ reference: ComponentReference) throws -> any AdvantageEstimator {
    func open<A: AdvantageEstimator>(_ type: A.Type) throws -> any AdvantageEstimator {
      try component(type, reference)
    }
    return try open(registry.advantage(reference.use, at: reference.location))
  }

  /// Makes a loss.
  public func loss(_ reference: ComponentReference) throws -> any PolicyLoss {
    func open<L: PolicyLoss>(_ type: L.Type) throws -> any PolicyLoss { try component(type, reference) }
    return try open(registry.loss(reference.use, at: reference.location))
  }

  /// Makes a policy's backend, without opening a model.
  public func policy(_ reference: ComponentReference) throws -> any PolicyBackend {
    func open<P: PolicyBackend>(_ type: P.Type) throws -> any PolicyBackend { try component(type, reference) }
    return try open(registry.policy(reference.use, at: reference.location))
  }

  /// Makes a sampler of prompts.
  public func sampler(_ reference: ComponentReference) throws -> any PromptSampler {
    func open<S: PromptSampler>(_ type: S.Type) throws -> any PromptSampler { try component(type, reference) }
    return try open(registry.sampler(reference.use, at: reference.location))
  }

  /// Makes a wave policy.
  public func waves(_ reference: ComponentReference) throws -> any WavePolicy {
    func open<W: WavePolicy>(_ type: W.Type) throws -> any WavePolicy { try component(type, reference) }
    return try open(registry.waves(reference.use, at: reference.location))
  }

  /// Makes a store of trajectories.
  public func store(_ reference: ComponentReference) throws -> any ReplayStore {
    func open<S: ReplayStore>(_ type: S.Type) throws -> any ReplayStore { try component(type, reference) }
    return try open(registry.store(reference.use, at: reference.location))
  }

  private func component<C: Component>(_ type: C.Type, _ reference: ComponentReference) throws -> C {
    let options = try reader.read(C.Options.self, from: reference.with)
    do {
      return try C(options: options, assembly: self)
    } catch let error as PipelineError where error.location == nil {
      throw PipelineError(error.code, error.message, at: reference.location)
    }
  }
}
