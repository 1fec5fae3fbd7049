// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation

/// `shuffle-r1`.
struct RootCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "shuffle-r1",
    abstract: "Train multimodal language models on selected rollouts: pipelines from a spec, or stage by stage.",
    discussion: """
      Trajectories travel as JSONL through stages such as reward, advantage, pairwise-sample and shuffle. A spec file \
      wires the stages; each can also be run alone in a shell pipe.

        shuffle-r1 inspect rollouts.jsonl                  summarize rollouts
        shuffle-r1 check pipeline.json                     check a spec
        shuffle-r1 run pipeline.json --output runs/first   run it
        shuffle-r1 experiment study.json                   compare arms over seeds
        shuffle-r1 why runs/first geo-17/3                 explain what became of a rollout
        shuffle-r1 reward exact --cases cases.jsonl        test a reward
        shuffle-r1 stage advantage < in.jsonl > out.jsonl  run one stage alone
        shuffle-r1 generate --model DIR < prompts.jsonl    sample rollouts
        shuffle-r1 evaluate --model DIR --prompts q.jsonl  measure accuracy

      Every command takes --plugin FILE, which may be repeated: a shared library whose stages, rewards, estimators, \
      losses and policies can then be named, as with "plugins" in a spec.
      """,
    version: PipelineProgram.version,
    subcommands: [
      RunCommand.self, ExperimentCommand.self, CheckCommand.self, StageCommand.self, DescribeCommand.self,
      ConvertCommand.self,
      InspectCommand.self, GroupsCommand.self, CompareCommand.self, WhyCommand.self, RewardCommand.self,
      RewardDiffCommand.self, ReportCommand.self, ViewCommand.self,
      ModelCommand.self, GenerateCommand.self, LogProbsCommand.self, EvaluateCommand.self, ImportConfigCommand.self,
      TrustCommand.self,
      SchemasCommand.self, SetupCommand.self,
    ])
}

/// Options of every command that does work.
struct WorkOptions: ParsableArguments {
  @Flag(name: .shortAndLong, help: "Print only errors.")
  var quiet = false

  @Option(
    name: .customLong("threads"), parsing: .unconditional,
    help: ArgumentHelp(
      "The maximum number of threads; the output does not depend on it. (default: one for each core)", valueName: "n"))
  var threadLimit: Int?

  /// The maximum number of threads.
  var threads: Int { threadLimit ?? ProcessInfo.processInfo.activeProcessorCount }

  func validate() throws {
    if let threadLimit, !(1...256).contains(threadLimit) {
      throw ValidationError("--threads is \(threadLimit), it must lie in 1…256")
    }
  }
}
