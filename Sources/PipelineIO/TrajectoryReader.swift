// SPDX-License-Identifier: Apache-2.0
import Foundation
package import PipelineCore
import Synchronization

/// Reads JSONL trajectories, plain or compressed, from files and pipes, batch by batch.
///
/// Lines are checked and indexed on several threads, in chunks of a fixed size, and returned in order. For a batch of a
/// plain file only an index is kept in memory; of a pipe, at most 64 MiB of text, the rest is spooled.
public actor TrajectoryReader {
  /// What a line is.
  package enum RecordKind: Sendable, Hashable {
    /// A trajectory: it has an id and a group.
    case trajectories
    /// A prompt to sample from: its group is its id if it names none, and occurs only once in the input.
    case prompts

    var noun: String { self == .prompts ? "prompt" : "trajectory" }
  }

  /// What to read, and how.
  package struct Options: Sendable {
    /// Files, or `-` for standard input, in order.
    package var paths: [String]
    /// What a line is.
    package var kind = RecordKind.trajectories
    /// The name of their format, or nil to recognize it by the first lines.
    package var format: String?
    /// The formats that can be read.
    package var catalog = FormatCatalog.standard
    /// How to cut batches.
    package var cut: BatchCut = .automatic
    /// Whether a step may come again after its batch has ended: to look at several runs, not to train on them.
    package var stepsMayReturn = false
    /// The number of the first batch; above 0 if earlier batches are read elsewhere.
    package var firstBatch = 0
    /// Fields whose values together identify the group; empty for the records' own `group`.
    package var groupBy: [Field] = []
    /// How a peer's lines are read; ``groupBy`` counts, not that of these.
    package var importing = ImportOptions()
    /// What is put around each prompt; nil to leave prompts as they are.
    package var shape: PromptShape?
    /// Fields that every record must carry.
    package var required: [Field] = []
    /// What requires those fields: the start of the sentence "… 'reward', but this record has no such key".
    package var requiredBy = "the source provides"
    /// More bad records than this end the reading; nil for no limit.
    package var maxBadRecords: Int? = 100
    /// The name of the limit where the user sets it.
    package var nameOfLimit = "max_bad_records"
    /// The bytes of the files to read, whole lines or whole compressed frames; nil for all of them.
    package var part: Range<UInt64>?
    /// The most threads to use.
    package var threads = 1

    /// Reads these files with the defaults above.
    package init(paths: [String]) { self.paths = paths }
  }

  /// What was read so far.
  public struct Counts: Sendable, Hashable {
    /// Trajectories returned or waiting.
    public var trajectories = 0
    /// Lines that could not be used.
    public var badRecords = 0
    /// Lines that contain a bare NaN or Infinity, which counts as no value.
    public var nonFiniteRecords = 0
    /// Lines read.
    public var lines = 0
    /// Bytes of text read, decompressed.
    public var bytes = 0

    /// Nothing has been read yet.
    public init() {}
  }

  private let options: Options
  private let onBadRecord: @Sendable (BadRecord) throws -> Void
  private var remainingPaths: ArraySlice<String>
  private var input: ChunkedInput?
  private let keeper = RecordKeeper()
  private var inFlight: [Task<ParsedChunk, any Error>] = []
  private var translation: FormatTranslation?
  private var isNative: Bool?
  /// Why no more of the file can be read, once what is in flight has been taken.
  private var fault: (any Error)?
  private var lineOfNextChunk = 1
  /// The same of the next chunk that is put to work.
  private var lineOfNextWork = 1
  private var waiting: [Trajectory] = []
  private var waitingPosition = 0
  /// The ids of the batch of which pieces are handed out, and the lines of each.
  private var idsOfPieces = HashIndex()
  private var linesOfPieces: [Int32] = []
  private var cutter: BatchCutter
  private var nextNumber: Int
  private var firstBadRecord: BadRecord?
  /// The groups of earlier prompts, as hashes.
  private var promptsSeen: Set<UInt64> = []
  private let parser: RecordParser
  /// The fields that every record must carry, each with its position among the reserved ones; a group has each of them.
  private let required: [(field: Field, index: Int?)]
  /// What was read so far.
  package private(set) var counts = Counts()

  /// Opens nothing yet.
  ///
  /// - Parameter onBadRecord: Is called with each line that cannot be used, in order.
  package init(_ options: Options, onBadRecord: @escaping @Sendable (BadRecord) throws -> Void = { _ in }) {
    self.options = options
    self.onBadRecord = onBadRecord
    self.remainingPaths = options.paths[...]
    self.cutter = BatchCutter(options.cut, valuesMayReturn: options.stepsMayReturn)
    self.nextNumber = options.firstBatch
    self.parser = RecordParser(groupBy: options.groupBy, kind: options.kind)
    required = options.required.filter { $0 != .group }.map { ($0, Field.reservedIndex[$0]) }
  }

  deinit { for task in inFlight { task.cancel() } }

  /// The share of the input read so far, or nil when its size is unknown.
  package var progress: Double? { input?.progress(fileCount: options.paths.count, filesLeft: remainingPaths.count) }

  /// The next batch, or nil at the end.
  ///
  /// - Throws: When the input cannot be read, a group reappears after its batch has ended, or more records are bad than
  ///   allowed.
  package func next() async throws -> TrajectoryBatch? {
    var open = OpenBatch()
    while true {
      if try takeWaiting(into: &open) { return finish(&open) }
      guard let chunk = try await nextChunk() else { return open.trajectories.isEmpty ? nil : finish(&open) }
      try take(chunk)
    }
  }

  /// A batch of which more is read.
  private struct OpenBatch {
    var trajectories: [Trajectory] = []
    var seen = IDTable()
  }

  /// Takes what waits; in one go, since an asynchronous function keeps what it works with in memory.
  ///
  /// - Returns: Whether the batch has ended.
  private func takeWaiting(into open: inout OpenBatch) throws -> Bool {
    while true {
      switch try nextWaiting(isOpen: !open.trajectories.isEmpty) {
      case .trajectory(let trajectory):
        let position = open.trajectories.count
        if let first = open.seen.insert(trajectory.id, at: position, ids: { open.trajectories[$0].id }) {
          try repeated(trajectory, of: open.trajectories[first].record.line)
        } else {
          open.trajectories.append(trajectory)
        }
      case .endOfBatch: return true
      case .noneLeft: return false
      }
    }
  }

  /// Some trajectories of a batch.
  package struct Piece {
    /// The trajectories, in order; may be empty.
    package let trajectories: [Trajectory]
    /// The number of the batch.
    package let number: Int
    /// Whether the batch ends behind these.
    package let endsBatch: Bool
  }

  /// The next trajectories of a batch, as many as were read at once, or nil at the end: for callers that need to know where
  /// batches end, and do not need all of one in memory.
  ///
  /// - Throws: As ``next()``.
  package func nextPiece() async throws -> Piece? {
    var piece: [Trajectory] = []
    while true {
      switch try nextWaiting(isOpen: !linesOfPieces.isEmpty) {
      case .trajectory(let trajectory):
        let found = idsOfPieces.insert(ContentHash.of(trajectory.id))
        if found.isNew {
          linesOfPieces.append(Int32(clamping: trajectory.record.line))
          piece.append(trajectory)
        } else {
          try repeated(trajectory, of: Int(linesOfPieces[found.number]))
        }
      case .endOfBatch: return lastPiece(piece)
      case .noneLeft:
        if !piece.isEmpty {
          keeper.batchEnded()
          return Piece(trajectories: piece, number: nextNumber, endsBatch: false)
        }
        guard let chunk = try await nextChunk() else { return linesOfPieces.isEmpty ? nil : lastPiece(piece) }
        try take(chunk)
      }
    }
  }

  private func lastPiece(_ trajectories: [Trajectory]) -> Piece {
    defer { nextNumber += 1 }
    keeper.batchEnded()
    idsOfPieces.removeAll()
    linesOfPieces.removeAll()
    return Piece(trajectories: trajectories, number: nextNumber, endsBatch: true)
  }

  private enum Waiting {
    case trajectory(Trajectory)
    /// The trajectory that waits belongs to the next batch.
    case endOfBatch
    /// More has to be read.
    case noneLeft
  }

  /// Takes what waits.
  ///
  /// - Parameter isOpen: Whether the batch has a trajectory already.
  private func nextWaiting(isOpen: Bool) throws -> Waiting {
    while waitingPosition < waiting.count {
      let trajectory = waiting[waitingPosition]
      let prompt = options.kind == .prompts ? PhiloxGenerator.hash(trajectory.group) : nil
      if let prompt, promptsSeen.contains(prompt) {
        waitingPosition += 1
        counts.trajectories -= 1
        try bad(
          trajectory.record.line, 1,
          "the prompt \(trajectory.group.quotedForMessage) has occurred before; give each prompt its own id",
          trajectory)
        continue
      }
      if cutter.canCut, try cutter.startsBatch(trajectory, file: currentFile), isOpen { return .endOfBatch }
      waitingPosition += 1
      if let prompt { promptsSeen.insert(prompt) }
      return .trajectory(trajectory)
    }
    waiting.removeAll(keepingCapacity: true)
    waitingPosition = 0
    return .noneLeft
  }

  private func repeated(_ trajectory: Trajectory, of line: Int) throws {
    counts.trajectories -= 1
    try bad(
      trajectory.record.line, 1,
      "the id \(trajectory.id.quotedForMessage) is already in line \(line) of the same batch", trajectory)
  }

  /// The next trajectories, as many as were read at once, or nil at the end; for callers that do not need batches.
  ///
  /// - Throws: When the input cannot be read, or more records are bad than allowed.
  package func nextUncut() async throws -> [Trajectory]? {
    guard let chunk = try await nextChunk() else { return nil }
    try take(chunk)
    keeper.batchEnded()
    defer { waiting.removeAll() }
    return waiting
  }

  /// Takes back a returned trajectory that turned out to be unusable; it counts as a bad record.
  ///
  /// - Throws: When there are then more bad records than allowed.
  package func reject(_ trajectory: Trajectory, because reason: String) throws {
    counts.trajectories -= 1
    let text = try trajectory.record.withBytes { String(decoding: $0.prefix(8_000), as: UTF8.self).prefix(2_000) }
    let place = SourceLocation(file: trajectory.record.file, line: trajectory.record.line, column: 1)
    try bad(BadRecord(location: place, reason: reason, text: String(text)))
  }

  private var currentFile: String { input?.displayPath ?? "-" }

  private func finish(_ open: inout OpenBatch) -> TrajectoryBatch {
    defer { nextNumber += 1 }
    keeper.batchEnded()
    let trajectories = open.trajectories
    // Its table is given back, and the list has one owner.
    open = OpenBatch()
    return TrajectoryBatch(trajectories, number: nextNumber)
  }

  private func take(_ parsed: ParsedChunk) throws {
    parsed.chunk.firstLine.store(lineOfNextChunk, ordering: .relaxed)
    let file = currentFile
    parsed.chunk.file.withLock { $0 = file }
    counts.lines += parsed.lineCount
    counts.nonFiniteRecords += parsed.nonFiniteLines
    for fault in parsed.faults {
      try bad(lineOfNextChunk + fault.lineInChunk, fault.column, fault.reason, text: fault.text)
    }
    lineOfNextChunk += parsed.lineCount
    counts.trajectories += parsed.trajectories.count
    if options.shape == nil, parsed.trajectories.allSatisfy({ missing(in: $0) == nil }) {
      waiting = parsed.trajectories
      return
    }
    for var trajectory in parsed.trajectories {
      if let missing = missing(in: trajectory) {
        counts.trajectories -= 1
        try bad(
          trajectory.record.line, 1, "\(options.requiredBy) '\(missing)', but this record has no such key", trajectory)
        continue
      }
      do {
        try options.shape?.apply(to: &trajectory)
        waiting.append(trajectory)
      } catch let error as PipelineError {
        counts.trajectories -= 1
        try bad(trajectory.record.line, 1, error.message, trajectory)
      }
    }
  }

  /// The first field that a record must carry and does not.
  private func missing(in trajectory: Trajectory) -> Field? {
    required.first { field, index in
      index.map { !trajectory.record.has(reserved: $0) } ?? !trajectory.has(field)
    }?.field
  }

  private func bad(_ line: Int, _ column: Int, _ reason: String, _ trajectory: Trajectory) throws {
    let text = try trajectory.record.withBytes { String(decoding: $0.prefix(8_000), as: UTF8.self).prefix(2_000) }
    try bad(line, column, reason, text: String(text))
  }

  private func bad(_ line: Int, _ column: Int, _ reason: String, text: String) throws {
    try bad(
      BadRecord(
        location: SourceLocation(file: currentFile, line: line, column: column), reason: reason, text: text))
  }

  private func bad(_ record: BadRecord) throws {
    firstBadRecord = firstBadRecord ?? record
    counts.badRecords += 1
    try onBadRecord(record)
    if let limit = options.maxBadRecords, counts.badRecords > limit, let first = firstBadRecord {
      let more = counts.badRecords == 1 ? "" : " (the first of \(counts.badRecords) bad records)"
      throw PipelineError(
        .invalidData,
        "\(first.reason)\(more); correct the file, or allow more with \(options.nameOfLimit) (now "
          + "\(limit))",
        at: first.location)
    }
  }

  /// What the importer of a peer's format says, or nil for our own format.
  package var importSummary: ImportSummary? { translation?.summary }

  /// The next chunk in order, with the following ones already under way.
  private func nextChunk() async throws -> ParsedChunk? {
    while true {
      try Task.checkCancellation()
      if input == nil {
        guard let path = remainingPaths.popFirst() else { return nil }
        let opened = try ChunkedInput(path: path, part: options.part)
        input = opened
        (lineOfNextChunk, lineOfNextWork) = (1, 1)
        try decideFormat(opened)
      }
      guard let input else { return nil }
      if options.threads <= 1 {
        if let work = try nextWork(of: input) { return try work() }
      } else {
        startWork(of: input)
        if !inFlight.isEmpty { return try await inFlight.removeFirst().value }
        if let fault {
          self.fault = nil
          throw fault
        }
      }
      self.input = nil
    }
  }

  /// Puts one chunk more to work than there are threads, so that none of them waits while the chunks before are taken.
  ///
  /// What keeps the file from being read is thrown when all before it has been taken, as on one thread.
  private func startWork(of input: ChunkedInput) {
    do {
      while fault == nil, inFlight.count <= options.threads, let work = try nextWork(of: input) {
        inFlight.append(Task { try work() })
      }
    } catch { fault = error }
  }

  /// The next chunk of a file, as work that any thread can do; nil at the end.
  private func nextWork(of input: ChunkedInput) throws -> (@Sendable () throws -> ParsedChunk)? {
    if let translation {
      guard let chunk = try translation.nextChunk(of: input, line: lineOfNextWork, keeper: keeper) else { return nil }
      counts.bytes = translation.bytesRead
      lineOfNextWork += chunk.lineCount
      return { chunk.parse() }
    }
    let parser = parser
    if let place = try input.nextPlace() {
      counts.bytes += place.bytes.count
      return { try place.parse(with: parser) }
    }
    guard let chunk = try input.next(keeper: keeper) else { return nil }
    counts.bytes += chunk.bytes.count
    return { chunk.parse(with: parser) }
  }

  /// Finds out, once, whether the files are our own or a peer's.
  private func decideFormat(_ input: ChunkedInput) throws {
    guard isNative == nil else { return }
    let format: (any RolloutFormat)?
    do {
      format = try FormatTranslation.format(
        options.format, in: options.catalog, kind: options.kind, groupBy: options.groupBy,
        columns: options.importing.columns, of: input)
    } catch let error as PipelineError where options.kind == .prompts && options.format == nil {
      // A prompt of ours needs little that could tell it; what is wrong with a line is then said of the line.
      guard error.code == .invalidData else { throw error }
      format = nil
    }
    isNative = format == nil
    if let format {
      var importing = options.importing
      importing.groupBy = options.groupBy.map(\.rawValue)
      translation = FormatTranslation(format, options: importing, sample: try FormatTranslation.sample(of: input))
    }
  }
}
