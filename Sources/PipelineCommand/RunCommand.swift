// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import PipelineCore
import PipelineRuntime
import PipelineSpec
import Synchronization

/// `shuffle-r1 run`.
struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Run the pipeline of a spec.",
    discussion: """
      Everything is written to one directory: the selected trajectories, what became of all others and why, metrics \
      for each step, checkpoints of a policy that is trained, and the spec with every default filled in. The same \
      spec, seed and input give the same bytes. A run that was stopped or killed continues with --resume; if it trains \
      a policy, from its newest checkpoint.

        shuffle-r1 run train.json --output runs/first
        shuffle-r1 run pipeline.json --output runs/half
        shuffle-r1 run pipeline.json --output runs/quarter --set stages.pairwise-sample.keep=0.25
        shuffle-r1 run pipeline.json --output runs/half --resume
      """)

  @OptionGroup var specification: SpecArguments

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The directory for the run's files. (default: runs/NAME, after the spec)", valueName: "directory"))
  var output: String?

  @Flag(help: "Continue the run in the directory after its last complete step.")
  var resume = false

  @Flag(help: "Replace the run in the directory.")
  var overwrite = false

  @Flag(
    help: ArgumentHelp(
      "With --resume: continue although the spec or its inputs have changed since the run was started; "
        + "--accept-changes=machine: only although this is another kind of machine."))
  var acceptChanges = false

  // What --accept-changes=KIND is read as: a flag takes no value.
  @Option(help: .hidden)
  var acceptChangesOf: String?

  @OptionGroup var work: WorkOptions

  func validate() throws {
    if acceptChanges || acceptChangesOf != nil, !resume {
      throw ValidationError("--accept-changes goes with --resume; give both")
    }
    if let acceptChangesOf, AcceptedChanges(rawValue: acceptChangesOf) == nil {
      throw ValidationError(
        "--accept-changes=\(acceptChangesOf) is unknown; say --accept-changes=machine, or --accept-changes for all")
    }
    if output?.isEmpty == true { throw ValidationError("--output is empty; name a directory") }
    if resume, overwrite { throw ValidationError("--resume and --overwrite exclude each other; give one of them") }
  }

  func run() async throws {
    let pipeline = try specification.load(for: .running)
    let path = output ?? "runs/" + RunPlan.folderName(of: pipeline)
    let plan = try RunPlan(pipeline, output: path, threads: work.threads)
    let directory = try RunDirectory(
      path: path, existing: resume ? .resume : overwrite ? .overwrite : .refuse, fingerprint: plan.resolved,
      paths: plan.pathPlaces, accepting: acceptChanges ? .all : acceptChangesOf.flatMap(AcceptedChanges.init) ?? .none)
    if directory.isFinished {
      if !work.quiet { Terminal.say("the run in \(path) is complete; there is nothing left to do") }
      return
    }
    let observer = TerminalObserver(
      quiet: work.quiet, generating: plan.stages.first { $0.stage.writes.contains(.response) }?.name)
    let whereabouts = Whereabouts { observer.whereabouts }
    defer { withExtendedLifetime(whereabouts) {} }
    let started = ContinuousClock().now
    CommandEnvironment.savesWhenInterrupted.withLock { $0 = pipeline.needs.contains(.training) }
    do {
      let summary = try await PipelineRun(plan: plan, directory: directory, observer: observer).run()
      observer.end()
      if !work.quiet {
        let seconds = (ContinuousClock().now - started).inSeconds
        try Terminal.print(RunReport(summary: summary, plan: plan, path: path, seconds: seconds).text)
      }
    } catch {
      observer.end()
      if !directory.isFinished, directory.completeSteps > 0 {
        let are = directory.completeSteps == 1 ? "is" : "are"
        Terminal.say("\(directory.completeSteps.of("complete step")) \(are) in \(path); continue with --resume")
      }
      throw error
    }
  }
}
