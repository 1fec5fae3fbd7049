// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// A file format for rollouts or prompts: our own, or that of another program.
///
/// Formats do no input or output: they convert a line's value to records of our own format, and back. Records are
/// objects with the fields of ``Field``; unknown keys pass through unchanged.
package protocol RolloutFormat: Sendable {
  /// Its name for `--from` and `--to`, in kebab-case.
  var name: String { get }

  /// One sentence on whose files these are, without a full stop at the end.
  var summary: String { get }

  /// How well the first lines of a file fit this format.
  func likeness(of sample: [JSONValue]) -> FormatLikeness

  /// Starts reading; one importer reads all files that belong together, in order.
  func makeImporter(options: ImportOptions) -> any RolloutImporter

  /// Starts writing.
  func makeExporter() -> any RolloutExporter
}

/// How well lines fit a format.
package enum FormatLikeness: Int, Sendable, Comparable {
  /// Some line cannot be in the format.
  case no
  /// Every line could be, but has nothing specific to this format.
  case possible
  /// Every line has what identifies the format.
  case likely

  /// Ordered from `no` to `likely`.
  package static func < (a: FormatLikeness, b: FormatLikeness) -> Bool { a.rawValue < b.rawValue }
}

/// Converts lines to records of our own format.
package protocol RolloutImporter {
  /// Looks at the first lines before any is read; for formats that have several forms.
  mutating func look(at sample: [JSONValue])

  /// The records of a line, in order: one, or many for a format that writes a step's columns in a line.
  ///
  /// Ids are `GROUP/INDEX`, unique over everything that this importer reads.
  ///
  /// - Parameter location: The file and line, for errors and for grouping by file.
  /// - Throws: ``PipelineError`` that names the key that is missing or has the wrong type.
  mutating func records(from line: Cell, at location: SourceLocation) throws -> [ImportedRecord]

  /// How many records were read so far.
  var rows: Int { get }

  /// What was read so far: all groups are looked at, so it is for the end.
  var summary: ImportSummary { get }
}

extension RolloutImporter {
  /// One form is all there is.
  package mutating func look(at sample: [JSONValue]) {}

  /// The records of a line that was decoded.
  package mutating func records(from line: JSONValue, at location: SourceLocation) throws -> [JSONValue] {
    var bytes: [UInt8] = []
    line.write(to: &bytes)
    return try bytes.withUnsafeBytes { try records(from: Cell(text: $0), at: location).map(\.json) }
  }
}

/// Turns records of our own format into a target's lines.
package protocol RolloutExporter {
  /// The lines that are complete with this record; a format with columns holds the records of a step back.
  ///
  /// - Throws: ``PipelineError`` when the record is not an object or a field has the wrong type.
  mutating func lines(for record: JSONValue) throws -> [JSONValue]

  /// Whether a record is a line of the target as it is.
  var keepsRecords: Bool { get }

  /// The lines that have been held back.
  mutating func finish() -> [JSONValue]

  /// What the target could not hold so far, in the order of first occurrence.
  var losses: [ConversionLoss] { get }
}

extension RolloutExporter {
  /// Only our own format keeps them.
  package var keepsRecords: Bool { false }
}

/// Options for reading lines of another format.
package struct ImportOptions: Sendable {
  /// What to do with a prompt that is the rendered text of a chat template.
  package enum RenderedPrompt: Sendable {
    /// It stays a string.
    case asWritten
    /// ChatML text is converted to messages if rendering them gives the same text again; otherwise it stays a string.
    case parseChatML
  }

  /// The keys whose values together identify a group; empty for the format's own rule.
  ///
  /// A dot means a member of an object: `extra_info.index`.
  package var groupBy: [String] = []
  /// What to do with rendered prompts.
  package var renderedPrompt: RenderedPrompt = .asWritten
  /// The weight of each reward part in formats that store only the parts; 1 if absent.
  package var rewardWeights: [String: Double] = [:]
  /// The columns that hold parts of the reward in formats that keep the parts only; empty to tell by their names.
  package var rewardColumns: [String] = []
  /// Which column holds which field, where no format is known: `["prompt": "question"]`; a dot leads into objects.
  package var columns: [ColumnMap.Entry] = []
  /// The number of rollouts of each group, where the groups lie one after the other; 0 where something else names them.
  package var groupSize = 0
  /// Which assistant turns of a conversation become responses.
  package var turns = AnswerTurns.last
  /// The columns that may hold a data set's question, the first that is there wins.
  package var promptColumns: [String] = ["problem", "prompt", "question"]
  /// The columns that may contain a data set's answer.
  package var answerColumns: [String] = ["answer", "ground_truth"]

  /// The format's own rules.
  package init() {}
}
