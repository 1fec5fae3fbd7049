// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import PipelineCore
import PipelineIO

/// `shuffle-r1 convert`.
struct ConvertCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Convert rollouts from one program's format to another's.",
    discussion: """
      Formats: \(FormatCatalog.standard.names.joined(separator: ", ")).

        shuffle-r1 convert --from verl dump/1.jsonl dump/2.jsonl rollouts.jsonl
        shuffle-r1 convert --from trl --to verl completions.jsonl - | head -1
        zcat old.jsonl.gz | shuffle-r1 convert - rollouts.jsonl.zst

      Fields that the target format cannot hold are listed on standard error. A name that ends in .gz or .zst makes the output compressed.
      """)

  @Option(help: ArgumentHelp("The format of the input; recognized by default.", valueName: "format"))
  var from: String?

  @Option(help: ArgumentHelp("The format of the output.", valueName: "format"))
  var to = "shuffle-r1"

  @Option(
    help: ArgumentHelp(
      "The input's fields whose values together identify a group, separated by commas; 'a.b' is a member of an object.",
      valueName: "fields"))
  var groupBy: String?

  @Flag(help: "Turn prompts in rendered chat text (ChatML) back into messages, if nothing is lost by it.")
  var parsePrompts = false

  @OptionGroup var importing: ImportArguments

  @OptionGroup var badRecordLimit: BadRecordLimit

  @Flag(help: "Replace the output if it exists.")
  var force = false

  @Argument(
    help: ArgumentHelp("The files to read, then the one to write; '-' for standard streams.", valueName: "in … out"))
  var paths: [String]

  @OptionGroup var work: WorkOptions

  func validate() throws {
    if paths.count < 2 { throw ValidationError("name the input and the output; '-' stands for standard streams") }
  }

  func run() async throws {
    guard let target = paths.last else { return }
    var options = ImportOptions()
    options.groupBy = groupBy?.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } ?? []
    try importing.apply(to: &options)
    if parsePrompts { options.renderedPrompt = .parseChatML }
    let conversion = Conversion(
      inputs: Array(paths.dropLast()), from: from, to: try FormatCatalog.standard.named(to), options: options,
      maxBadRecords: badRecordLimit.maxBadRecords)
    let line = ProgressLine(quiet: work.quiet)
    defer { line.clear() }
    let output = try OutputFile(path: target, existing: force ? .replace : .refuse)
    let quiet = work.quiet
    let summary = try conversion.run(
      into: output,
      onBadRecord: { record, count in
        if !quiet, count <= 3 { line.say("warning: \(record.location): \(record.reason); the line is left out") }
      }, onProgress: { line.update("converted \($0) records", share: $1) })
    try output.finish()
    line.clear()
    if !quiet { Terminal.say(summary.description) }
  }
}
