// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Files
import Foundation
import PipelineAnalysis
import PipelineCore
import PipelineSpec

/// `shuffle-r1 reward`.
struct RewardCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reward",
    abstract: "Test a reward function on cases whose verdicts are known.",
    discussion: """
      A case is a line of JSON: a trajectory, of which only the fields that the reward reads are needed, and \
      'expected': a score, true, false, or abstained, failed or timed_out. Cases with another verdict are listed, \
      wrong answers counted as right first, and the exit status is then 1. Cases with a 'reward' that is the name of \
      another reward function are skipped.

        shuffle-r1 reward boxed-answer --cases cases.jsonl
        shuffle-r1 reward exact --with '{"case": "insensitive"}' --cases - < c.jsonl

      with cases such as

        {"response": "\\\\boxed{1/2}", "answer": "0.5", "expected": true}
      """)

  @Argument(help: "The reward function's registered name.")
  var name: String

  @Option(help: ArgumentHelp("Its options.", valueName: "json"))
  var with: String?

  @Option(help: ArgumentHelp("The cases, JSONL; '-' for standard input.", valueName: "file"))
  var cases: String

  @Option(parsing: .unconditional, help: ArgumentHelp("How far a score may be from the expected one.", valueName: "d"))
  var tolerance = 1e-6

  @OptionGroup var media: MediaArguments
  @OptionGroup var report: ReportOptions
  @OptionGroup var work: WorkOptions

  func validate() throws {
    if !(tolerance >= 0 && tolerance.isFinite) { throw ValidationError("--tolerance is \(tolerance); give 0 or more") }
  }

  func run() async throws {
    let reward = try SpecLoader.reward(name, with: with ?? "", registry: CommandEnvironment.registry)
    try await withClosing({ await reward.close() }) { try await check(reward) }
  }

  private func check(_ reward: any RewardFunction) async throws {
    let file = cases == "-" ? "standard input" : cases
    if cases != "-", access(cases, R_OK) != 0 {
      throw SystemError.current("cannot open", file)
    }
    let text: Data
    do {
      text =
        try cases == "-"
        ? FileHandle.standardInput.readToEnd() ?? Data() : Data(contentsOf: URL(fileURLWithPath: cases))
    } catch {
      throw PipelineError(.inputOutput, "cannot read \(file): \(error.localizedDescription)")
    }
    let check = try await RewardCheck(
      reward, named: name, cases: RewardCase.cases(in: text, file: file, of: name), file: file, tolerance: tolerance,
      in: StageContext(stage: name, threads: work.threads, media: media.access))
    if report.json || !work.quiet || !check.mismatches.isEmpty {
      try report.print(text: { check.text(style: $0) }, json: { check.json })
    }
    if !check.mismatches.isEmpty { throw ExitCode(ExitStatus.failure.rawValue) }
  }
}
