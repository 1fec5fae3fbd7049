// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// A file format in which rollouts or prompts are kept: a peer's, or our own.
///
/// Formats do no input or output: a line's value goes in, records of our own format come out, and back.
/// Records are objects with the fields of ``Field``; keys that nobody knows pass through unchanged.
public protocol RolloutFormat: Sendable {
  /// What `--from` and `--to` call it, in kebab-case.
  var name: String { get }

  /// One sentence that says whose files these are, without a full stop at the end.
  var summary: String { get }

  /// How much the first lines of a file look like this format.
  func likeness(of sample: [JSONValue]) -> FormatLikeness

  /// Starts to read; one importer reads all files that belong together, in order.
  func makeImporter(options: ImportOptions) -> any RolloutImporter

  /// Starts to write.
  func makeExporter() -> any RolloutExporter
}

/// How much lines look like a format.
public enum FormatLikeness: Int, Sendable, Comparable {
  /// Some line cannot be of the format.
  case no
  /// Every line could be, but has nothing that only this format has.
  case possible
  /// Every line has what marks the format.
  case likely

  /// Ordered from `no` to `likely`.
  public static func < (a: FormatLikeness, b: FormatLikeness) -> Bool { a.rawValue < b.rawValue }
}

/// Turns a peer's lines into records of our own format.
public protocol RolloutImporter {
  /// The records of a line, in order: one, or many for a format that writes a step's columns in a line.
  ///
  /// Ids are `GROUP/INDEX`, unique over everything that this importer reads.
  ///
  /// - Parameter location: The file and line, for errors and for grouping by file.
  /// - Throws: ``PipelineError`` that names the key which is missing or of the wrong kind.
  mutating func records(from line: JSONValue, at location: SourceLocation) throws -> [JSONValue]

  /// What was read so far.
  var summary: ImportSummary { get }
}

/// Turns records of our own format into a target's lines.
public protocol RolloutExporter {
  /// The lines that are complete after this record; a format with columns holds a step's records back.
  ///
  /// - Throws: ``PipelineError`` when the record is no object or a field is of the wrong kind.
  mutating func lines(for record: JSONValue) throws -> [JSONValue]

  /// The lines that were held back.
  mutating func finish() -> [JSONValue]

  /// What the target could not hold so far, in the order in which it was first met.
  var losses: [ConversionLoss] { get }
}

/// How a peer's lines are read.
public struct ImportOptions: Sendable {
  /// What becomes of a prompt that is rendered text of a chat template.
  public enum RenderedPrompt: Sendable {
    /// It stays the string it was.
    case asWritten
    /// ChatML text becomes messages where rendering them gives the same text again; else it stays.
    case parseChatML
  }

  /// The peer's keys whose values, taken together, name a group; empty for the format's own rule.
  ///
  /// A dot leads into objects: `extra_info.index`.
  public var groupBy: [String] = []
  /// What becomes of rendered prompts.
  public var renderedPrompt: RenderedPrompt = .asWritten
  /// What each reward part counts in formats that keep the parts only; 1 where absent.
  public var rewardWeights: [String: Double] = [:]
  /// The columns that may hold a data set's question, the first that is there wins.
  public var promptColumns: [String] = ["problem", "prompt", "question"]
  /// The columns that may hold a data set's answer.
  public var answerColumns: [String] = ["answer", "ground_truth"]

  /// Every format's own rules.
  public init() {}
}
