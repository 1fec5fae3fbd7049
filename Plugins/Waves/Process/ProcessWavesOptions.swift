// SPDX-License-Identifier: Apache-2.0
package import ComponentPrograms
package import PipelineCore

/// The options of ``ProcessWaves``.
package struct ProcessWavesOptions: ProgramOptions {
  package var command = ProgramCommand()
  package var folder = SpecPath(".")
  package var environment: [String: String] = [:]
  package var environmentFrom: [String] = []
  package var first = 4
  package var most = 0
  package var keeps = false
  package var waits = false
  package var seconds = 30.0
  package var startSeconds = 60.0
  package var memoryMb = 0
  package var answerBytes = 1 << 24

  /// The defaults, which lack a command.
  package init() {}

  /// The help for each option.
  package static let help = programHelp.merging([
    "first": "the rollouts of each prompt in the first wave",
    "most": "the most rollouts of a prompt in all waves together; 0 for 'n'",
    "waits":
      "whether it may let groups wait, by 'later', for further rollouts with the first ones of the prompts that come next; complete "
      + "groups then go on first in, first out",
    "keeps": "whether it is asked which rollouts of an admitted group stay; without, all of them do",
  ]) { $1 }

  /// The problems of the values.
  package func problems() -> [OptionProblem] {
    programProblems
      + [
        OptionProblem.unless("first", first, in: 1...1_000_000), OptionProblem.unless("most", most, in: 0...1_000_000),
      ].compactMap { $0 }
  }
}
