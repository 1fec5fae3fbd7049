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
      Needs no data and no model. Where the model is there, it is said how much memory the policy takes, and what to change if \
      that is more than this machine has. All errors are listed together, each with file, line and column; the exit status is \
      then 2. Nothing that the spec names is run: what only an untrusted plug-in knows stays unchecked, and is said.

        shuffle-r1 check pipeline.json
        shuffle-r1 check pipeline.yaml --set stages.pairwise-sample.keep=0.25 --resolved
      """)

  @OptionGroup var specification: SpecArguments

  @Flag(help: "Print the spec with every default filled in.")
  var resolved = false

  @Flag(name: .shortAndLong, help: "Print only errors.")
  var quiet = false

  func run() throws {
    let pipeline: AssembledPipeline
    do {
      pipeline = try specification.load(for: .looking)
    } catch let error as UnloadedPlugIns {
      let libraries = error.libraries.joined(separator: ", ")
      if resolved {
        throw PipelineError(
          .invalidSpec,
          "\(specification.spec) cannot be resolved without the plug-ins that it names (\(libraries)), which are code; if you "
            + "trust it, say --trust")
      }
      if !quiet {
        try Terminal.print(
          "\(specification.spec): fine, as far as can be told without the plug-ins that it names (\(libraries)), which are "
            + "code; if you trust it, check the rest with --trust\n")
      }
      return
    }
    _ = try pipeline.promptShape()
    if resolved {
      try Terminal.print(pipeline.resolved.prettyJSON + "\n")
    } else if !quiet {
      let stages = pipeline.stages.map(\.name).joined(separator: " → ")
      try Terminal.print("\(pipeline.file): fine: \(stages)\n")
      for sentence in StepExpectation(pipeline).sentences {
        try Terminal.print("\(pipeline.file): \(sentence)\n")
      }
      if let memory = pipeline.policy?.memory(
        for: pipeline.needs, sampling: pipeline.samplingLoads, in: pipeline.folder)
      {
        try Terminal.print("\(pipeline.file): \(MemoryReport(memory).sentence)\n")
      }
    }
  }
}
