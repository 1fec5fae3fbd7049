// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore

/// `shuffle-r1 model`.
struct ModelCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model",
    abstract: "Check whether a model can be used, and how much memory it takes.",
    discussion: """
      Names everything that is missing or not supported at once; the exit status is then 1. Memory is estimated from \
      the shapes; no weights are loaded.

        shuffle-r1 model Qwen2.5-VL-3B-Instruct
        shuffle-r1 model DIR --json | jq .parameters
      """)

  @Argument(help: ArgumentHelp("The model's folder, in the Hugging Face layout.", valueName: "dir"))
  var folder: String

  @Flag(help: "Print JSON.")
  var json = false

  func run() async throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
      throw PipelineError(.inputOutput, "there is no folder \(folder); check the path")
    }
    let report = ModelReport(ModelInspection(folder: folder))
    try Terminal.print(json ? report.json.prettyJSON + "\n" : report.text)
    for problem in report.inspection.problems {
      Terminal.say("shuffle-r1: error: " + "\(problem)".replacing("\n", with: "\\n"))
    }
    if !report.inspection.problems.isEmpty { throw ExitCode(ExitStatus.failure.rawValue) }
  }
}
