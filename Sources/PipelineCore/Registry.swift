// SPDX-License-Identifier: Apache-2.0

/// The components that specs can name.
///
/// A value: it is passed in, copied and extended, never shared.
public struct Registry: Sendable {
  private var stages: [String: any Stage.Type] = [:]
  private var rewards: [String: any RewardFunction.Type] = [:]
  private var advantages: [String: any AdvantageEstimator.Type] = [:]

  /// A registry without any component.
  public init() {}

  /// Adds a stage under its name.
  ///
  /// - Throws: When the name is taken or not in kebab-case.
  public mutating func register<S: Stage>(_ type: S.Type) throws {
    try insert(type, S.name, .stage, into: \.stages)
  }

  /// Adds a reward function under its name; see ``register(_:)-(S.Type)``.
  public mutating func register<R: RewardFunction>(_ type: R.Type) throws {
    try insert(type, R.name, .reward, into: \.rewards)
  }

  /// Adds an advantage estimator under its name; see ``register(_:)-(S.Type)``.
  public mutating func register<A: AdvantageEstimator>(_ type: A.Type) throws {
    try insert(type, A.name, .advantage, into: \.advantages)
  }

  /// The names of a kind, sorted.
  public func names(of kind: ComponentKind) -> [String] {
    switch kind {
    case .stage: stages.keys.sorted()
    case .reward: rewards.keys.sorted()
    case .advantage: advantages.keys.sorted()
    }
  }

  /// The type registered under a name, whatever its kind.
  public func component(_ kind: ComponentKind, _ name: String) -> (any Component.Type)? {
    switch kind {
    case .stage: stages[name]
    case .reward: rewards[name]
    case .advantage: advantages[name]
    }
  }

  /// The stage registered under a name.
  ///
  /// - Throws: An error that names the nearest match and all that is known.
  public func stage(_ name: String, at location: SourceLocation? = nil) throws -> any Stage.Type {
    guard let type = stages[name] else { throw unknown(name, .stage, location) }
    return type
  }

  /// The reward function registered under a name; see ``stage(_:at:)``.
  public func reward(_ name: String, at location: SourceLocation? = nil) throws -> any RewardFunction.Type {
    guard let type = rewards[name] else { throw unknown(name, .reward, location) }
    return type
  }

  /// The advantage estimator registered under a name; see ``stage(_:at:)``.
  public func advantage(
    _ name: String, at location: SourceLocation? = nil
  ) throws -> any AdvantageEstimator.Type {
    guard let type = advantages[name] else { throw unknown(name, .advantage, location) }
    return type
  }

  private mutating func insert<T>(
    _ type: T, _ name: String, _ kind: ComponentKind, into path: WritableKeyPath<Registry, [String: T]>
  ) throws {
    let isKebabCase =
      !name.isEmpty
      && name.split(separator: "-", omittingEmptySubsequences: false).allSatisfy { word in
        !word.isEmpty && word.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber) }
      }
    guard isKebabCase else {
      throw PipelineError(
        .registry, "cannot register the \(kind.rawValue) '\(name)': a name is kebab-case, such as 'my-reward'")
    }
    guard self[keyPath: path][name] == nil else {
      throw PipelineError(
        .registry, "the \(kind.rawValue) '\(name)' is registered already; give one of the two another name")
    }
    self[keyPath: path][name] = type
  }

  private func unknown(_ name: String, _ kind: ComponentKind, _ location: SourceLocation?) -> PipelineError {
    let known = names(of: kind)
    let hint = NearestName.suggestion(for: name, among: known).map { "; did you mean '\($0)'?" } ?? "."
    return PipelineError(
      .registry, "unknown \(kind.rawValue) '\(name)'\(hint) Known \(kind.plural): \(known.joined(separator: ", "))",
      at: location)
  }
}
