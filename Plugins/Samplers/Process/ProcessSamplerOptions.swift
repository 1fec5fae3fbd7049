// SPDX-License-Identifier: Apache-2.0
package import ComponentPrograms
package import PipelineCore

/// The options of ``ProcessSampler``.
package struct ProcessSamplerOptions: ProgramOptions {
  package var command = ProgramCommand()
  package var folder = SpecPath(".")
  package var environment: [String: String] = [:]
  package var environmentFrom: [String] = []
  package var reads: [Field] = []
  package var ids = false
  package var probes = false
  package var seconds = 30.0
  package var startSeconds = 60.0
  package var memoryMb = 0
  package var answerBytes = 1 << 24
  package var stateBytes = 1 << 22

  /// The defaults, which lack a command.
  package init() {}

  /// The help for each option.
  package static let help = programHelp.merging([
    "reads":
      "number fields of the prompts that it chooses by; each is sent in 'pool', a list with a value for each prompt",
    "ids": "whether 'pool' holds the ids of all prompts too",
    "probes":
      "whether it is asked before each step, by 'probe', which prompts to roll out to learn from alone; it is told by 'learn' what "
      + "became of them",
    "state_bytes": "the most bytes that its state may have, as JSON",
  ]) { $1 }

  /// The problems of the values.
  package func problems() -> [OptionProblem] {
    programProblems + [OptionProblem.unless("state_bytes", stateBytes, in: 0...(1 << 30))].compactMap { $0 }
  }
}
