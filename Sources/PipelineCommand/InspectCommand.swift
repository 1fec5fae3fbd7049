// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import PipelineAnalysis
import PipelineCore
import PipelineIO
import PipelineRuntime
import PipelineSpec

/// `shuffle-r1 inspect`.
struct InspectCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Summarize files of rollouts.",
    discussion: """
      Shows groups and their sizes, rewards and advantages, groups in which every rollout is right or every one is \
      wrong, lengths, duplicates, missing fields, and which stages the records are ready for.

        shuffle-r1 inspect rollouts.jsonl
        shuffle-r1 inspect dump/*.jsonl --format verl --json | jq .groups
      """)

  @Argument(help: "Files of rollouts, in any format; '-' for standard input.")
  var files: [String]

  @OptionGroup var rollouts: RolloutArguments
  @OptionGroup var report: ReportOptions
  @OptionGroup var work: WorkOptions

  func run() async throws {
    var options = TrajectoryReader.Options(paths: files)
    options.stepsMayReturn = true
    options.threads = work.threads
    try rollouts.apply(to: &options)
    let registry = CommandEnvironment.registry
    let stages = registry.names(of: .stage).compactMap { name -> NamedStage? in
      let assembly = Assembly(registry: registry, reader: SpecOptionsReader())
      return (try? assembly.stage(ComponentReference(name))).map { NamedStage(name: name, stage: $0) }
    }
    let inspection = try await RolloutInspection.read(options, stages: stages)
    try report.print(text: { inspection.text(style: $0) }, json: { inspection.json })
  }
}
