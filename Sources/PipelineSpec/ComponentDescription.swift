// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// The facts about a registered component, for `describe` and the schema.
package struct ComponentDescription: Sendable {
  /// Its kind.
  package let kind: ComponentKind
  /// The description of this component.
  package let about: ComponentAbout
  /// Its options, in the order of their declaration.
  package let options: [OptionDescription]
  /// The fields that its trajectories must carry, with default options; nil if it cannot be made with those.
  package let reads: [Field]?
  /// The fields that a stage or a wave policy adds to trajectories, with default options; nil for other kinds.
  package let writes: [Field]?
  /// What a stage needs from the policy, with default options; nil for other kinds.
  package let needs: [PolicyAbility]?

  /// Describes a component.
  ///
  /// - Throws: ``PipelineError`` when the name is unknown, with the nearest one.
  package init(_ kind: ComponentKind, _ name: String, in registry: Registry) throws {
    let type: any Component.Type =
      switch kind {
      case .stage: try registry.stage(name)
      case .reward: try registry.reward(name)
      case .advantage: try registry.advantage(name)
      case .loss: try registry.loss(name)
      case .policy: try registry.policy(name)
      case .sampler: try registry.sampler(name)
      case .waves: try registry.waves(name)
      }
    func open<C: Component>(_ type: C.Type) -> (options: [OptionDescription], instance: C?) {
      let assembly = Assembly(registry: registry, reader: SpecOptionsReader())
      let options = C.Options()
      // An initialiser may rely on options without problems.
      let instance = (try? options.allProblems().isEmpty) == true ? try? C(options: options, assembly: assembly) : nil
      return (OptionProbe(registry: registry).options(of: C.Options.self), instance)
    }
    let (options, instance): ([OptionDescription], (any Component)?) = open(type)
    self.kind = kind
    self.about = type.about
    self.options = options
    let reads: Set<Field>? =
      switch instance {
      case let stage as any Stage: stage.reads
      case let reward as any RewardFunction: reward.reads
      case let estimator as any AdvantageEstimator: estimator.reads.union([.reward])
      case let loss as any PolicyLoss: loss.reads
      case let sampler as any PromptSampler: sampler.reads
      default: nil
      }
    self.reads = reads.map(StageChain.ordered)
    self.writes = ((instance as? any Stage)?.writes ?? (instance as? any WavePolicy)?.writes).map(StageChain.ordered)
    self.needs = (instance as? any Stage).map { stage in PolicyAbility.allCases.filter(stage.needs.contains) }
  }

  /// Its registered name.
  package var name: String { about.name }

  /// Its metrics, under their names in `metrics.jsonl` if the spec does not rename the stage.
  package var metrics: [MetricAbout] { about.runMetrics }

  /// The description as JSON.
  package var json: JSONValue {
    func list(_ fields: [Field]) -> JSONValue { .array(fields.map { .string($0.rawValue) }) }
    var members = [
      JSONValue.Member("kind", .string(kind.rawValue)), JSONValue.Member("name", .string(name)),
      JSONValue.Member("summary", .string(about.summary)),
      JSONValue.Member("stability", .string(about.stability.rawValue)),
    ]
    if !about.aliases.isEmpty {
      members.append(JSONValue.Member("aliases", .array(about.aliases.map { .string($0) })))
    }
    if !about.papers.isEmpty { members.append(JSONValue.Member("papers", .array(about.papers.map(\.json)))) }
    if let reads { members.append(JSONValue.Member("reads", list(reads))) }
    if let writes { members.append(JSONValue.Member("writes", list(writes))) }
    if let needs { members.append(JSONValue.Member("needs", .array(needs.map { .string($0.rawValue) }))) }
    members.append(JSONValue.Member("options", .array(options.map(\.json))))
    if !about.rules.isEmpty { members.append(JSONValue.Member("rules", .array(about.rules.map(\.json)))) }
    if !metrics.isEmpty { members.append(JSONValue.Member("metrics", .array(metrics.map(\.json)))) }
    return .object(members)
  }
}

extension Paper {
  fileprivate var json: JSONValue { ["title": .string(title), "link": .string(link)] }
}

extension DropRule {
  fileprivate var json: JSONValue { ["name": .string(name), "because": .string(reason)] }
}

extension MetricAbout {
  /// The metric's description as JSON.
  package var json: JSONValue {
    [
      "name": .string(name), "unit": .string(unit), "meaning": .string(meaning),
      "combining": .string(combining.rawValue),
    ]
  }
}
