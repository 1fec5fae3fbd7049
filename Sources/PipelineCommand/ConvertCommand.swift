// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Files
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

      Parquet, Arrow and folders of `datasets` are read, and parquet is written, with pyarrow: `\(ColumnProgram.installCommand)` \
      installs it.

        shuffle-r1 convert train.parquet prompts.jsonl
        shuffle-r1 convert --to verl --embed-images rollouts.jsonl rollouts.parquet

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

  @Option(
    help: ArgumentHelp(
      "The folder for images that rows of parquet or Arrow hold as bytes. (default: OUTPUT.images, beside the output)",
      valueName: "folder"))
  var images: String?

  @Flag(help: "Put the images into the rows of a parquet file, as bytes.")
  var embedImages = false

  @OptionGroup var badRecordLimit: BadRecordLimit

  @Flag(help: "Replace the output if it exists.")
  var force = false

  @Argument(
    help: ArgumentHelp("The files to read, then the one to write; '-' for standard streams.", valueName: "in … out"))
  var paths: [String]

  @OptionGroup var work: WorkOptions

  func validate() throws {
    if paths.count < 2 { throw ValidationError("name the input and the output; '-' stands for standard streams") }
    if embedImages, !ColumnFile.isNamed(paths[paths.count - 1]) {
      throw ValidationError("--embed-images is for parquet; name an output that ends in .parquet")
    }
  }

  func run() async throws {
    guard let target = paths.last else { return }
    var options = ImportOptions()
    options.groupBy = groupBy?.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } ?? []
    try importing.apply(to: &options)
    if parsePrompts { options.renderedPrompt = .parseChatML }
    let conversion = Conversion(
      inputs: Array(paths.dropLast()), from: from, to: try FormatCatalog.standard.named(to), options: options,
      maxBadRecords: badRecordLimit.maxBadRecords, target: target, images: imageFolder)
    let line = ProgressLine(quiet: work.quiet)
    defer { line.clear() }
    let isParquet = ColumnFile.isNamed(target)
    if isParquet, !force, access(target, F_OK) == 0 { throw AtomicFile.existsAlready(target) }
    let rows = isParquet ? Self.hiddenRows(beside: target) : target
    defer { if isParquet { unlink(rows) } }
    let output = try OutputFile(path: rows, existing: force ? .replace : .refuse)
    let quiet = work.quiet
    let summary = try conversion.run(
      into: output,
      onBadRecord: { record, count in
        if !quiet, count <= 3 { line.say("warning: \(record.location): \(record.reason); the line is left out") }
      }, onProgress: { line.update("converted \($0) records", share: $1) })
    try output.finish()
    if isParquet {
      line.update("writing \(target)", share: nil)
      try ColumnFile.write(
        lines: rows, to: target, existing: force ? .replace : .refuse, embedsImages: embedImages,
        folder: URL(fileURLWithPath: target).deletingLastPathComponent().path)
    }
    line.clear()
    if !quiet { Terminal.say(summary.description) }
  }

  /// Where images are written, and what the output calls them; nil for beside the input.
  private var imageFolder: (path: String, name: String)? {
    if let images { return (images, images.hasPrefix("/") ? images : URL(fileURLWithPath: images).path) }
    guard let target = paths.last, target != "-" else { return nil }
    return (target + ".images", URL(fileURLWithPath: target).lastPathComponent + ".images")
  }

  /// A file for the rows of a parquet file that is being made.
  private static func hiddenRows(beside target: String) -> String {
    let url = URL(fileURLWithPath: target)
    return url.deletingLastPathComponent().path + "/.\(url.lastPathComponent).\(AtomicFile.unpredictable()).rows"
  }
}
