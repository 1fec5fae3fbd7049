// SPDX-License-Identifier: Apache-2.0

/// The options of a component: one struct gives defaults, error messages for mistyped names, the output of `describe`
/// and the JSON Schema.
///
/// Every stored property has a default and is not optional; an enum case stands for "none" where it has a meaning.
/// Property names are camelCase here and snake_case in a spec.
public protocol ComponentOptions: Codable, Sendable {
  /// The options with every default.
  init()

  /// What each option means, in one line, by its name in a spec. Every option has an entry.
  ///
  /// This is the one place for it: properties that no other package sets need no doc comment that says it again.
  static var help: [String: String] { get }

  /// Which options name components of which kind, by the option's name in a spec: `["functions": .reward]`.
  ///
  /// For ``ComponentReference``s, lists of them, and tables with `use` and `with`; `describe` and the schema then list
  /// what can be named. Components that an option names by default need not be listed here.
  static var componentKinds: [String: ComponentKind] { get }

  /// The problems of the values, one entry for each wrong option; empty if there are none.
  ///
  /// Nested options, single ones and those in lists, in tables or in an enum's payload, report their own problems:
  /// ``allProblems()`` collects them and adds their paths.
  func problems() -> [OptionProblem]

  /// The programs that a component with these options starts, as a person would write them; none by default.
  ///
  /// A run of a spec that names any asks whether the spec is trusted.
  func programs() -> [String]
}

extension ComponentOptions {
  /// Only the components that defaults name.
  public static var componentKinds: [String: ComponentKind] { [:] }

  /// No limits on any option.
  public func problems() -> [OptionProblem] { [] }

  /// None.
  public func programs() -> [String] { [] }

  /// The problems of these options and of all nested ones at any depth, the innermost first.
  ///
  /// - Throws: Errors of `encode(to:)`: options are found, and their paths are formed, by encoding them.
  public func allProblems() throws -> [OptionProblem] { try OptionsEncoder.problems(of: self) }
}

/// An option whose value cannot be used.
public struct OptionProblem: Sendable, Hashable {
  /// The option's path in the spec, for example `keep` or `functions.0.weight`.
  public let path: String
  /// What continues the sentence "'keep' …": `is 1.5, it must lie in 0…1`.
  public let message: String

  /// Describes a problem.
  public init(_ path: String, _ message: String) {
    self.path = path
    self.message = message
  }

  /// The problem of a number outside a range, or nil if it lies inside.
  public static func unless<Number: Comparable>(
    _ path: String, _ value: Number, in range: ClosedRange<Number>
  ) -> OptionProblem? {
    range.contains(value)
      ? nil
      : OptionProblem(path, "is \(value), it must lie in \(range.lowerBound)…\(range.upperBound)")
  }

  /// The problem of an option `score` that names none, or nil if it does.
  public static func unlessScore(_ name: String) -> OptionProblem? {
    name.isEmpty ? OptionProblem("score", "is empty, it must be 'reward' or the name of one of its parts") : nil
  }
}

/// The options of a component that has none.
public struct NoOptions: ComponentOptions {
  /// Nothing to describe.
  public static let help: [String: String] = [:]
  /// Nothing to set.
  public init() {}
}
