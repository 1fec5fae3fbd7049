// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import PipelineAnalysis

/// `shuffle-r1 why`.
struct WhyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "why",
    abstract: "Explain why a trajectory was trained on, or was not.",
    discussion: """
      Shows the question, the image's path, the response and the expected answer of one trajectory, as far as the run \
      kept them, and what happened to it in every step it was in, stage by stage: its reward, advantage, partner and \
      draws, or the stage and the rule that dropped it.

        shuffle-r1 why runs/first geo-17/3

      The explanations come from the stages themselves. Stages of a plug-in are explained if --plugin loads it; the \
      "plugins" of the run's spec are not loaded, since looking at a run must not execute code from it.
      """)

  @Argument(help: ArgumentHelp("The directory of a run.", valueName: "run"))
  var directory: String

  @Argument(help: "The trajectory's id.")
  var id: String

  @Option(parsing: .unconditional, help: ArgumentHelp("Only this step.", valueName: "n"))
  var step: Int?

  @OptionGroup var report: ReportOptions

  func run() async throws {
    var history = try TrajectoryHistory(run: directory, id: id, step: step, registry: CommandEnvironment.registry)
    history.glances = try await RecordSearch.glances(of: id, steps: history.steps.map(\.step), inRun: directory)
    let found = history
    try report.print(text: { found.text(style: $0) }, json: { found.json })
  }
}
