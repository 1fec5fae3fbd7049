// SPDX-License-Identifier: Apache-2.0

/// The components that specs can name.
///
/// A value: it is passed in, copied and extended, never shared.
public struct Registry: Sendable {
  private var components: [ComponentKind: [String: any Component.Type]] = [:]
  private var names: [ComponentKind: [String: String]] = [:]
  /// The libraries whose components are registered, by their real paths.
  package var plugIns: Set<String> = []

  /// A registry without any component.
  public init() {}

  /// Adds a stage under its name and its aliases.
  ///
  /// - Throws: When a name is already taken, or is not in kebab-case.
  public mutating func register<S: Stage>(_ type: S.Type) throws { try insert(type, .stage) }

  /// Adds a reward function under its name; see ``register(_:)-(S.Type)``.
  public mutating func register<R: RewardFunction>(_ type: R.Type) throws { try insert(type, .reward) }

  /// Adds an advantage estimator under its name; see ``register(_:)-(S.Type)``.
  public mutating func register<A: AdvantageEstimator>(_ type: A.Type) throws { try insert(type, .advantage) }

  /// Adds a loss under its name; see ``register(_:)-(S.Type)``.
  public mutating func register<L: PolicyLoss>(_ type: L.Type) throws { try insert(type, .loss) }

  /// Adds a policy's backend under its name; see ``register(_:)-(S.Type)``.
  public mutating func register<P: PolicyBackend>(_ type: P.Type) throws { try insert(type, .policy) }

  /// Adds a sampler of prompts under its name; see ``register(_:)-(S.Type)``.
  public mutating func register<P: PromptSampler>(_ type: P.Type) throws { try insert(type, .sampler) }

  /// Adds a wave policy under its name; see ``register(_:)-(S.Type)``.
  public mutating func register<W: WavePolicy>(_ type: W.Type) throws { try insert(type, .waves) }

  /// Adds a store of trajectories under its name; see ``register(_:)-(S.Type)``.
  public mutating func register<R: ReplayStore>(_ type: R.Type) throws { try insert(type, .store) }

  /// The names of a kind, sorted.
  public func names(of kind: ComponentKind) -> [String] { components[kind]?.keys.sorted() ?? [] }

  /// The type of any kind that is registered under a name or an alias.
  public func component(_ kind: ComponentKind, _ name: String) -> (any Component.Type)? {
    names[kind]?[name].flatMap { components[kind]?[$0] }
  }

  /// The stage registered under a name.
  ///
  /// - Throws: An error that names the nearest match and all known names.
  public func stage(_ name: String, at location: SourceLocation? = nil) throws -> any Stage.Type {
    guard let type = component(.stage, name) as? any Stage.Type else { throw unknown(name, .stage, location) }
    return type
  }

  /// The reward function registered under a name; see ``stage(_:at:)``.
  public func reward(_ name: String, at location: SourceLocation? = nil) throws -> any RewardFunction.Type {
    guard let type = component(.reward, name) as? any RewardFunction.Type else {
      throw unknown(name, .reward, location)
    }
    return type
  }

  /// The advantage estimator registered under a name; see ``stage(_:at:)``.
  public func advantage(_ name: String, at location: SourceLocation? = nil) throws -> any AdvantageEstimator.Type {
    guard let type = component(.advantage, name) as? any AdvantageEstimator.Type else {
      throw unknown(name, .advantage, location)
    }
    return type
  }

  /// The loss registered under a name; see ``stage(_:at:)``.
  public func loss(_ name: String, at location: SourceLocation? = nil) throws -> any PolicyLoss.Type {
    guard let type = component(.loss, name) as? any PolicyLoss.Type else { throw unknown(name, .loss, location) }
    return type
  }

  /// The policy's backend registered under a name; see ``stage(_:at:)``.
  public func policy(_ name: String, at location: SourceLocation? = nil) throws -> any PolicyBackend.Type {
    guard let type = component(.policy, name) as? any PolicyBackend.Type else {
      throw unknown(name, .policy, location)
    }
    return type
  }

  /// The sampler of prompts registered under a name; see ``stage(_:at:)``.
  public func sampler(_ name: String, at location: SourceLocation? = nil) throws -> any PromptSampler.Type {
    guard let type = component(.sampler, name) as? any PromptSampler.Type else {
      throw unknown(name, .sampler, location)
    }
    return type
  }

  /// The wave policy registered under a name; see ``stage(_:at:)``.
  public func waves(_ name: String, at location: SourceLocation? = nil) throws -> any WavePolicy.Type {
    guard let type = component(.waves, name) as? any WavePolicy.Type else { throw unknown(name, .waves, location) }
    return type
  }

  /// The store of trajectories registered under a name; see ``stage(_:at:)``.
  public func store(_ name: String, at location: SourceLocation? = nil) throws -> any ReplayStore.Type {
    guard let type = component(.store, name) as? any ReplayStore.Type else { throw unknown(name, .store, location) }
    return type
  }

  private mutating func insert<C: Component>(_ type: C.Type, _ kind: ComponentKind) throws {
    let name = C.name
    let isKebabCase =
      !name.isEmpty
      && name.split(separator: "-", omittingEmptySubsequences: false).allSatisfy { word in
        !word.isEmpty && word.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber) }
      }
    guard isKebabCase else {
      throw PipelineError(
        .registry, "cannot register the \(kind.rawValue) '\(name)': a name is kebab-case, such as 'my-reward'")
    }
    for word in [name] + C.aliases {
      guard names[kind]?[word] == nil else {
        throw PipelineError(
          .registry, "the \(kind.rawValue) '\(word)' is registered already; give one of the two another name")
      }
    }
    for word in [name] + C.aliases { names[kind, default: [:]][word] = name }
    components[kind, default: [:]][name] = type
  }

  private func unknown(_ name: String, _ kind: ComponentKind, _ location: SourceLocation?) -> PipelineError {
    let known = names(of: kind)
    // What other programs call by this name.
    let similar = known.filter { component(kind, $0)?.about.elsewhere.contains(name) == true }
    if !similar.isEmpty {
      return PipelineError(
        .registry,
        "unknown \(kind.rawValue) '\(name)'; what other trainers call so is \(similar.map { "'\($0)'" }.joined(separator: " or ")) "
          + "here", at: location)
    }
    let hint = NearestName.suggestion(for: name, among: known).map { "; did you mean '\($0)'?" } ?? "."
    return PipelineError(
      .registry, "unknown \(kind.rawValue) '\(name)'\(hint) Known \(kind.plural): \(known.joined(separator: ", "))",
      at: location)
  }
}
