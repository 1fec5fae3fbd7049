// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// A checked pipeline with its stages, ready for a run.
package struct AssembledPipeline: Sendable {
  /// A stage of the pipeline.
  package struct NamedStage: Sendable {
    /// The stage's name in this run; unique.
    package let name: String
    /// The stage.
    package let stage: any Stage
    /// Where the spec names it.
    package let location: SourceLocation

    /// The stage's registered name.
    package var use: String { type(of: stage).name }
  }

  /// The spec's file, as the user named it.
  package let file: String
  /// The pipeline's name; empty if the spec has none.
  package let name: String
  /// The pipeline's purpose; empty if the spec does not state one.
  package let description: String
  /// The seed of all random draws.
  package let seed: UInt64
  /// The policy's backend; nil if the spec names none.
  package let policy: (any PolicyBackend)?
  /// Where trajectories come from.
  package let source: SourceOptions
  /// What chooses the prompts of each step; nil if the spec names nothing.
  package let sampler: (any PromptSampler)?
  /// The stages, in the order in which batches pass them.
  package let stages: [NamedStage]
  /// How long the policy is trained, and what is saved and evaluated during training.
  package let training: TrainingOptions
  /// Where the results go.
  package let output: OutputOptions
  /// The spec with every default filled in; it is itself a spec of the same pipeline.
  ///
  /// Paths are unchanged.
  package let resolved: JSONValue
  let resolve: @Sendable (_ paths: (@Sendable (SpecPath) -> String)?) throws -> JSONValue

  /// The resolved spec with other paths in it.
  ///
  /// - Parameter rebase: Converts the paths of this spec.
  package func resolved(writing rebase: @escaping @Sendable (SpecPath) -> String) throws -> JSONValue {
    try resolve(rebase)
  }

  /// What the stages need from the policy.
  package var needs: Set<PolicyAbility> { stages.reduce(into: []) { $0.formUnion($1.stage.needs) } }

  /// The folder that paths with ``SpecPath/Base/specFolder`` are relative to; empty for the working folder.
  package var folder: String { Self.folder(of: file) }

  /// The folder of a file, as the user named it; empty for the working folder.
  package static func folder(of file: String) -> String {
    guard let slash = file.lastIndex(of: "/") else { return "" }
    return slash == file.startIndex ? "/" : String(file[..<slash])
  }
}
