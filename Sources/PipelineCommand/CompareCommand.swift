// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import PipelineAnalysis
import PipelineCore
import PipelineIO
import PipelineRuntime
import PipelineSpec

/// `shuffle-r1 compare`.
struct CompareCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Compare what several specs would have trained on, given the same rollouts.",
    discussion: """
      The rollouts, and how they are divided into batches, come from --rollouts or else from the first spec's source. Each \
      spec contributes its stages, and the first one also the seed.

      It needs no model. With one, the policy gradients of all selections are compared too, at the model's weights: \
      their norms, and the cosine of the angle between each and that of the first spec.

        shuffle-r1 compare grpo.json dapo.json shuffle-r1.json --rollouts rollouts.jsonl
        shuffle-r1 compare grpo.json shuffle-r1.json --rollouts runs/a/rollouts.jsonl.zst --model runs/a/checkpoints/step-20
      """)

  @Argument(help: "Two or more specs.")
  var specs: [String]

  @Option(name: .customLong("rollouts"), help: ArgumentHelp("The rollouts, in any format.", valueName: "file"))
  var files: [String] = []

  @Option(parsing: .unconditional, help: ArgumentHelp("The seed for all specs.", valueName: "number"))
  var seed: UInt64?

  @Option(
    help: ArgumentHelp("Stop after more than n bad records. (default: as in the first spec)", valueName: "n"))
  var maxBadRecords: Int?

  @OptionGroup var model: GradientModelArguments
  @OptionGroup var trust: TrustFlag
  @OptionGroup var rollouts: RolloutArguments
  @OptionGroup var report: ReportOptions
  @OptionGroup var work: WorkOptions

  func validate() throws {
    if let maxBadRecords, maxBadRecords < 0 { throw ValidationError("--max-bad-records is below 0; give 0 or more") }
    if specs.count < 2 { throw ValidationError("name two specs or more; `run` runs a single one") }
  }

  func run() async throws {
    var pipelines: [AssembledPipeline] = []
    var errors: [PipelineError] = []
    for spec in specs {
      do {
        pipelines.append(
          try TrustedSpecs.load(spec, trusted: trust.isGiven, for: .running))
      } catch let error as PipelineErrors {
        errors += error.errors
      }
    }
    guard errors.isEmpty, let first = pipelines.first else { throw PipelineErrors(errors) }
    var options = try first.readerOptions(threads: work.threads)
    if !files.isEmpty { options.paths = files }
    if let maxBadRecords { options.maxBadRecords = maxBadRecords }
    try rollouts.apply(to: &options)
    let chains = zip(labels, pipelines).map { SelectionChain(label: $0, stages: $1.namedStages) }
    let policy = try await model.open(threads: work.threads, files: options.paths)
    let line = ProgressLine(quiet: work.quiet)
    defer { line.clear() }
    let comparison = try await withClosing({ await policy?.close() }) {
      try await SelectionComparison.read(
        options, chains: chains, seed: seed ?? first.seed, threads: work.threads, policy: policy
      ) { batches in
        if policy != nil { line.update("gradients of \(batches.of("batch"))", share: nil) }
      }
    }
    line.clear()
    try report.print(text: { comparison.text(style: $0) }, json: { comparison.json })
  }

  /// The specs' file names without folder and ending, or their paths if those names would be equal.
  private var labels: [String] {
    let stems = specs.map { URL(fileURLWithPath: $0).deletingPathExtension().lastPathComponent }
    return Set(stems).count == stems.count ? stems : specs
  }
}
