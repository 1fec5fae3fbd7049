// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import PipelineCore
import PipelineIO
import PipelineRuntime
import PipelineSpec

/// How prompts are read, on the command line, with what is put around them.
struct PromptArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The format of the prompts; 'auto' recognizes it by the first lines. (default: auto)", valueName: "name"))
  var format: String?

  @Option(
    name: .customLong("map"),
    help: ArgumentHelp(
      "Which column holds what, for rows of no known format: prompt=question,answer=solution. A dot leads into objects.",
      valueName: "field=column,…"))
  var columns: String?

  @Option(
    help: ArgumentHelp(
      "The system message of prompts without one of their own: a text, or @FILE.", valueName: "text"))
  var systemPrompt: String?

  @Option(
    help: ArgumentHelp(
      "A Jinja template that the text of the last user message goes into, as {{ content }}: a text, or @FILE.",
      valueName: "template"))
  var formatPrompt: String?

  func validate() throws {
    if let format, format != "auto" {
      if columns != nil { throw ValidationError("--map names columns for rows of no known format; leave out --format") }
      _ = try FormatCatalog.standard.named(format)
    }
    _ = try ImportArguments.entries(of: columns)
  }

  /// Applies what was given; what was not stays as it is.
  func apply(to options: inout TrajectoryReader.Options) throws {
    if let format { options.format = format == "auto" ? nil : format }
    if columns != nil { options.importing.columns = try ImportArguments.entries(of: columns) }
    let given = try PromptShape(
      system: Self.text(systemPrompt, of: "--system-prompt"), format: Self.text(formatPrompt, of: "--format-prompt"),
      key: "--format-prompt")
    if let given { options.shape = given }
  }

  private static func text(_ argument: String?, of option: String) throws -> String? {
    guard let argument else { return nil }
    guard argument.hasPrefix("@") else { return argument }
    return try PromptText.file(SpecPath(String(argument.dropFirst()), base: .workingFolder)).read(in: "", key: option)
  }
}
