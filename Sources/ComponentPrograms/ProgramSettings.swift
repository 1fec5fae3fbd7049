// SPDX-License-Identifier: Apache-2.0
package import ChildProcesses
import PipelineCore

/// How a program is started, and the limits that it must keep.
package struct ProgramSettings: Sendable {
  /// The program, its folder, its environment and its memory.
  package var child: ChildConfiguration
  /// Its name in messages: the script, or else the program.
  package var title: String
  /// The longest wait for an answer once it is ready.
  package var seconds: Double
  /// The longest wait for the first line.
  package var startSeconds: Double
  /// The longest answer, in bytes.
  package var answerBytes: Int
  /// The variables of this process that the program cannot do without.
  package var requiredVariables: [String] = []

  /// Whether the program says what it remembers, and gets it back when it is started again.
  package var keepsState = false

  /// After this many starts in a row without a line of output the program is given up.
  package static let fruitlessStarts = 5
  /// The wait before the second start in a row without output; it doubles each time.
  package static let firstPause = Duration.milliseconds(100)

  /// Looks for the program, so that a missing one is reported when the spec is checked.
  ///
  /// - Parameters:
  ///   - folder: The program's working folder, relative to ours.
  ///   - script: Whether the last word must be a file.
  /// - Throws: ``PipelineError`` at the place of the command.
  package init(
    _ command: ProgramCommand, folder: String, environment: [String: String], environmentFrom: [String] = [],
    memoryMegabytes: Int, seconds: Double, startSeconds: Double, answerBytes: Int, lastWordIsFile: Bool = false
  ) throws {
    var words = command.words
    guard let program = words.first else {
      throw PipelineError(
        .invalidSpec, #"'command' is missing, it must name a program: "with": {"command": ["python3", "my_reward.py"]}"#
      )
    }
    func inFolder(_ path: String) -> String {
      path.hasPrefix("/") || folder.isEmpty || folder == "." ? path : folder + "/" + path
    }
    if program.contains("/") { words[0] = inFolder(program) }
    if ChildConfiguration.location(of: words[0], path: environment["PATH"]) == nil {
      let remedy =
        program.contains("/")
        ? "a relative path starts from the spec's folder, or from 'folder' where it is set; the file must be executable"
        : "install it, or give its path"
      throw PipelineError(.invalidSpec, "there is no program '\(program)'; \(remedy)", at: command.location)
    }
    let script = Self.script(of: command.words) ?? (lastWordIsFile && words.count > 1 ? words.last : nil)
    if let script, !ChildConfiguration.isFile(inFolder(script)) {
      throw PipelineError(
        .invalidSpec,
        "there is no file '\(script)' for '\(program)' to run; a relative path starts from the spec's folder, or from "
          + "'folder' where it is set", at: command.location)
    }
    child = ChildConfiguration(command: words)
    child.folder = folder.isEmpty || folder == "." ? nil : folder
    // So that a script need not flush its answers.
    child.environment = ["PYTHONUNBUFFERED": "1"].merging(environment) { $1 }
    child.memoryLimitMegabytes = memoryMegabytes > 0 ? memoryMegabytes : nil
    title = (script ?? program).split(separator: "/").last.map(String.init) ?? program
    requiredVariables = environmentFrom
    self.seconds = seconds
    self.startSeconds = startSeconds
    self.answerBytes = answerBytes
  }

  /// The file that an interpreter runs, if the second word can be nothing else.
  private static func script(of words: [String]) -> String? {
    guard words.count > 1, !words[1].hasPrefix("-"), let program = words[0].split(separator: "/").last else {
      return nil
    }
    let isInterpreter = ["python", "node", "ruby", "perl", "bash", "sh", "julia", "Rscript"].contains {
      program == $0 || ($0 == "python" && program.hasPrefix($0))
    }
    return isInterpreter ? words[1] : nil
  }
}
