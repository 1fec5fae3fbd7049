// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Checks a whole spec and makes its stages, without data and without a model.
///
/// All faults are found in one pass: unknown names, wrong options, and stages in an impossible order.
package struct PipelineChecker: Sendable {
  /// The components that can be named.
  package let registry: Registry
  /// The permitted values of `source.format`, in addition to `auto`.
  package let formats: [String]

  private let folder: String
  /// The plug-ins that the spec names and that were not loaded: names that nobody knows may be theirs.
  private let unloaded: [String]

  private var assembly: Assembly { Assembly(registry: registry, reader: SpecOptionsReader(), folder: folder) }

  /// A checker for specs that may name these components and formats.
  ///
  /// - Parameter folder: The folder of the spec; empty for the working folder.
  package init(registry: Registry, formats: [String], folder: String = "", unloaded: [String] = []) {
    self.unloaded = unloaded
    self.registry = registry
    self.formats = formats
    self.folder = folder
  }

  /// Checks a spec's tree and assembles the pipeline.
  ///
  /// - Throws: ``PipelineErrors``, sorted by place.
  package func check(
    _ tree: OptionTree, file: String, overrides: [SpecOverride] = []
  ) throws -> AssembledPipeline {
    guard tree.isTable else {
      let found = "a spec must be a table with 'source' and 'stages', found \(tree.kindDescription)"
      throw PipelineErrors([PipelineError(.invalidSpec, found, at: tree.location)])
    }
    var errors: [PipelineError] = []
    var tree = tree
    for override in overrides {
      do { tree = try override.applied(to: tree) } catch {
        errors += Self.pipelineErrors(error, at: nil, making: "")
      }
    }
    let reading = try SpecOptionsReader().read(PipelineSpec.self, from: tree, subject: "a spec")
    let spec = reading.options
    errors += reading.errors
    errors += formatErrors(spec.source.format, "source.format", at: tree.place(of: ["source", "format"]))
    errors += formatErrors(
      spec.training.evaluation.format, "training.evaluation.format",
      at: tree.place(of: ["training", "evaluation", "format"]))
    errors += nameErrors(spec.stages)

    var stages: [AssembledPipeline.NamedStage] = []
    var links: [StageChain.Link] = []
    for entry in spec.stages where !entry.reference.use.isEmpty {
      let location = entry.reference.location ?? tree.location
      let (stage, faults) = make(entry, at: location)
      errors += faults
      if let stage {
        stages.append(AssembledPipeline.NamedStage(name: entry.runName, stage: stage, location: location))
        links.append(.made(entry.runName, stage, location))
      } else {
        links.append(.broken(unloaded.isEmpty ? standIn(for: entry.reference.use) : nil))
      }
    }
    errors += StageChain(registry: registry, assembly: assembly).errors(links, source: spec.source)
    let (policy, faults) = makePolicy(spec.policy, at: tree.place(of: ["policy"]))
    errors += faults
    errors += needErrors(stages, policy: policy, spec: spec, tree: tree)
    let sampling = SamplingUse(assembly: assembly, spec: spec, tree: tree)
    let (sampler, samplerFaults) = sampling.sampler()
    errors += samplerFaults
    errors += sampling.waveErrors(stages) + sampling.replayErrors(stages)
    errors += sampling.probeErrors(sampler, stages.map(\.stage))
    if stages.count == spec.stages.count {
      let use = PolicyUse(stages: stages, policy: policy, spec: spec, tree: tree, folder: folder)
      errors += use.errors
    }
    let unknown = unloaded.isEmpty ? [] : errors.filter { $0.code == .registry }
    if !unknown.isEmpty { errors.removeAll { $0.code == .registry } }
    if !errors.isEmpty { throw PipelineErrors(errors.sortedByPlace()) }
    if !unknown.isEmpty { throw UnloadedPlugIns(libraries: unloaded) }

    let written = tree
    let resolve: @Sendable ((@Sendable (SpecPath) -> String)?) throws -> JSONValue = { [registry] paths in
      try ResolvedSpec(registry: registry, paths: paths).json(of: spec, written: written)
    }
    return AssembledPipeline(
      file: file, name: spec.name, description: spec.description, seed: spec.seed, policy: policy,
      source: spec.source, sampler: sampler, stages: stages, training: spec.training, output: spec.output,
      resolved: try resolve(nil), resolve: resolve)
  }

  private func makePolicy(
    _ reference: ComponentReference, at location: SourceLocation
  ) -> (policy: (any PolicyBackend)?, errors: [PipelineError]) {
    if reference.use.isEmpty { return (nil, []) }
    do { return (try assembly.policy(reference), []) } catch {
      return (nil, Self.pipelineErrors(error, at: reference.location ?? location, making: "policy"))
    }
  }

  /// What the stages need and the policy does not offer, and what a pipeline with a policy lacks.
  private func needErrors(
    _ stages: [AssembledPipeline.NamedStage], policy: (any PolicyBackend)?, spec: PipelineSpec, tree: OptionTree
  ) -> [PipelineError] {
    var errors: [PipelineError] = []
    for stage in stages where !stage.stage.needs.isEmpty {
      if spec.policy.use.isEmpty {
        errors.append(
          PipelineError(
            .invalidSpec,
            "stage '\(stage.name)' works with a policy, and the spec names none; add "
              + #""policy": {"use": "bundled", "with": {"model": "DIR"}}"#, at: stage.location))
      } else if let policy {
        let missing = stage.stage.needs.subtracting(policy.offers).map(\.rawValue).sorted()
        if !missing.isEmpty {
          errors.append(
            PipelineError(
              .invalidSpec,
              "stage '\(stage.name)' needs \(missing.joined(separator: " and ")), which the policy "
                + "'\(type(of: policy).name)' does not offer; " + Self.remedy(policy), at: stage.location))
        }
      }
    }
    let makesRollouts = stages.contains { $0.stage.needs.contains(.generation) }
    if spec.source.prompts.paths.isEmpty {
      for stage in stages where stage.stage.needs.contains(.generation) {
        errors.append(
          PipelineError(
            .invalidSpec,
            "stage '\(stage.name)' makes rollouts of prompts, but the source has saved rollouts; name 'prompts' in their "
              + "place, or leave the stage out", at: stage.location))
      }
    }
    for stage in stages {
      guard let refill = stage.stage.refill, refill.maxAttempts > 1, spec.source.prompts.paths.isEmpty || !makesRollouts
      else { continue }
      errors.append(
        PipelineError(
          .invalidSpec,
          "stage '\(stage.name)' asks for more rollouts, but nothing before it makes any; start from 'prompts' with a "
            + "rollout stage, or leave max_attempts at 1", at: stage.location))
    }
    if !spec.training.evaluation.prompts.paths.isEmpty, spec.policy.use.isEmpty {
      errors.append(
        PipelineError(
          .invalidSpec, "'training.evaluation' evaluates a policy, and the spec names none",
          at: tree.place(of: ["training", "evaluation"])))
    } else if !spec.training.evaluation.prompts.paths.isEmpty, let policy, !policy.offers.contains(.generation) {
      errors.append(
        PipelineError(
          .invalidSpec,
          "'training.evaluation' samples responses, which the policy '\(type(of: policy).name)' does not offer; name another "
            + "policy", at: tree.place(of: ["training", "evaluation"])))
    }
    return errors
  }

  private static func remedy(_ policy: any PolicyBackend) -> String {
    policy.offers == [.generation]
      ? "collect rollouts with this policy, and name them as 'rollouts' in the source of a spec with another one"
      : "name another policy"
  }

  /// Makes a stage; if its options are wrong, with defaults instead, to find further faults.
  private func make(
    _ entry: StageEntry, at location: SourceLocation
  ) -> (stage: (any Stage)?, errors: [PipelineError]) {
    func open<S: Stage>(_ type: S.Type) -> (stage: (any Stage)?, errors: [PipelineError]) {
      var errors: [PipelineError] = []
      do {
        let reading = try SpecOptionsReader().read(
          S.Options.self, from: entry.reference.with, subject: "'with'")
        errors = reading.errors
        guard reading.isUsable else { return (nil, errors) }
        return (try S(options: reading.options, assembly: assembly), errors)
      } catch {
        let faults = Self.pipelineErrors(error, at: location, making: entry.runName)
        // An error without a place may come from a default that replaces the user's value.
        return (nil, errors.isEmpty ? faults : errors + faults.filter { $0.code != .plugIn })
      }
    }
    do {
      return open(try registry.stage(entry.reference.use, at: location))
    } catch {
      return (nil, Self.pipelineErrors(error, at: location, making: entry.runName))
    }
  }

  private func formatErrors(_ format: String, _ key: String, at location: SourceLocation) -> [PipelineError] {
    let known = ["auto"] + formats
    if known.contains(format) { return [] }
    let message = "'\(key)': " + UnknownName.message("format", format, known: known, plural: "formats")
    return [PipelineError(.invalidSpec, message, at: location)]
  }

  private func nameErrors(_ entries: [StageEntry]) -> [PipelineError] {
    var seen: Set<String> = []
    return entries.compactMap { entry in
      let name = entry.runName
      if name.isEmpty || seen.insert(name).inserted { return nil }
      return PipelineError(
        .invalidSpec, "an earlier stage is named '\(name)' too; give one of them a \"name\" of its own",
        at: entry.reference.location)
    }
  }

  /// A substitute for a stage that cannot be made, so that later stages are not blamed for it: the stage with that name
  /// or the nearest one, with its defaults.
  private func standIn(for use: String) -> (any Stage)? {
    let names = registry.names(of: .stage)
    let name = names.contains(use) ? use : NearestName.suggestion(for: use, among: names)
    return name.flatMap { try? assembly.stage(ComponentReference($0)) }
  }

  static func pipelineErrors(
    _ error: any Error, at location: SourceLocation?, making stage: String
  ) -> [PipelineError] {
    switch error {
    case let error as PipelineError:
      [PipelineError(error.code, error.message, at: error.location ?? location)]
    case let several as PipelineErrors:
      several.errors.map { PipelineError($0.code, $0.message, at: $0.location ?? location) }
    default: [PipelineError(.plugIn, "stage '\(stage)' cannot be made: \(error)", at: location)]
    }
  }
}
