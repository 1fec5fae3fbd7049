// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import PipelineCore
import PipelineIO
import PipelineRuntime
import PipelineSpec

/// `shuffle-r1 run`.
struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Run the pipeline of a spec.",
    discussion: """
      Everything goes into one directory: the selected trajectories, what became of every other one and why, \
      metrics for each step, and the spec with every default filled in. The same spec, seed and input give the same \
      bytes. A run that was stopped, however it was, continues with --resume.

        shuffle-r1 run pipeline.json --output runs/half
        shuffle-r1 run pipeline.json --output runs/quarter --set stages.pairwise-sample.keep=0.25
        shuffle-r1 run pipeline.json --output runs/half --resume
      """)

  @OptionGroup var specification: SpecArguments

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Where the run's files go. (default: runs/NAME, after the spec)", valueName: "directory"))
  var output: String?

  @Flag(help: "Continue the run in the directory after its last complete step.")
  var resume = false

  @Flag(help: "Replace the run in the directory.")
  var overwrite = false

  @OptionGroup var work: WorkOptions

  func validate() throws {
    if resume, overwrite { throw ValidationError("--resume and --overwrite exclude each other; give one of them") }
  }

  func run() async throws {
    let pipeline = try specification.load()
    let path = output ?? "runs/" + (pipeline.name.isEmpty ? Self.stem(of: pipeline.file) : pipeline.name)
    let reader = pipeline.readerOptions(threads: work.threads)
    for input in reader.paths where input != "-" && !FileManager.default.isReadableFile(atPath: input) {
      throw PipelineError(
        .inputOutput,
        "cannot open \(input), which 'source.rollouts' of \(pipeline.file) names; a path is relative to the spec's "
          + "folder, one of --set to the working folder")
    }
    let plan = RunPlan(
      stages: pipeline.namedStages, reader: reader, seed: pipeline.seed,
      rolloutsFile: pipeline.output.rollouts.text, writesLineage: pipeline.output.lineage,
      resolved: pipeline.resolved(for: path), threads: work.threads)
    let directory = try RunDirectory(
      path: path, existing: resume ? .resume : overwrite ? .overwrite : .refuse, fingerprint: plan.resolved)
    let observer = TerminalObserver(quiet: work.quiet)
    let started = ContinuousClock().now
    do {
      let summary = try await PipelineRun(plan: plan, directory: directory, observer: observer).run()
      observer.end()
      if !work.quiet {
        let report = RunReport(summary: summary, plan: plan, path: path, seconds: (ContinuousClock().now - started).inSeconds)
        Terminal.write(report.text, to: 1)
      }
    } catch {
      observer.end()
      if directory.completeSteps > 0 {
        Terminal.say(
          "\(directory.completeSteps) complete steps are in \(path); continue with --resume")
      }
      throw error
    }
  }

  private static func stem(of file: String) -> String {
    URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent
  }
}
