// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// A pipeline as the user wrote it; a run uses ``AssembledPipeline``.
package struct PipelineSpec: ComponentOptions {
  /// The schema of specs, for editors; ignored by a run.
  package var schema = ""
  /// The pipeline's name.
  package var name = ""
  /// Its purpose.
  package var description = ""
  /// The publication that it follows; ignored by a run.
  package var paper = PaperNote()
  /// The seed of all random draws.
  package var seed: UInt64 = 1
  /// Shared libraries whose components the spec names.
  package var plugins: [SpecPath] = []
  /// The policy that stages work with; without a name for a pipeline without one.
  package var policy = ComponentReference("")
  /// Where trajectories come from.
  package var source = SourceOptions()
  /// The stages, in the order in which batches pass them.
  package var stages: [StageEntry] = []
  /// How long the policy is trained, and what is saved and evaluated during training.
  package var training = TrainingOptions()
  /// Where the results go.
  package var output = OutputOptions()
  /// What a run recorded about itself; ignored by the next one.
  package var provenance = OptionTree.empty

  private enum CodingKeys: String, CodingKey {
    case schema = "$schema"
    case name, description, paper, seed, plugins, policy, source, stages, training, output, provenance
  }

  /// One line for each option.
  package static let help = [
    "$schema": "The JSON Schema of specs, for editors",
    "name": "The name of the pipeline",
    "description": "The purpose of the pipeline",
    "paper": "The publication that it follows; ignored by a run",
    "seed": "The seed of all random draws; same spec, seed and inputs give the same bytes",
    "plugins": "Shared libraries with components that this spec names, such as ./libMyReward.so",
    "policy": "The policy that stages such as rollout and update work with",
    "source": "Where trajectories come from",
    "stages": "The stages, in the order in which batches pass them",
    "training": "How long the policy is trained, and what is saved and evaluated during training",
    "output": "Where the results go",
    "provenance": "Written by a run into its resolved.json: the program's version and the inputs; ignored",
  ]

  /// Which options name components of which kind.
  package static let componentKinds: [String: ComponentKind] = ["stages": .stage, "policy": .policy]

  /// A spec without stages.
  package init() {}

  /// A pipeline needs stages, and a policy is trained from the first batch on.
  package func problems() -> [OptionProblem] {
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
package struct StageEntry: ComponentOptions {
  /// The registered stage and its options.
  package var reference: ComponentReference
  /// The stage's name in the run; empty if the spec does not state one.
  package var name: String

  private enum CodingKeys: String, CodingKey { case use, name, with }

  /// One line for each option.
  package static let help = [
    "use": "The registered name of the stage",
    "name": "The name of the stage in this run; 'use' if absent",
    "with": "The stage's options",
  ]

  /// The stage's name in the run, used by taps, lineage and random draws.
  package var runName: String { name.isEmpty ? reference.use : name }

  /// An entry without a stage yet.
  package init() { self.init(ComponentReference("")) }

  /// Uses a stage.
  package init(_ reference: ComponentReference, name: String = "") {
    self.reference = reference
    self.name = name
  }

  /// Reads a bare name or a table.
  package init(from decoder: any Decoder) throws {
    reference = try ComponentReference(from: decoder)
    name = ""
    if let keyed = try? decoder.container(keyedBy: CodingKeys.self) {
      name = try keyed.decodeIfPresent(String.self, forKey: .name) ?? ""
    }
  }

  /// Writes a table.
  package func encode(to encoder: any Encoder) throws {
    var keyed = encoder.container(keyedBy: CodingKeys.self)
    try keyed.encode(reference.use, forKey: .use)
    try keyed.encode(name, forKey: .name)
    try keyed.encode(reference.with, forKey: .with)
  }

  /// A stage's name must be usable in file names and on the command line.
  package func problems() -> [OptionProblem] {
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
