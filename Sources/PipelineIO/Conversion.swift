// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Reads lines of one format and writes them in another.
package struct Conversion {
  /// The result of a conversion.
  package struct Summary: CustomStringConvertible {
    /// The format that was read.
    package let from: String
    /// The format that was written.
    package let to: String
    /// The importer's summary.
    package let imported: ImportSummary
    /// The lines written.
    package let linesWritten: Int
    /// The lines that could not be used.
    package let badRecords: Int
    /// Lines in which a bare NaN or Infinity became null.
    package let nonFiniteLines: Int
    /// What the target format could not hold.
    package let losses: [ConversionLoss]

    /// A few lines for display.
    package var description: String {
      var lines = [
        "\(from) → \(to): \(Self.count(imported.rows, "record")) in \(Self.count(imported.groups, "group")), "
          + "\(Self.count(linesWritten, "line")) written"
      ]
      lines += imported.notes.map { "note: \($0)" }
      if nonFiniteLines > 0 {
        lines.append("note: NaN or Infinity became null in \(Self.count(nonFiniteLines, "line"))")
      }
      if badRecords > 0 { lines.append("left out: \(Self.count(badRecords, "line")) that could not be used") }
      if !losses.isEmpty {
        lines.append("lost, since \(to) has no place for it:")
        lines += losses.map { "  \($0)" }
      }
      return lines.joined(separator: "\n")
    }

    private static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
  }

  private let inputs: [String]
  private let from: String?
  private let to: any RolloutFormat
  private let options: ImportOptions
  private let maxBadRecords: Int
  private let target: String?
  private let images: (path: String, name: String)?

  /// A conversion.
  ///
  /// - Parameters:
  ///   - inputs: Files, or `-` for standard input.
  ///   - from: The name of their format, or nil to recognize it.
  ///   - to: The format to write.
  ///   - target: Where the output goes, from whose folder its relative paths of images lead; nil to leave them as they are.
  ///   - images: The folder for images that rows of columns hold, and what the output calls it; nil for beside each input.
  ///   - maxBadRecords: If more lines than this cannot be used, the conversion fails.
  package init(
    inputs: [String], from: String?, to: any RolloutFormat, options: ImportOptions, maxBadRecords: Int,
    target: String? = nil, images: (path: String, name: String)? = nil
  ) {
    self.inputs = inputs
    self.from = from
    self.to = to
    self.options = options
    self.maxBadRecords = maxBadRecords
    self.target = target
    self.images = images
  }

  /// Converts all inputs, in order.
  ///
  /// - Parameters:
  ///   - onBadRecord: Is called with each line that cannot be used, and the number of such lines so far.
  ///   - onProgress: Is called with the number of records read, and the share of the input.
  /// - Throws: When a file cannot be read or written, the format is unclear, or too many lines are bad.
  package func run(
    into output: OutputFile, onBadRecord: (BadRecord, Int) -> Void, onProgress: (Int, Double?) -> Void
  ) throws -> Summary {
    var work = Work(
      exporter: to.makeExporter(), anchor: target.map { ImageAnchor(writing: $0, keeping: images?.name) })
    var format: (any RolloutFormat)?
    for (index, path) in inputs.enumerated() {
      let input = try ChunkedInput(
        path: path, images: images.map { ColumnByteSource.ImageFolder(path: $0.path, name: $0.name) })
      let known =
        try format ?? FormatTranslation.format(
          from, in: .standard, columns: options.columns, of: input) ?? NativeFormat()
      format = known
      if work.importer == nil {
        work.importer = known.makeImporter(options: options)
        work.importer?.look(at: try FormatTranslation.sample(of: input))
      }
      var line = 1
      work.folder = Trajectory.folder(of: input.displayPath)
      while let bytes = try input.takeBytes() {
        try Task.checkCancellation()
        var next = bytes.startIndex
        while next < bytes.endIndex {
          let end = ByteSearch.newline(in: bytes, from: next) ?? bytes.endIndex
          let text = bytes[next..<end]
          next = end + 1
          let place = SourceLocation(file: input.displayPath, line: line, column: 1)
          line += 1
          do {
            try work.convert(text, at: place)
          } catch let error as PipelineError where error.code == .invalidData {
            let record = BadRecord(
              location: error.location ?? place, reason: error.message,
              text: String(String(decoding: text.prefix(8_000), as: UTF8.self).prefix(2_000)))
            try work.note(record, limit: maxBadRecords)
            onBadRecord(record, work.badRecords)
          }
        }
        try work.flush(to: output)
        onProgress(
          work.importer?.rows ?? 0, input.progress(fileCount: inputs.count, filesLeft: inputs.count - index - 1)
        )
      }
    }
    work.append(work.exporter.finish())
    try work.flush(to: output)
    guard let importer = work.importer, importer.summary.rows > 0 else { throw nothingRead(work) }
    return Summary(
      from: format?.name ?? "", to: to.name, imported: importer.summary, linesWritten: work.linesWritten,
      badRecords: work.badRecords, nonFiniteLines: work.nonFiniteLines, losses: work.exporter.losses)
  }

  private func nothingRead(_ work: Work) -> PipelineError {
    let files = inputs.map { $0 == "-" ? "standard input" : $0 }.joined(separator: ", ")
    guard let first = work.firstBad else {
      return PipelineError(.invalidData, "\(files) contains no rollouts; check that the right file was named")
    }
    return PipelineError(
      .invalidData, "no line of \(files) can be used (\(work.badRecords) bad); the first: \(first.reason)",
      at: first.location)
  }

  private struct Work {
    var importer: (any RolloutImporter)?
    var exporter: any RolloutExporter
    var pending: [UInt8] = []
    var linesWritten = 0
    var badRecords = 0
    var nonFiniteLines = 0
    var firstBad: BadRecord?
    private let compact = CompactLine()
    /// Where the file lies that is being read.
    var folder = ""

    /// Names images as seen from the output; nil to leave them as they are.
    let anchor: ImageAnchor?

    init(exporter: any RolloutExporter, anchor: ImageAnchor?) {
      self.exporter = exporter
      self.anchor = anchor
    }

    mutating func convert(_ line: ArraySlice<UInt8>, at place: SourceLocation) throws {
      guard line.contains(where: { $0 > 0x20 }) else { return }
      try line.withUnsafeBytes { bytes in
        let read = try compact.read(bytes, at: place)
        if read.isNonFinite { nonFiniteLines += 1 }
        for record in try importer?.records(from: read.line, at: place) ?? [] { try append(record) }
      }
    }

    private mutating func append(_ record: ImportedRecord) throws {
      if exporter.keepsRecords, anchor == nil || !record.mayNameImages {
        record.write(to: &pending)
        pending.append(0x0A)
        linesWritten += 1
        return
      }
      let value = record.json
      append(try exporter.lines(for: anchor?.anchored(value, from: folder) ?? value))
    }

    mutating func append(_ lines: [JSONValue]) {
      for line in lines {
        line.write(to: &pending)
        pending.append(0x0A)
      }
      linesWritten += lines.count
    }

    mutating func note(_ record: BadRecord, limit: Int) throws {
      badRecords += 1
      firstBad = firstBad ?? record
      if badRecords > limit, let first = firstBad {
        let more = badRecords == 1 ? "" : " (the first of \(badRecords) bad records)"
        throw PipelineError(
          .invalidData,
          "\(first.reason)\(more); correct the file, or allow more with "
            + "--max-bad-records (now \(limit))", at: first.location)
      }
    }

    mutating func flush(to output: OutputFile) throws {
      try output.write(pending)
      pending.removeAll(keepingCapacity: true)
    }
  }
}
