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
        shuffle-r1 inspect rollouts.jsonl --where 'reward < 0.5 & finish = length' --show 5

      --where compares fields with = != < <= > >= and with ~ for "contains"; conditions are joined with & and |, negated \
      with ! and grouped with ( ). Parts of the reward go by their names; 'tokens' and 'characters' are the lengths of \
      the response.
      """)

  @Argument(help: "Files of rollouts, in any format; '-' for standard input.")
  var files: [String]

  @Option(name: .customLong("where"), help: ArgumentHelp("Only rollouts that meet this.", valueName: "condition"))
  var condition: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Show the first n rollouts: question, image, response, answers.", valueName: "n"))
  var show = 0

  @Option(help: "How --show shows images; 'auto' draws them in terminals that are known to be able to.")
  var images = TerminalPicture.Choice.path

  @Option(
    help: ArgumentHelp(
      "A folder that images of the records may lie in, beside that of their file; may be repeated.",
      valueName: "folder"))
  var imageRoot: [String] = []

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
    let filter = try condition.map { try RolloutFilter($0) }
    let (inspection, shown) = try await RolloutInspection.read(options, stages: stages, where: filter, showing: show)
    let picture = TerminalPicture(images, access: MediaAccess(roots: imageRoot).including(files: files))
    try report.print(
      text: { style in
        inspection.text(style: style)
          + shown.map { "\n" + $0.text(style: style, picture: picture.text) }.joined()
      },
      json: {
        guard show > 0, let members = inspection.json.objectValue else { return inspection.json }
        return .object(
          members + [
            .init(
              "rollouts",
              .array(shown.map { .object([.init("id", .string($0.id))] + ($0.json.objectValue ?? [])) }))
          ])
      })
  }

  func validate() throws {
    if show < 0 { throw ValidationError("--show is \(show), it must be at least 0") }
  }
}
