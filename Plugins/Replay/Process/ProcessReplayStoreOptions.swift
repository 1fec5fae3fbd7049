// SPDX-License-Identifier: Apache-2.0
package import ComponentPrograms
package import PipelineCore

/// The options of ``ProcessReplayStore``.
package struct ProcessReplayStoreOptions: ProgramOptions {
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
  package static let help = programHelp.merging([
    "reads": "what it decides by: reward, advantage or both",
    "draws": "whether it draws the batch anew, and answers with 'positions'",
    "capacity": "the most trajectories that are stored in all; each is sent with every call",
    "per_prompt": "the most trajectories of one prompt that are stored; 0 for no limit of their own",
    "state_bytes": "the most bytes that its state may have, as JSON",
  ]) { $1 }

  /// The problems of the values.
  package func problems() -> [OptionProblem] {
    let known: Set<Field> = [.reward, .advantage]
    let other = reads.first { !known.contains($0) }
    return programProblems
      + [
        other.map { OptionProblem("reads", "holds '\($0)', it can hold reward and advantage") },
        reads.isEmpty ? OptionProblem("reads", "is empty, it must hold reward, advantage or both") : nil,
        OptionProblem.unless("capacity", capacity, in: 1...1_000_000),
        OptionProblem.unless("per_prompt", perPrompt, in: 0...1_000_000),
        OptionProblem.unless("state_bytes", stateBytes, in: 0...(1 << 30)),
      ].compactMap { $0 }
  }
}
