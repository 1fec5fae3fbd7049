// SPDX-License-Identifier: Apache-2.0
package import ComponentPrograms
package import PipelineCore

/// The options of ``ProcessReplayStore``.
package struct ProcessReplayStoreOptions: ComponentOptions {
  package var command = ProgramCommand()
  package var folder = SpecPath(".")
  package var environment: [String: String] = [:]
  package var environmentFrom: [String] = []
  package var reads: [Field] = [.reward]
  package var draws = false
  package var capacity = 1_000
  package var perPrompt = 0
  package var seconds = 30.0
  package var startSeconds = 60.0
  package var memoryMb = 0
  package var answerBytes = 1 << 24
  package var stateBytes = 1 << 22

  /// The defaults, which lack a command.
  package init() {}

  /// The help for each option.
  package static let help = [
    "command":
      "the program and its arguments, as a list; no shell. Paths are relative to the spec's folder, or to 'folder'",
    "folder": "the program's working folder, relative to the spec's",
    "environment": "environment variables added to those of this program; no keys, which a spec is no place for",
    "environment_from":
      "names of this program's environment variables that it needs, such as keys; an unset one is an error",
    "reads": "what it decides by: reward, advantage or both",
    "draws": "whether it draws the batch anew, and answers with 'positions'",
    "capacity": "the most trajectories that are stored in all; each is sent with every call",
    "per_prompt": "the most trajectories of one prompt that are stored; 0 for no limit of their own",
    "seconds": "the longest wait for an answer, in seconds",
    "start_seconds": "the longest wait for the program's first line, in seconds",
    "memory_mb": "the most private memory of each of its processes, in megabytes (on Linux); 0 for no limit",
    "answer_bytes": "the longest line that it may write",
    "state_bytes": "the most bytes that its state may have, as JSON",
  ]

  /// The program.
  package func programs() -> [String] {
    command.words.isEmpty ? [] : [ProgramEnvironment.shown(command.words, environment)]
  }

  /// The problems of the values.
  package func problems() -> [OptionProblem] {
    let known: Set<Field> = [.reward, .advantage]
    let other = reads.first { !known.contains($0) }
    return [
      other.map { OptionProblem("reads", "holds '\($0)', it can hold reward and advantage") },
      reads.isEmpty ? OptionProblem("reads", "is empty, it must hold reward, advantage or both") : nil,
      OptionProblem.unless("capacity", capacity, in: 1...1_000_000),
      OptionProblem.unless("per_prompt", perPrompt, in: 0...1_000_000),
      OptionProblem.unless("seconds", seconds, in: 0.001...1e6),
      OptionProblem.unless("start_seconds", startSeconds, in: 0.001...1e6),
      OptionProblem.unless("memory_mb", memoryMb, in: 0...(1 << 30)),
      OptionProblem.unless("answer_bytes", answerBytes, in: 100...(1 << 30)),
      OptionProblem.unless("state_bytes", stateBytes, in: 0...(1 << 30)),
      ProgramEnvironment.problem(ofCommand: command.words),
    ].compactMap { $0 } + ProgramEnvironment.problems(environment, from: environmentFrom)
  }
}
