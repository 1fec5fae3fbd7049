// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import PipelineAnalysis

/// `shuffle-r1 why`.
struct WhyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "why",
    abstract: "Why was this trajectory trained on, or not?",
    discussion: """
      Tells the story of one trajectory, stage by stage, in every step it was in: reward, advantage, partner, draws, \
      or which stage dropped it by which rule.

        shuffle-r1 why runs/first geo-17/3

      The stages tell it themselves. Those of a library speak where --plugin loads it; the "plugins" of the run's spec \
      are not loaded, since looking at a run must not execute what it brings.
      """)

  @Argument(help: ArgumentHelp("The directory of a run.", valueName: "run"))
  var directory: String

  @Argument(help: "The trajectory's id.")
  var id: String

  @Option(parsing: .unconditional, help: ArgumentHelp("Only this step.", valueName: "n"))
  var step: Int?

  @OptionGroup var report: ReportOptions

  func run() throws {
    let history = try TrajectoryHistory(run: directory, id: id, step: step, registry: CommandEnvironment.registry)
    try report.print(text: { history.text(style: $0) }, json: { history.json })
  }
}
