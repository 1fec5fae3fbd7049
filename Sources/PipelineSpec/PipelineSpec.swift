// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

/// A pipeline as the user wrote it; ``AssembledPipeline`` is what a run uses.
public struct PipelineSpec: ComponentOptions {
  /// Where editors find the schema of specs; means nothing to a run.
  public var schema = ""
  /// What to call the pipeline.
  public var name = ""
  /// What it is for.
  public var description = ""
  /// The seed of all random draws.
  public var seed: UInt64 = 1
  /// Shared libraries whose components the spec names.
  public var plugins: [SpecPath] = []
  /// The policy that stages work with; named nowhere for a pipeline without one.
  public var policy = ComponentReference("")
  /// Where trajectories come from.
  public var source = SourceOptions()
  /// The stages, in the order in which batches pass them.
  public var stages: [StageEntry] = []
  /// How long the policy is trained, what is saved and evaluated on the way.
  public var training = TrainingOptions()
  /// Where the results go.
  public var output = OutputOptions()
  /// What a run wrote down about itself; means nothing to the next one.
  public var provenance = OptionTree.empty

  private enum CodingKeys: String, CodingKey {
    case schema = "$schema"
    case name, description, seed, plugins, policy, source, stages, training, output, provenance
  }

  /// One line on each option.
  public static let help = [
    "$schema": "The JSON Schema of specs, for editors",
    "name": "What to call the pipeline",
    "description": "What the pipeline is for",
    "seed": "The seed of all random draws; same spec, seed and inputs give the same bytes",
    "plugins": "Shared libraries with components that this spec names, such as ./libMyReward.so",
    "policy": "The policy that stages such as rollout and update work with",
    "source": "Where trajectories come from",
    "stages": "The stages, in the order in which batches pass them",
    "training": "How long the policy is trained, what is saved and evaluated on the way",
    "output": "Where the results go",
    "provenance": "Written by a run into its resolved.json: the program's version and what the inputs were; ignored",
  ]

  /// What is named where.
  public static let componentKinds: [String: ComponentKind] = ["stages": .stage, "policy": .policy]

  /// A spec without stages.
  public init() {}

  /// A pipeline needs stages, and a policy learns from the first batch on.
  public func problems() -> [OptionProblem] {
    var problems: [OptionProblem] = []
    if source.firstBatch > 0, !policy.use.isEmpty {
      problems.append(
        OptionProblem(
          "source.first_batch", "is \(source.firstBatch), but a policy learns from the first batch on; leave it at 0"))
    }
    if stages.isEmpty {
      problems.append(OptionProblem("stages", "is empty, it must name at least one stage"))
    }
    return problems
  }
}

/// A stage in a spec: its bare name, or a table of `use`, `name` and `with`.
public struct StageEntry: ComponentOptions {
  /// The registered stage and its options.
  public var reference: ComponentReference
  /// What the stage is called in the run; empty where the spec does not say.
  public var name: String

  private enum CodingKeys: String, CodingKey { case use, name, with }

  /// One line on each option.
  public static let help = [
    "use": "The registered name of the stage",
    "name": "What to call the stage in this run; 'use' where absent",
    "with": "The stage's options",
  ]

  /// What the stage is called in the run: taps, lineage and random draws go by this name.
  public var runName: String { name.isEmpty ? reference.use : name }

  /// An entry that names no stage yet.
  public init() { self.init(ComponentReference("")) }

  /// Uses a stage.
  public init(_ reference: ComponentReference, name: String = "") {
    self.reference = reference
    self.name = name
  }

  /// Reads a bare name or a table.
  public init(from decoder: any Decoder) throws {
    reference = try ComponentReference(from: decoder)
    name = ""
    if let keyed = try? decoder.container(keyedBy: CodingKeys.self) {
      name = try keyed.decodeIfPresent(String.self, forKey: .name) ?? ""
    }
  }

  /// Writes a table.
  public func encode(to encoder: any Encoder) throws {
    var keyed = encoder.container(keyedBy: CodingKeys.self)
    try keyed.encode(reference.use, forKey: .use)
    try keyed.encode(name, forKey: .name)
    try keyed.encode(reference.with, forKey: .with)
  }

  /// A stage is named by words that fit in a file name and on the command line.
  public func problems() -> [OptionProblem] {
    if reference.use.isEmpty { return [OptionProblem("use", "is missing; name a stage")] }
    let fits = name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
    if !fits || Int(name) != nil {
      return [
        OptionProblem(
          "name", "is \"\(name)\", it must be a word of letters, digits, '-' and '_', not a number")
      ]
    }
    return []
  }
}
