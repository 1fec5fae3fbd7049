// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
package import PipelineCore
import PipelineIO
import PipelineRuntime
import Synchronization

/// Writes the data of a report: once, or piece by piece while runs go on.
///
/// Sources are read from where the last look ended. Of the rows, only a few blocks are in memory at a time.
package actor ReportBuilder {
  /// How a report is made.
  package struct Options: Sendable {
    /// The components by which stages are described.
    package var registry = Registry()
    /// Folders that images may lie in, beside those of their data.
    package var access = MediaAccess()
    /// About so many rollouts, in whole groups; nil for all.
    package var sample: Int?
    /// View settings that go over those of the runs.
    package var settings: [JSONValue.Member] = []
    /// Whether the page is to look for more again and again.
    package var isLive = false
    package var threads = 1

    package init() {}
  }

  /// What a report holds.
  package struct Summary: Sendable, Hashable {
    package var rows = 0
    package var leftOutRows = 0
    package var badRecords = 0
    package var pictures = 0
  }

  private static let blockBytes = 4 << 20
  private static let seriesBytes = 1 << 20

  private let options: Options
  private let sink: any ReportSink
  private let pictures: PictureStore
  private var states: [SourceState]
  private var sample: GroupSample?
  private var blockCount = 0
  private var leftOutColumns: Set<String> = []
  private let badRecords = BadRecordNote()
  private var summary = Summary()
  private var lastManifest: [UInt8] = []
  private let onProgress: @Sendable (Int) -> Void

  /// Nothing is read yet.
  ///
  /// - Parameter onProgress: Is told the number of rows so far.
  package init(
    _ sources: [ReportSource], into sink: any ReportSink, options: Options,
    onProgress: @escaping @Sendable (Int) -> Void = { _ in }
  ) {
    (self.options, self.sink, self.onProgress) = (options, sink, onProgress)
    pictures = PictureStore(sink)
    states = zip(sources, SourceNames.names(of: sources)).map { SourceState($0, name: $1) }
  }

  /// Reads what has been added, and writes it.
  ///
  /// - Returns: What the report holds by now.
  /// - Throws: When a source cannot be read, or a run has been started anew.
  @discardableResult
  package func advance() async throws -> Summary {
    if let wanted = options.sample, sample == nil { try await choose(wanted) }
    for index in states.indices { try await advance(index) }
    summary.pictures = pictures.count
    summary.badRecords = badRecords.count
    try writeManifest()
    return summary
  }

  // MARK: Sources

  private func advance(_ index: Int) async throws {
    switch states[index].source {
    case .files(let options):
      if states[index].isRead { return }
      states[index].isRead = true
      var rows = FileRows(reader: reader(options))
      try await add(&rows, index, PicturePlaces(access: self.options.access))
    case .run(let run):
      let progress = try run.progress()
      if let file = states[index].read.first(where: { progress.lengths[$0.key, default: 0] < $0.value })?.key {
        throw RestartedRun(path: run.path, file: file)
      }
      states[index].isAtWork = run.isAtWork
      states[index].progress = progress
      for name in ["metrics", "timings", "evaluations"] { try addSeries(name, of: run, index) }
      if var rows = rows(of: run, index) {
        try await add(&rows, index, run.places(allowing: options.access))
      }
      states[index].read = progress.lengths
    }
  }

  private func rows(of run: RunFolder, _ index: Int) -> (any RowStream)? {
    let state = states[index]
    func stream(_ name: String) -> TrajectoryReader? {
      guard let part = run.part(of: name, in: state.progress, from: state.read[name, default: 0]) else { return nil }
      var options = TrajectoryReader.Options(paths: [run.file(name)])
      options.part = part
      options.format = "shuffle-r1"
      return reader(options)
    }
    let all = stream("rollouts.jsonl.zst")
    if let lineage = stream("lineage.jsonl") {
      let selected = all == nil || !run.keepsAllRollouts ? stream(run.selectedFile) : nil
      return RunRows(lineage: lineage, all: all, selected: selected)
    }
    return (all ?? stream(run.selectedFile)).map { FileRows(reader: $0) }
  }

  private func reader(_ options: TrajectoryReader.Options) -> TrajectoryReader {
    var options = options
    options.threads = self.options.threads
    // What cannot be used is counted and named; the rest is worth seeing.
    options.maxBadRecords = nil
    let badRecords = badRecords
    return TrajectoryReader(options) { badRecords.add($0) }
  }

  private func choose(_ wanted: Int) async throws {
    var sample = GroupSample(of: wanted)
    for index in states.indices {
      let reader: TrajectoryReader
      switch states[index].source {
      case .files(let options):
        if options.paths.contains("-") {
          throw PipelineError(
            .inputOutput, "--sample reads its input twice, which standard input does not allow; name a file")
        }
        reader = TrajectoryReader(
          {
            var it = options; it.maxBadRecords = nil; it.threads = self.options.threads; return it
          }())
      case .run(let run):
        let progress = try run.progress()
        let name = ["lineage.jsonl", "rollouts.jsonl.zst", run.selectedFile].first {
          progress.lengths[$0, default: 0] > 0
        }
        guard let name, let part = run.part(of: name, in: progress, from: 0) else { continue }
        var options = TrajectoryReader.Options(paths: [run.file(name)])
        (options.part, options.format, options.maxBadRecords) = (part, "shuffle-r1", nil)
        options.threads = self.options.threads
        reader = TrajectoryReader(options)
      }
      while let trajectories = try await reader.nextUncut() {
        for trajectory in trajectories { sample.add(trajectory, source: index) }
      }
    }
    self.sample = sample
  }

  // MARK: Rows

  private func add(_ stream: inout some RowStream, _ index: Int, _ places: PicturePlaces) async throws {
    var block: [ReportRow] = []
    var bytes = 0
    var inFlight: [Task<EncodedBlock, any Error>] = []
    defer { for task in inFlight { task.cancel() } }
    func start() {
      let place = BlockEncoder.Place(
        key: String(blockCount), source: index, sink: sink, pictures: pictures, places: places,
        notesTokens: states[index].tokenTexts != nil)
      let rows = block
      inFlight.append(Task { try BlockEncoder.write(rows, at: place) })
      blockCount += 1
      (block, bytes) = ([], 0)
    }
    while let rows = try await stream.next() {
      try Task.checkCancellation()
      for row in rows {
        if let sample, !sample.contains(row.main, source: index) {
          summary.leftOutRows += 1
          continue
        }
        block.append(row)
        bytes += row.byteCount
        if block.count == ColumnTable.mostRows || bytes >= Self.blockBytes {
          if inFlight.count >= max(1, options.threads) { note(try await inFlight.removeFirst().value, index) }
          start()
        }
      }
    }
    if !block.isEmpty { start() }
    while !inFlight.isEmpty { note(try await inFlight.removeFirst().value, index) }
  }

  private func note(_ block: EncodedBlock, _ index: Int) {
    states[index].tokenTexts?.add(block.tokens)
    states[index].rowCount += block.rowCount
    summary.rows += block.rowCount
    for name in block.leftOut where leftOutColumns.count < 64 { leftOutColumns.insert(name) }
    onProgress(summary.rows)
  }

  // MARK: Series

  private func addSeries(_ name: String, of run: RunFolder, _ index: Int) throws {
    let file = name + ".jsonl"
    guard let part = run.part(of: file, in: states[index].progress, from: states[index].read[file, default: 0]) else {
      return
    }
    var pieces: [[UInt8]] = [[]]
    try LineRange(path: run.file(file), part: part).forEachLine { line in
      if name == "metrics" { states[index].watch(line) }
      if name == "timings" { states[index].watchStart(line) }
      pieces[pieces.count - 1].append(contentsOf: line)
      pieces[pieces.count - 1].append(0x0A)
      if pieces[pieces.count - 1].count >= Self.seriesBytes { pieces.append([]) }
    }
    for piece in pieces where !piece.isEmpty {
      let number = states[index].seriesParts[name, default: 0]
      try sink.add(ReportPart(kind: .series, key: "\(index)-\(name)-\(number)", text: piece))
      states[index].seriesParts[name] = number + 1
    }
  }

  // MARK: Manifest

  private func writeManifest() throws {
    for index in states.indices {
      if let text = states[index].tokenTexts?.takeNew() {
        let number = states[index].seriesParts["tokens", default: 0]
        try sink.add(ReportPart(kind: .tokens, key: "\(index)-\(number)", text: text))
        states[index].seriesParts["tokens"] = number + 1
      }
    }
    var members: [JSONValue.Member] = [
      .init("format", 1), .init("program", .string("shuffle-r1 \(Toolkit.version)")),
      .init("live", .bool(options.isLive)),
      .init("rows", .number(summary.rows)), .init("blocks", .number(blockCount)),
      .init("sources", .array(states.map { $0.json(registry: options.registry) })),
      .init("settings", settings), .init("metrics", .array(MetricNotes.json(options.registry))),
      .init("bad", badRecords.json), .init("left_out_columns", .array(leftOutColumns.sorted().map { .string($0) })),
    ]
    if let sample {
      members.append(
        .init("sample", ["shown": .number(summary.rows), "of": .number(sample.seenCount)]))
    }
    var text: [UInt8] = []
    JSONValue.object(members).write(to: &text)
    if text == lastManifest { return }
    try sink.add(ReportPart(kind: .manifest, key: "", text: text))
    lastManifest = text
  }

  /// The settings of the first run that has any, under those that the user gave.
  private var settings: JSONValue {
    let ofRuns =
      states.lazy.compactMap { state -> [JSONValue.Member]? in
        if case .run(let run) = state.source { run.viewSettings } else { nil }
      }.first ?? []
    return .object(options.settings + ofRuns.filter { member in !options.settings.contains { $0.key == member.key } })
  }
}

/// A run whose files have become shorter than they were: it was started anew.
package struct RestartedRun: Error, CustomStringConvertible {
  let path: String
  let file: String

  package var description: String {
    "the run in \(path) was started anew (\(file) is shorter than it was); make the report again"
  }
}

/// Counts bad records, and keeps the first of them.
private final class BadRecordNote: Sendable {
  private let state = Mutex((count: 0, first: [BadRecord]()))

  func add(_ record: BadRecord) {
    state.withLock { state in
      state.count += 1
      if state.first.count < 20 { state.first.append(record) }
    }
  }

  var count: Int { state.withLock { $0.count } }

  var json: JSONValue {
    state.withLock { state in
      [
        "count": .number(state.count),
        "first": .array(
          state.first.map {
            [
              "file": .string($0.location.file), "line": .number($0.location.line),
              "column": .number($0.location.column), "reason": .string($0.reason),
              "text": .string(String($0.text.prefix(400))),
            ]
          }),
      ]
    }
  }
}
