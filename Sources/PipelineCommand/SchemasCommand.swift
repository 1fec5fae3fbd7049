// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import PipelineCore
import PipelineIO
import PipelineSpec

/// `shuffle-r1 schemas`.
struct SchemasCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schemas",
    abstract: "Write the JSON Schemas of specs, trajectories and prompts into a folder.",
    discussion: """
      The schemas contain the registered components and their options, so that an editor completes a spec whose \
      "$schema" names one of them.
      """)

  @Argument(help: "The folder; it is created if it does not exist.")
  var folder: String

  func run() throws {
    try OutputFolder.make(folder)
    let writer = SchemaWriter(registry: CommandEnvironment.registry, formats: FormatCatalog.standard.names)
    for file in writer.files {
      let output = try OutputFile(path: folder + "/" + file.name, existing: .replace)
      try output.write(Array((file.schema.prettyJSON + "\n").utf8))
      try output.finish()
    }
  }
}
