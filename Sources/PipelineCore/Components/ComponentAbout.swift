// SPDX-License-Identifier: Apache-2.0

/// What a component says of itself, once and for all who ask: `describe`, `why`, the schema, the reference.
///
/// It stands at the top of a component's file:
/// ```swift
/// public static let about = ComponentAbout(
///   name: "too-long", summary: "Drops trajectories whose response is too long",
///   rules: [DropRule("too-long", because: "its response is longer than 'characters' allows")],
///   metrics: [MetricAbout("response_length", unit: "characters", "mean length of the responses")])
/// ```
/// What depends on the options is said by the component itself: what it reads, writes and needs. The options are
/// described by ``ComponentOptions/help``.
public struct ComponentAbout: Sendable, Hashable {
  /// The registered name, in kebab-case: `pairwise-sample`.
  public var name: String
  /// One sentence, without a full stop at the end.
  public var summary: String
  /// Other names that a spec may use, such as those of other programs.
  public var aliases: [String]
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
    name: String, summary: String, aliases: [String] = [], papers: [Paper] = [], stability: Stability = .stable,
    rules: [DropRule] = [], metrics: [MetricAbout] = []
  ) {
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
    /// They stay as they are within a major version.
    case stable
    /// They may change with any version.
    case experimental
  }
}

/// A publication, or the code that a component follows.
public struct Paper: Sendable, Hashable {
  /// The title.
  public var title: String
  /// Where to read it.
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

/// A rule by which trajectories are dropped, and the sentence with which `why` explains it.
public struct DropRule: Sendable, Hashable {
  /// The rule in kebab-case, as lineage has it; with a placeholder such as `<rule>` where the name is known only in a run.
  public var name: String
  /// Why a trajectory is dropped, as it continues "dropped by the rule 'no-reward': …"; no full stop at the end.
  public var reason: String

  /// Describes a rule.
  public init(_ name: String, because reason: String) {
    self.name = name
    self.reason = reason
  }
}

/// What a figure in `metrics.jsonl` means.
public struct MetricAbout: Sendable, Hashable {
  /// The name as it is reported; parts such as `<part>` stand for what is known only in a run.
  public var name: String
  /// What is counted or measured: `trajectories`, `share`, `nats`.
  public var unit: String
  /// What the figure says, without a full stop at the end.
  public var meaning: String
  /// What the figures of several batches make together.
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
  /// Whether a name is one of those that a pattern stands for; each placeholder stands for one character or more.
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
  /// The rule of a name, or the one with a placeholder that stands for it.
  public func rule(_ name: String) -> DropRule? { rules.rule(name) }

  /// The figure of a name, or the one with placeholders that stands for it.
  public func metric(_ name: String) -> MetricAbout? {
    metrics.first { $0.name == name } ?? metrics.first { NamePattern.matches(name, $0.name) }
  }
}

extension [DropRule] {
  /// The rule of a name, or the one with a placeholder that stands for it.
  public func rule(_ name: String) -> DropRule? {
    first { $0.name == name } ?? first { NamePattern.matches(name, $0.name) }
  }
}
