// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation

/// `shuffle-r1`.
struct RootCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "shuffle-r1",
    abstract: "Compose pipelines that decide which rollouts a multimodal policy is trained on.",
    discussion: """
      Trajectories travel as JSONL through stages: reward, advantage, pairwise-sample, shuffle. A spec file wires \
      the stages; each also runs alone in a shell pipe.

        shuffle-r1 inspect rollouts.jsonl                  what is in there?
        shuffle-r1 check pipeline.json                     is this spec right?
        shuffle-r1 run pipeline.json --output runs/first   do it
        shuffle-r1 why runs/first geo-17/3                 what became of it?
        shuffle-r1 reward exact --cases cases.jsonl        does this reward judge right?
        shuffle-r1 stage advantage < in.jsonl > out.jsonl  one stage alone
        shuffle-r1 generate --model DIR < prompts.jsonl    rollouts of a model
        shuffle-r1 evaluate --model DIR --prompts q.jsonl  how good is it?

      Every command takes --plugin FILE, as often as wanted: a shared library whose stages, rewards, estimators and \
      losses can then be named, as in a spec's "plugins".
      """,
    version: PipelineProgram.version,
    subcommands: [
      RunCommand.self, CheckCommand.self, StageCommand.self, DescribeCommand.self, ConvertCommand.self,
      InspectCommand.self, GroupsCommand.self, CompareCommand.self, WhyCommand.self, RewardCommand.self,
      RewardDiffCommand.self,
      ModelCommand.self, GenerateCommand.self, LogProbsCommand.self, EvaluateCommand.self, ImportConfigCommand.self,
      SchemasCommand.self,
    ])
}

/// Options of every command that does work.
struct WorkOptions: ParsableArguments {
  @Flag(name: .shortAndLong, help: "Say nothing but errors.")
  var quiet = false

  @Option(
    name: .customLong("threads"), parsing: .unconditional,
    help: ArgumentHelp(
      "The most threads to use; the output does not depend on it. (default: one for each core)", valueName: "n"))
  var threadLimit: Int?

  /// The most threads to use.
  var threads: Int { threadLimit ?? ProcessInfo.processInfo.activeProcessorCount }

  func validate() throws {
    if let threadLimit, !(1...256).contains(threadLimit) {
      throw ValidationError("--threads is \(threadLimit), it must lie in 1…256")
    }
  }
}
