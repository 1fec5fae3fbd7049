// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import PipelineIO
import PipelineRuntime
import PipelineSpec

/// A spec on the command line, with the changes of `--set`.
struct SpecArguments: ParsableArguments {
  @Argument(help: "The pipeline spec, JSON (comments allowed) or YAML.")
  var spec: String

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp(
      "Change one value, as in seed=2, source.batch.groups=64 or stages.pairwise-sample.keep=0.25; may be repeated.",
      valueName: "path=value"))
  var overrides: [String] = []

  func load() throws -> AssembledPipeline {
    try SpecLoader.load(
      file: spec, overrides: overrides, registry: CommandEnvironment.registry,
      formats: FormatCatalog.standard.names)
  }
}
