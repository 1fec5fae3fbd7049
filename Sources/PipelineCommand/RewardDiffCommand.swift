// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import PipelineAnalysis
import PipelineCore
import PipelineIO
import PipelineSpec

/// `shuffle-r1 reward-diff`.
struct RewardDiffCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reward-diff",
    abstract: "Compare two reward functions on saved rollouts.",
    discussion: """
      Scores saved rollouts with two reward functions and shows which trajectories change from right to wrong or back, \
      and what that does to the advantages of their groups. A reward is a registered name, or {"use": NAME, "with": \
      OPTIONS}; 'saved' stands for the rewards that the records carry.

        shuffle-r1 reward-diff exact boxed-answer --rollouts rollouts.jsonl
        shuffle-r1 reward-diff saved '{"use": "numeric"}' --rollouts r.jsonl
      """)

  @Argument(help: "The present reward.")
  var first: String

  @Argument(help: "The reward to compare it with.")
  var second: String

  @Option(name: .customLong("rollouts"), help: ArgumentHelp("The rollouts, in any format.", valueName: "file"))
  var files: [String] = []

  @Option(help: ArgumentHelp("The advantage estimator that turns rewards into advantages.", valueName: "name"))
  var estimator = "grpo"

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("How far two scores may differ and still count as equal.", valueName: "d"))
  var tolerance = 1e-6

  @Option(
    parsing: .unconditional, help: ArgumentHelp("How many changed trajectories to show.", valueName: "n"))
  var show = 10

  @OptionGroup var badRecordLimit: BadRecordLimit
  @OptionGroup var rollouts: RolloutArguments
  @OptionGroup var report: ReportOptions
  @OptionGroup var work: WorkOptions

  func validate() throws {
    if files.isEmpty {
      throw ValidationError("no rollouts are named; give --rollouts FILE, or --rollouts - for a pipe")
    }
    if !(tolerance >= 0 && tolerance.isFinite) { throw ValidationError("--tolerance is \(tolerance); give 0 or more") }
    if show < 0 { throw ValidationError("--show is \(show); give 0 or more") }
  }

  func run() async throws {
    let registry = CommandEnvironment.registry
    let sides = try PipelineErrors.gather([first, second]) { text in
      text == "saved"
        ? RewardSide(label: text, reward: nil)
        : RewardSide(label: text, reward: try SpecLoader.reward(reference: text, registry: registry))
    }
    try await withClosing({ for side in sides { await side.reward?.close() } }) { try await compare(sides) }
  }

  private func compare(_ sides: [RewardSide]) async throws {
    let advantage = try SpecLoader.stage(
      "advantage", with: JSONValue.object([.init("estimator", .string(estimator))]).json,
      registry: CommandEnvironment.registry)
    var options = TrajectoryReader.Options(paths: files)
    options.threads = work.threads
    options.maxBadRecords = badRecordLimit.maxBadRecords
    options.nameOfLimit = "--max-bad-records"
    try rollouts.apply(to: &options)
    let progress = ProgressLine(quiet: work.quiet)
    defer { progress.clear() }
    var difference = RewardDifference(
      sides: sides, advantage: advantage, tolerance: tolerance, files: files, threads: work.threads)
    try await difference.read(options) { progress.update("judging", share: $0) }
    progress.clear()
    try report.print(text: { difference.text(style: $0, shown: show) }, json: { difference.json })
  }
}
