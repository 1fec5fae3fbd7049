// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import PipelineCore
import PipelineIO
import PipelineReport

/// What `report` and `view` show.
struct ReportInput: ParsableArguments {
  @Argument(help: "Directories of runs, folders of such directories, and files of rollouts in any format.")
  var paths: [String]

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Show about n rollouts: whole groups, chosen at random, the same ones each time.", valueName: "n"))
  var sample: Int?

  @Option(
    help: ArgumentHelp(
      "The part of the reward that says whether a response is right. (default: as in the run)", valueName: "part"))
  var accuracy: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("A response is right from this value of it on. (default: 0.5)", valueName: "value"))
  var rightFrom: Double?

  @Option(
    help: ArgumentHelp("The columns of the table, separated by commas. (default: as in the run)", valueName: "names"))
  var columns: String?

  @Option(help: ArgumentHelp("The rollouts' format; recognized by default.", valueName: "name"))
  var format: String?

  @Option(
    help: ArgumentHelp("Fields whose values together identify a group, separated by commas.", valueName: "fields"))
  var groupBy: String?

  @OptionGroup var importing: ImportArguments

  @Option(
    help: ArgumentHelp(
      "A folder that images of the records may lie in, beside that of their file; may be repeated.",
      valueName: "folder"))
  var imageRoot: [String] = []

  func validate() throws {
    if let sample, sample < 1 { throw ValidationError("--sample is \(sample), it must be at least 1") }
    if paths.isEmpty { throw ValidationError("name a run, a folder of runs, or files of rollouts") }
  }

  func sources() throws -> [ReportSource] {
    var reading = TrajectoryReader.Options(paths: [])
    try importing.apply(to: &reading.importing)
    reading.format = format
    reading.groupBy = (groupBy ?? "").split(separator: ",").map { Field($0.trimmingCharacters(in: .whitespaces)) }
    return try ReportSource.sources(at: paths, reading: reading)
  }

  func options(_ work: WorkOptions, isLive: Bool = false) throws -> ReportBuilder.Options {
    var options = ReportBuilder.Options()
    (options.registry, options.access, options.sample) = (
      CommandEnvironment.registry, MediaAccess(roots: imageRoot), sample
    )
    (options.threads, options.isLive) = (work.threads, isLive)
    if let accuracy { options.settings.append(.init("accuracy", .string(accuracy))) }
    if let rightFrom { options.settings.append(.init("right_from", .number(rightFrom))) }
    if let columns {
      let names = columns.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
      options.settings.append(.init("columns", .array(names.map { .string($0) })))
    }
    return options
  }
}
