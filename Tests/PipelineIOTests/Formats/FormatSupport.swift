// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineIO

/// Fixtures and whole conversions, for the tests of formats.
enum FormatSupport {
  static let names = FormatCatalog.standard.names

  /// The lines of a fixture.
  static func fixture(_ name: String) throws -> [JSONValue] {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/\(name).jsonl")
    return try lines(at: file)
  }

  static func lines(at file: URL) throws -> [JSONValue] {
    try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map {
      try JSONValue(parsing: String($0))
    }
  }

  static func json(_ text: String) throws -> JSONValue { try JSONValue(parsing: text) }

  /// What an import gives.
  struct Imported {
    let records: [JSONValue]
    let summary: ImportSummary
  }

  static func imported(
    _ lines: [JSONValue], as format: String, file: String = "in.jsonl",
    options: ImportOptions = ImportOptions()
  ) throws -> Imported {
    var importer = try FormatCatalog.standard.named(format).makeImporter(options: options)
    importer.look(at: lines)
    var records: [JSONValue] = []
    for (index, line) in lines.enumerated() {
      records += try importer.records(from: line, at: SourceLocation(file: file, line: index + 1, column: 1))
    }
    return Imported(records: records, summary: importer.summary)
  }

  static func imported(_ text: String, as format: String, options: ImportOptions = ImportOptions()) throws
    -> Imported
  {
    try imported(
      text.split(separator: "\n").map { try JSONValue(parsing: String($0)) }, as: format, options: options)
  }

  static func exported(_ records: [JSONValue], to format: String) throws -> (
    lines: [JSONValue], losses: [ConversionLoss]
  ) {
    var exporter = try FormatCatalog.standard.named(format).makeExporter()
    var lines: [JSONValue] = []
    for record in records { lines += try exporter.lines(for: record) }
    lines += exporter.finish()
    return (lines, exporter.losses)
  }

  /// The message of the error that `body` throws, or nil.
  static func message(_ body: () throws -> Void) -> String? {
    do {
      try body()
      return nil
    } catch let error as PipelineError { return error.description } catch { return "another error: \(error)" }
  }
}
