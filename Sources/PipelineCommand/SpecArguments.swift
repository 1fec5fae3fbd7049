// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import PipelineSpec

/// A spec on the command line, with the changes of `--set`.
struct SpecArguments: ParsableArguments {
  @Argument(help: "The pipeline spec, JSON (comments allowed) or YAML.")
  var spec: String

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp(
      "Change one value, as in seed=2, source.batch.groups=64 or stages.pairwise-sample.keep=0.25; stages.shuffle=null removes a stage. May be repeated.",
      valueName: "path=value"))
  var overrides: [String] = []

  @OptionGroup var trust: TrustFlag

  func load(for use: TrustedSpecs.Use) throws -> AssembledPipeline {
    try TrustedSpecs.load(spec, overrides: overrides, trusted: trust.isGiven, for: use)
  }
}

/// `--trust`.
struct TrustFlag: ParsableArguments {
  @Flag(
    name: .customLong("trust"),
    help: "Trust the spec this time: the plug-ins and programs that it names run with your rights.")
  var isGiven = false
}
