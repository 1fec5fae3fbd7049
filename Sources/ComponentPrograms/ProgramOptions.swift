// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// The options of a component that has a program do its work: how the program is started, and its limits.
///
/// ```swift
/// struct Options: ProgramOptions {
///   …
///   static let help = programHelp.merging(["reads": "fields that a trajectory must carry"]) { $1 }
///   func problems() -> [OptionProblem] { programProblems }
/// }
/// ```
package protocol ProgramOptions: ComponentOptions {
  /// The program and its arguments.
  var command: ProgramCommand { get }
  /// Its working folder.
  var folder: SpecPath { get }
  /// What is added to its environment.
  var environment: [String: String] { get }
  /// The variables of this process that it cannot do without.
  var environmentFrom: [String] { get }
  /// The longest wait for an answer.
  var seconds: Double { get }
  /// The longest wait for its first line.
  var startSeconds: Double { get }
  /// The most memory of each of its processes, in megabytes; 0 for no limit.
  var memoryMb: Int { get }
  /// Its longest line.
  var answerBytes: Int { get }
}

extension ProgramOptions {
  /// The help of these options.
  package static var programHelp: [String: String] {
    [
      "command":
        "the program and its arguments, as a list; no shell. Paths are relative to the spec's folder, or to 'folder'",
      "folder": "the program's working folder, relative to the spec's",
      "environment": "environment variables added to those of this program; no keys, which a spec is no place for",
      "environment_from":
        "names of this program's environment variables that it needs, such as keys; an unset one is an error",
      "seconds": "the longest wait for the next answer, in seconds",
      "start_seconds": "the longest wait for the program's first line, in seconds",
      "memory_mb": "the most private memory of each of its processes, in megabytes (on Linux); 0 for no limit",
      "answer_bytes": "the longest line that it may write",
    ]
  }

  /// The program, as a person is asked whether to trust it.
  package func programs() -> [String] {
    command.words.isEmpty ? [] : [ProgramEnvironment.shown(command.words, environment)]
  }

  /// The problems of these options.
  package var programProblems: [OptionProblem] {
    [
      OptionProblem.unless("seconds", seconds, in: 0.001...1e6),
      OptionProblem.unless("start_seconds", startSeconds, in: 0.001...1e6),
      OptionProblem.unless("memory_mb", memoryMb, in: 0...(1 << 30)),
      OptionProblem.unless("answer_bytes", answerBytes, in: 100...(1 << 30)),
      ProgramEnvironment.problem(ofCommand: command.words),
    ].compactMap { $0 } + ProgramEnvironment.problems(environment, from: environmentFrom)
  }

  /// How the program is started.
  ///
  /// - Parameters:
  ///   - specFolder: The folder that paths start from.
  ///   - lastWordIsFile: Whether the last word of the command must be a file.
  /// - Throws: ``PipelineError`` at the place of the command, where the program or its script does not exist.
  package func settings(in specFolder: String, lastWordIsFile: Bool = false) throws -> ProgramSettings {
    try ProgramSettings(
      command, folder: folder.resolved(in: specFolder), environment: environment, environmentFrom: environmentFrom,
      memoryMegabytes: memoryMb, seconds: seconds, startSeconds: startSeconds, answerBytes: answerBytes,
      lastWordIsFile: lastWordIsFile)
  }
}
