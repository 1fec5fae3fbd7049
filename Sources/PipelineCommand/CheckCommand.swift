// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import PipelineCore
import PipelineRuntime
import PipelineSpec

/// `shuffle-r1 check`.
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Check a spec: names, options, and whether each stage finds the fields it reads.",
    discussion: """
      Needs no data and no model. All errors are listed together, each with file, line and column; the exit status is \
      then 2.

        shuffle-r1 check pipeline.json
        shuffle-r1 check pipeline.yaml --set stages.pairwise-sample.keep=0.25 --resolved
      """)

  @OptionGroup var specification: SpecArguments

  @Flag(help: "Print the spec with every default filled in.")
  var resolved = false

  @Flag(name: .shortAndLong, help: "Print only errors.")
  var quiet = false

  func run() throws {
    let pipeline = try specification.load()
    _ = try pipeline.promptShape()
    if resolved {
      try Terminal.print(pipeline.resolved.prettyJSON + "\n")
    } else if !quiet {
      let stages = pipeline.stages.map(\.name).joined(separator: " → ")
      try Terminal.print("\(pipeline.file): fine: \(stages)\n")
    }
  }
}
