// SPDX-License-Identifier: Apache-2.0

/// The options of a stage, a reward or another component: one struct gives defaults, error messages for
/// typing mistakes, the output of `describe` and the JSON Schema.
///
/// Every stored property has a default and is not optional; where "none" has a meaning, an enum case says so.
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
  /// For ``ComponentReference``s, lists of them, and tables with `use` and `with`; `describe` and the schema
  /// then list what can be named. What an option names by default need not be said here.
  static var componentKinds: [String: ComponentKind] { get }

  /// What is wrong with the values, one entry for each wrong option; empty when all is well.
  ///
  /// Options that these hold, one by one, in lists, in tables or in an enum's payload, say themselves what is wrong with
  /// them: ``allProblems()`` asks them, and says where they stand.
  func problems() -> [OptionProblem]
}

extension ComponentOptions {
  /// Only what defaults name.
  public static var componentKinds: [String: ComponentKind] { [:] }

  /// No limits on any option.
  public func problems() -> [OptionProblem] { [] }

  /// What is wrong with these options and with all that they hold at any depth, the innermost first.
  ///
  /// - Throws: What `encode(to:)` throws: options are found, and their paths are formed, as they are written.
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

  /// The problem of a number outside a range, or nil when it lies inside.
  public static func unless<Number: Comparable>(
    _ path: String, _ value: Number, in range: ClosedRange<Number>
  ) -> OptionProblem? {
    range.contains(value)
      ? nil
      : OptionProblem(path, "is \(value), it must lie in \(range.lowerBound)…\(range.upperBound)")
  }
}

/// The options of a component that has none.
public struct NoOptions: ComponentOptions {
  /// Nothing to describe.
  public static let help: [String: String] = [:]
  /// Nothing to set.
  public init() {}
}
