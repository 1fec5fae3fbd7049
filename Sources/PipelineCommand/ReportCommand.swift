// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Files
import Foundation
import PipelineAnalysis
import PipelineCore
import PipelineIO
import PipelineReport

/// `shuffle-r1 report`.
struct ReportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Write a page about runs or rollouts that opens in a browser.",
    discussion: """
      Learning curves, what each stage dropped and why, groups with their images and pairs, every trajectory with its \
      reward, advantage and log-probabilities, and a table to filter. The folder needs no server and no network: open \
      its index.html, or copy it to any static host.

        shuffle-r1 report runs/first -o report            a run
        shuffle-r1 report runs/half runs/grpo -o report   two, side by side
        shuffle-r1 report runs/study -o report            arms and seeds
        shuffle-r1 report rollouts/*.jsonl -o report      rollouts, any format

      A run that is still going on, or was stopped, is shown up to its last complete step; `view` follows it.
      """)

  @OptionGroup var input: ReportInput

  @Option(name: .shortAndLong, help: ArgumentHelp("The folder to write; with --single, the file.", valueName: "path"))
  var output: String

  @Flag(help: "Replace what is there.")
  var force = false

  @Flag(help: "Write one HTML file that holds everything, for up to 64 MB.")
  var single = false

  @Flag(help: "Write each chart as SVG too, into charts/ in the folder.")
  var charts = false

  @OptionGroup var work: WorkOptions

  func validate() throws {
    if single, charts {
      throw ValidationError("--charts writes files beside the page, --single has none; leave one out")
    }
  }

  func run() async throws {
    let progress = ProgressLine(quiet: work.quiet)
    defer { progress.clear() }
    let sources = try input.sources()
    if !force, access(output, F_OK) == 0 { throw AtomicFile.existsAlready(output) }
    let report: @Sendable (Int) -> Void = { progress.update($0.of("rollout"), share: nil) }
    let summary: ReportBuilder.Summary
    if single {
      let page = SinglePage()
      summary = try await ReportBuilder(sources, into: page, options: try input.options(work), onProgress: report)
        .advance()
      let file = try OutputFile(path: output, existing: force ? .replace : .refuse)
      try file.write(page.html())
      try file.finish()
    } else {
      summary = try await ReportFolder.write(to: output, replacing: force) { folder in
        let sink = try FolderSink(path: folder)
        let summary = try await ReportBuilder(sources, into: sink, options: try input.options(work), onProgress: report)
          .advance()
        if charts { try ChartFiles.write(sources, to: folder + "/charts") }
        return summary
      }
    }
    progress.clear()
    if !work.quiet { say(summary) }
  }

  private func say(_ summary: ReportBuilder.Summary) {
    var text = "\(summary.rows.of("rollout")), \(summary.pictures.of("image"))"
    if summary.leftOutRows > 0 { text += "; \(summary.leftOutRows.of("rollout")) left out by --sample" }
    if summary.badRecords > 0 { text += "; \(summary.badRecords.of("bad record")), named in the report" }
    Terminal.say(text)
    let page = single ? output : output + (output.hasSuffix("/") ? "" : "/") + "index.html"
    Terminal.say("open \(page) in a browser")
  }
}
