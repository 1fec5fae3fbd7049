// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Files
import Foundation
import PipelineAnalysis
import PipelineCore
import PipelineSpec
import Synchronization

/// `shuffle-r1 experiment`.
struct ExperimentCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "experiment",
    abstract: "Compare arms over seeds: all runs of a study, and their paired statistics.",
    discussion: """
      A study names a spec, arms that change it, seeds, and what is measured. Every arm is run with every seed, each run by a \
      process of its own, and compared with the baseline seed by seed.

        {
          "title": "Does the shuffle help?",
          "spec": "train.json",              // paths start from the study's folder
          "set": { "training.steps": 60 },   // what all arms change, as --set does
          "seeds": 8,                        // or a list: [1, 2, 5]
          "arms": {
            "grpo": { "spec": "grpo.json" },
            "shuffle-r1": {},
            "twice": { "set": { "stages.update.epochs": 2 } }
          },
          "settings": { "stages.update.learning_rate.rate": [1e-4, 2e-4] },
          "measure": { "metric": "val/accuracy", "at": "last" },
          "baseline": "grpo",
          "output": "runs/study"
        }

      Everything is checked before anything starts. Ctrl-C loses nothing: the same command goes on, and keeps finished runs. \
      The runs are in OUTPUT/ARM/SETTING/seed-N, beside each its log, and the results in OUTPUT/results.json; \
      'shuffle-r1 report OUTPUT' shows them as a page.

        shuffle-r1 experiment study.json --dry-run --deviation 0.03
        shuffle-r1 experiment study.json --jobs 2
        shuffle-r1 experiment study.json --list | parallel -j 4
        shuffle-r1 experiment study.json --job $SLURM_ARRAY_TASK_ID/16
        shuffle-r1 experiment study.json --results
      """)

  @Argument(help: "The study, JSON (comments allowed) or YAML.")
  var study: String

  @Flag(help: "Say what would be run, and the least difference that is likely to be found; run nothing.")
  var dryRun = false

  @Flag(help: "Print each run as a line of shell; run nothing.")
  var list = false

  @Flag(help: "Run nothing; compute the results from the runs that have ended.")
  var results = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("How many runs are at work at a time; they share --threads.", valueName: "n"))
  var jobs = 1

  @Option(
    help: ArgumentHelp(
      "Only the k-th of n shares of the runs, for n jobs of a scheduler, as in 3/16.", valueName: "k/n"))
  var job: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The standard deviation of one arm over seeds, for the least difference that is likely to be found. (default: of the "
        + "differences between finished runs)", valueName: "number"))
  var deviation: Double?

  @OptionGroup var trust: TrustFlag
  @OptionGroup var report: ReportOptions
  @OptionGroup var work: WorkOptions

  func validate() throws {
    if [dryRun, list, results].count(where: { $0 }) > 1 {
      throw ValidationError("--dry-run, --list and --results exclude each other; give one of them")
    }
    if results, job != nil { throw ValidationError("--results is about all runs; leave --job out") }
    if !(1...256).contains(jobs) { throw ValidationError("--jobs is \(jobs), it must lie in 1…256") }
    if let job, ExperimentShare(job) == nil {
      throw ValidationError("--job is '\(job)', it must be a share such as 3/16: the third of sixteen, counted from 1")
    }
    if let deviation, !(deviation.isFinite && deviation > 0) {
      throw ValidationError("--deviation is \(deviation), it must be above 0")
    }
  }

  func run() async throws {
    let plan = try StudyPlan(SpecText(contentsOf: study, kind: "study"))
    let experiment = try Experiment(
      plan: plan, file: study, trusted: trust.isGiven, share: job.flatMap(ExperimentShare.init))
    if list {
      let lines = try experiment.prepared(for: .listing).map {
        experiment.shellLine(of: $0.job, threads: work.threadLimit)
      }
      try Terminal.print(lines.map { $0 + "\n" }.joined())
    } else if dryRun {
      let jobs = try experiment.prepared(for: .looking)
      try Terminal.print(ExperimentSummary(plan, jobs).text + least(in: plan).map { $0 + "\n" }.joined())
    } else if results {
      _ = try experiment.prepared(for: .collecting)
      try collect(plan)
    } else {
      try await run(experiment)
    }
  }

  private func run(_ experiment: Experiment) async throws {
    let plan = experiment.plan
    let jobs = try experiment.prepared(for: .running)
    let threads = max(1, work.threads / self.jobs)
    if !work.quiet {
      Terminal.say(ExperimentSummary(plan, jobs).headline + ", \(self.jobs) at a time, \(threads.of("thread")) each")
      for sentence in least(in: plan) { Terminal.say(sentence) }
    }
    CommandEnvironment.savesWhenInterrupted.withLock { $0 = true }
    let runner = ExperimentRunner(experiment: experiment, jobs: jobs, threads: threads, quiet: work.quiet)
    let failed = await runner.run(atOnce: self.jobs)
    if Task.isCancelled {
      Terminal.say("what is complete is kept; the same command goes on")
      throw CancellationError()
    }
    if experiment.share == nil {
      try collect(plan)
    } else if !work.quiet {
      Terminal.say("this share is done; once all are: shuffle-r1 experiment \(study.quotedForShell) --results")
    }
    if failed > 0 {
      throw PipelineError(
        .invalidData, "\(failed.of("run")) of \(jobs.count) failed; correct that, and the same command goes on")
    }
  }

  /// Computes the results, keeps and prints them.
  private func collect(_ plan: StudyPlan) throws {
    let results = try StudyResults(of: plan)
    if FileManager.default.fileExists(atPath: plan.output) {
      let folder = try Folder(path: plan.output)
      try folder.replace("results.json", with: Array((results.json.prettyJSON + "\n").utf8), durable: true)
    }
    try report.print(text: { results.text(style: $0) }, json: { results.json })
  }

  /// The least difference that is likely to be found, in a sentence, and where the deviation is from.
  private func least(in plan: StudyPlan) -> [String] {
    guard plan.arms.count > 1 else { return [] }
    let found = deviation.map { $0 * 2.0.squareRoot() } ?? (try? StudyResults(of: plan))?.differenceDeviation
    guard let found else {
      return [
        "the least difference that is likely to be found: say --deviation, the standard deviation of an arm over seeds"
      ]
    }
    guard let least = DetectableDifference.of(deviation: found, seeds: plan.seeds.count) else {
      return ["one seed tells nothing about a difference; give the study two or more"]
    }
    let source =
      deviation == nil
      ? "as the finished runs have it" : "√2 times --deviation, as if the arms shared nothing but the seed's number"
    return [
      "with \(plan.seeds.count.of("seed")), a true difference of \(NumberText.short(least, digits: 3)) is found in 8 of 10 studies "
        + "(two-sided paired t test at 5 %); a smaller one is more often missed",
      "that takes a standard deviation of the differences of \(NumberText.short(found, digits: 3)), \(source)",
    ]
  }
}
