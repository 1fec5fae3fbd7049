// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Lines of another format, written as records of our own and not yet read as such.
struct TranslatedChunk: Sendable {
  fileprivate let written: RecordParser.WrittenLines
  fileprivate let raw: RawChunk
  fileprivate let isOneLine: Bool
  fileprivate let faults: [ParsedChunk.Fault]
  /// The lines that it was made of.
  let lineCount: Int
  fileprivate let nonFiniteLines: Int

  func parse() -> ParsedChunk {
    let parsed = RecordParser().parse(written, storage: raw.storage, offset: raw.offset, isOneLine: isOneLine)
    return ParsedChunk(
      chunk: parsed.chunk, trajectories: parsed.trajectories, faults: faults + parsed.faults, lineCount: lineCount,
      nonFiniteLines: nonFiniteLines)
  }
}

/// Reads lines of other formats as records of our own.
final class FormatTranslation {
  private var importer: any RolloutImporter
  private var bytes: [UInt8]?
  private var position = 0
  private let compact = CompactLine()
  /// The records of a line that must not be in the same chunk as the lines before it.
  private var held: RecordParser.WrittenLines?
  private var nonFiniteLines = 0
  /// Bytes of the original text read so far.
  private(set) var bytesRead = 0

  init(_ format: any RolloutFormat, options: ImportOptions, sample: [JSONValue]) {
    importer = format.makeImporter(options: options)
    importer.look(at: sample)
  }

  var summary: ImportSummary { importer.summary }

  /// The format of a file, or nil when it is our own.
  ///
  /// - Parameters:
  ///   - name: Its name, or nil to recognize it by the first lines. One line with an id and a group makes it our own
  ///     format; so do lines none of which is JSON, so that all of them are reported as bad. A prompt of our own has an
  ///     id and a text, and rarely a group.
  ///   - kind: What the lines are.
  ///   - groupBy: What names a group instead of `group`.
  ///   - columns: Which column holds which field, where the user says so; no format is looked for then.
  static func format(
    _ name: String?, in catalog: FormatCatalog, kind: TrajectoryReader.RecordKind = .trajectories,
    groupBy: [Field] = [], columns: [ColumnMap.Entry] = [], of input: ChunkedInput
  ) throws -> (any RolloutFormat)? {
    let format: any RolloutFormat
    if !columns.isEmpty {
      format = ColumnMap(columns)
    } else if let name {
      format = try catalog.named(name)
    } else {
      let sample = try sample(of: input, lines: 8)
      let marks: [Field] = [.id] + (groupBy.isEmpty ? [.group] : groupBy)
      let isOurs = sample.contains { line in
        marks.allSatisfy { line[$0.rawValue] != nil }
          || (kind == .prompts && line["id"] != nil && (line["prompt"] ?? line["prompt_tokens"]) != nil)
      }
      if sample.isEmpty || isOurs { return nil }
      format = try catalog.detect(sample: sample, file: input.displayPath)
    }
    return format is NativeFormat ? nil : format
  }

  /// The values of a file's first lines, as far as they are JSON.
  static func sample(of input: ChunkedInput, lines: Int = 256) throws -> [JSONValue] {
    try input.peek().withUnsafeBytes { bytes in
      var sample: [JSONValue] = []
      for line in bytes.split(separator: 0x0A, maxSplits: 4 * lines).prefix(4 * lines) where sample.count < lines {
        if let value = try? JSONValue(parsing: UnsafeRawBufferPointer(rebasing: line)) { sample.append(value) }
      }
      return sample
    }
  }

  /// The records of the next lines, or nil at the end of the file.
  ///
  /// Lines that give one record each are taken together, about a mebibyte at a time. A line that gives several records
  /// becomes a chunk of its own, so that every record knows its line.
  func nextChunk(of input: ChunkedInput, line firstLine: Int, keeper: RecordKeeper) throws -> TranslatedChunk? {
    if let held {
      self.held = nil
      return try kept(held, keeper, faults: [], lineCount: 1, isOneLine: true)
    }
    if bytes == nil {
      guard let next = try input.takeBytes() else { return nil }
      bytes = next
      position = 0
      bytesRead += next.count
    }
    guard let bytes else { return nil }
    var written = RecordParser.WrittenLines(room: Self.chunkBytes + bytes.count / 8)
    var faults: [ParsedChunk.Fault] = []
    var lineCount = 0
    while position < bytes.count, written.bytes.count <= Self.chunkBytes {
      let end = ByteSearch.newline(in: bytes, from: position) ?? bytes.count
      let line = bytes[position..<end]
      position = end + 1
      if line.contains(where: { $0 > 0x20 }) {
        let place = SourceLocation(file: input.displayPath, line: firstLine + lineCount, column: 1)
        do {
          let several = try line.withUnsafeBytes {
            try write(recordsOf: $0, at: place, number: lineCount, to: &written)
          }
          if let several {
            held = several
            break
          }
        } catch let error as PipelineError {
          let text = String(decoding: line.prefix(8_000), as: UTF8.self).prefix(2_000)
          faults.append(
            ParsedChunk.Fault(
              lineInChunk: lineCount, column: error.location?.column ?? 1, reason: error.message, text: String(text)))
        }
      }
      lineCount += 1
    }
    if position >= bytes.count { self.bytes = nil }
    return try kept(written, keeper, faults: faults, lineCount: lineCount, isOneLine: false)
  }

  /// About how many bytes are taken together.
  private static let chunkBytes = 1 << 20

  /// Appends the record of a line; nothing if it throws.
  ///
  /// - Parameter number: The line, counted from 0 at the start of the chunk.
  /// - Returns: The records of a line that gives several; these are not appended.
  private func write(
    recordsOf line: UnsafeRawBufferPointer, at place: SourceLocation, number: Int,
    to written: inout RecordParser.WrittenLines
  ) throws -> RecordParser.WrittenLines? {
    let read = try compact.read(line, at: place)
    if read.isNonFinite { nonFiniteLines += 1 }
    let records = try importer.records(from: read.line, at: place)
    if records.count < 2 {
      for record in records { written.append(record, number: number) }
      return nil
    }
    var several = RecordParser.WrittenLines(room: line.count)
    for (index, record) in records.enumerated() { several.append(record, number: index) }
    return several
  }

  private func kept(
    _ written: RecordParser.WrittenLines, _ keeper: RecordKeeper, faults: [ParsedChunk.Fault], lineCount: Int,
    isOneLine: Bool
  ) throws -> TranslatedChunk {
    defer { nonFiniteLines = 0 }
    return TranslatedChunk(
      written: written, raw: try keeper.keep(written.bytes), isOneLine: isOneLine, faults: faults, lineCount: lineCount,
      nonFiniteLines: nonFiniteLines)
  }
}
