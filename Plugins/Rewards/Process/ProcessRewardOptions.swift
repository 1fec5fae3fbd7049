// SPDX-License-Identifier: Apache-2.0
package import ComponentPrograms
package import PipelineCore

extension ProcessReward {
  /// What a spec can set.
  package struct Options: ProgramOptions {
    package var command = ProgramCommand()
    package var folder = SpecPath(".")
    package var environment: [String: String] = [:]
    package var environmentFrom: [String] = []
    package var bridge = PythonBridge.none
    package var function = ""
    package var arguments = OptionTree.empty
    package var reads: [Field] = [.response]
    package var fields: [Field] = []
    package var workers = 1
    package var batch = 64
    package var seconds = 30.0
    package var startSeconds = 60.0
    package var memoryMb = 0
    package var answerBytes = 1 << 20
    package var maxFailures = 100

    /// The defaults, which lack a command.
    package init() {}

    /// What each option means.
    package static let help = programHelp.merging([
      "bridge":
        "for a Python function in the file that the command names: plain (a trajectory in, a score out), easyr1, verl or "
        + "trl; none for a program that speaks JSONL itself",
      "function":
        "with a bridge: the function's name; by default compute_score, for trl the file's only reward function",
      "arguments": "with a bridge: what the function gets beside, by name",
      "reads": "fields that a trajectory must carry",
      "fields": "fields to send in addition to the id; none for all except lists of tokens",
      "workers": "how many copies of the program work at once",
      "batch": "how many trajectories a copy is sent at once",
      "seconds":
        "the longest wait for the next answer, in seconds; with a function that takes a whole batch, for each trajectory in it",
      "max_failures": "on how many trajectories it may fail before the run stops; what it abstains from does not count",
    ]) { $1 }

    /// What is wrong with the values.
    package func problems() -> [OptionProblem] {
      var problems =
        programProblems
        + [
          OptionProblem.unless("workers", workers, in: 1...256),
          OptionProblem.unless("batch", batch, in: 1...1_000_000),
          OptionProblem.unless("max_failures", maxFailures, in: 0...Int.max),
        ].compactMap { $0 }
      if bridge != .none, command.words.count == 1 {
        problems.append(
          OptionProblem("command", #"must end with the Python file of the function: ["python3", "my_reward.py"]"#))
      }
      if bridge == .none, !function.isEmpty {
        problems.append(OptionProblem("function", "is for a Python function, which needs a 'bridge'"))
      }
      switch arguments.node {
      case .table(let entries) where entries.isEmpty || bridge != .none: break
      case .table: problems.append(OptionProblem("arguments", "are for a Python function, which needs a 'bridge'"))
      default: problems.append(OptionProblem("arguments", "must be a table, found \(arguments.kindDescription)"))
      }
      return problems
    }
  }
}
