// SPDX-License-Identifier: Apache-2.0

/// The description of a component, used by `describe`, `why`, the schema and the reference.
///
/// It is at the top of a component's file:
/// ```swift
/// public static let about = ComponentAbout(
///   name: "too-long", summary: "Drops trajectories whose response is too long",
///   rules: [DropRule("too-long", because: "its response is longer than 'characters' allows")],
///   metrics: [MetricAbout("response_length", unit: "characters", "mean length of the responses")])
/// ```
/// The component itself states what depends on its options: what it reads, writes and needs. ``ComponentOptions/help``
/// describes the options.
public struct ComponentAbout: Sendable, Hashable {
  /// The registered name, in kebab-case: `pairwise-sample`.
  public var name: String
  /// One sentence, without a full stop at the end.
  public var summary: String
  /// Other names that a spec may use, such as those of other programs.
  public var aliases: [String]
  /// Names by which other programs call something alike; a spec may not use them, and an error about one says what to use.
  public var elsewhere: [String]
  /// Where the method was published.
  public var papers: [Paper]
  /// Whether names and results may still change.
  public var stability: Stability
  /// The rules by which a stage drops trajectories; `PipelineTesting` checks that it uses no others.
  public var rules: [DropRule]
  /// The figures that a stage reports; `PipelineTesting` checks that it reports no others.
  public var metrics: [MetricAbout]

  /// Describes a component.
  public init(
    name: String, summary: String, aliases: [String] = [], elsewhere: [String] = [], papers: [Paper] = [],
    stability: Stability = .stable, rules: [DropRule] = [], metrics: [MetricAbout] = []
  ) {
    self.elsewhere = elsewhere
    self.name = name
    self.summary = summary
    self.aliases = aliases
    self.papers = papers
    self.stability = stability
    self.rules = rules
    self.metrics = metrics
  }

  /// Whether a component's names, options and results may still change.
  public enum Stability: String, Sendable, Hashable, CaseIterable {
    /// They do not change within a major version.
    case stable
    /// They may change with any version.
    case experimental
  }
}

/// A publication, or the code that a component follows.
public struct Paper: Sendable, Hashable {
  /// The title.
  public var title: String
  /// The address where it can be read.
  public var link: String

  /// A publication at an address.
  public init(_ title: String, link: String) {
    self.title = title
    self.link = link
  }

  /// A paper on arXiv.
  ///
  /// - Parameter arXiv: Its number, `2508.05612`.
  public init(_ title: String, arXiv: String) { self.init(title, link: "https://arxiv.org/abs/" + arXiv) }
}

extension ComponentAbout {
  /// The figures under their names in `metrics.jsonl`, where the spec does not rename the component: `shuffle/units`.
  package var runMetrics: [MetricAbout] {
    metrics.map { metric in
      var metric = metric
      if !metric.name.contains("/") { metric.name = name + "/" + metric.name }
      return metric
    }
  }
}

/// A rule by which trajectories are dropped, and the sentence with which `why` explains it.
public struct DropRule: Sendable, Hashable {
  /// The rule in kebab-case, as in lineage; with a placeholder such as `<rule>` if the name is known only in a run.
  public var name: String
  /// Why a trajectory is dropped, as the continuation of "dropped by the rule 'no-reward': …"; no full stop at the end.
  public var reason: String

  /// Describes a rule.
  public init(_ name: String, because reason: String) {
    self.name = name
    self.reason = reason
  }
}

/// What a figure in `metrics.jsonl` means.
public struct MetricAbout: Sendable, Hashable {
  /// The name in reports; parts such as `<part>` stand for names that are known only in a run.
  public var name: String
  /// The unit: `trajectories`, `share`, `nats`.
  public var unit: String
  /// What the figure means, without a full stop at the end.
  public var meaning: String
  /// How the figures of several batches are combined.
  public var combining: StageReport.Combining

  /// Describes a figure.
  public init(_ name: String, unit: String, _ meaning: String, combining: StageReport.Combining = .mean) {
    self.name = name
    self.unit = unit
    self.meaning = meaning
    self.combining = combining
  }
}

/// A name with placeholders, such as `reward/<part>`.
public enum NamePattern {
  /// Whether a name matches a pattern; each placeholder stands for one or more characters.
  public static func matches(_ name: String, _ pattern: String) -> Bool {
    matches(Substring(name), Substring(pattern))
  }

  private static func matches(_ name: Substring, _ pattern: Substring) -> Bool {
    guard let open = pattern.firstIndex(of: "<"), let close = pattern[open...].firstIndex(of: ">") else {
      return name == pattern
    }
    let before = pattern[..<open]
    guard name.hasPrefix(before) else { return false }
    let rest = name.dropFirst(before.count)
    let after = pattern[pattern.index(after: close)...]
    return rest.indices.dropFirst().contains { matches(rest[$0...], after) } || (!rest.isEmpty && after.isEmpty)
  }
}

extension ComponentAbout {
  /// The rule with a name, or the one whose pattern matches it.
  public func rule(_ name: String) -> DropRule? { rules.rule(name) }

  /// The figure with a name, or the one whose pattern matches it.
  public func metric(_ name: String) -> MetricAbout? {
    metrics.first { $0.name == name } ?? metrics.first { NamePattern.matches(name, $0.name) }
  }
}

extension [DropRule] {
  /// The rule with a name, or the one whose pattern matches it.
  public func rule(_ name: String) -> DropRule? {
    first { $0.name == name } ?? first { NamePattern.matches(name, $0.name) }
  }
}
