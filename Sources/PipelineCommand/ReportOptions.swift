// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import PipelineAnalysis
import PipelineCore
import PipelineIO

/// How a report is printed.
struct ReportOptions: ParsableArguments {
  /// When to colour.
  enum Color: String, ExpressibleByArgument, CaseIterable {
    case auto, always, never
  }

  @Flag(help: "Print JSON.")
  var json = false

  @Option(help: "Whether to colour the report; 'auto' does so on a terminal, unless NO_COLOR is set.")
  var color = Color.auto

  func print(text: (TerminalStyle) -> String, json value: () -> JSONValue) throws {
    let text = json ? value().prettyJSON : text(style)
    try Terminal.print(text.hasSuffix("\n") ? text : text + "\n")
  }

  private var style: TerminalStyle {
    let environment = ProcessInfo.processInfo.environment
    let colors =
      switch color {
      case .always: true
      case .never: false
      case .auto: Terminal.showsOutput && environment["NO_COLOR"] == nil && environment["TERM"] != "dumb"
      }
    let locale = environment["LC_ALL"] ?? environment["LC_CTYPE"] ?? environment["LANG"] ?? ""
    // The reader of a pipe is assumed to understand UTF-8; a terminal states it in its locale.
    let isPlain = Terminal.showsOutput && (locale == "C" || locale == "POSIX")
    return TerminalStyle(width: min(Terminal.width, 120), color: colors, unicode: !isPlain)
  }
}

/// Which rollouts a report reads, and how.
struct RolloutArguments: ParsableArguments {
  @Option(help: ArgumentHelp("The rollouts' format; recognized by default.", valueName: "name"))
  var format: String?

  @Option(
    help: ArgumentHelp("Fields whose values together identify a group, separated by commas.", valueName: "fields"))
  var groupBy: String?

  @OptionGroup var importing: ImportArguments

  @Option(parsing: .unconditional, help: ArgumentHelp("Start a new batch after every n groups.", valueName: "n"))
  var batchGroups: Int?

  @Option(help: ArgumentHelp("Start a new batch whenever this field's value changes.", valueName: "field"))
  var batchBy: String?

  func validate() throws {
    if batchGroups != nil, batchBy != nil {
      throw ValidationError("--batch-groups and --batch-by exclude each other; give one of them")
    }
    if let batchGroups, batchGroups < 1 {
      throw ValidationError("--batch-groups is \(batchGroups), it must be at least 1")
    }
  }

  func apply(to options: inout TrajectoryReader.Options) throws {
    try importing.apply(to: &options.importing)
    if let format { options.format = format }
    if let groupBy {
      options.groupBy = groupBy.split(separator: ",").map { Field($0.trimmingCharacters(in: .whitespaces)) }
    }
    if let batchGroups { options.cut = .groups(batchGroups) }
    if let batchBy { options.cut = .field(Field(batchBy)) }
  }
}

/// How many bad lines are tolerated.
struct BadRecordLimit: ParsableArguments {
  @Option(parsing: .unconditional, help: ArgumentHelp("Stop after more than n bad records.", valueName: "n"))
  var maxBadRecords = 100

  func validate() throws {
    if maxBadRecords < 0 { throw ValidationError("--max-bad-records is \(maxBadRecords), it must be at least 0") }
  }
}
