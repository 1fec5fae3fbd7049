// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineIO
import Synchronization

/// Takes batches as they come from the reader; on more than one thread, the next is read while a step works on the one before.
///
/// What is known of a batch, its bad records and how far the reader has come, is said when the batch is handed out, so that
/// nothing depends on how far ahead the reading is.
final class StreamSource: BatchSource {
  /// The next batch, or why there is none, with what was found on the way.
  private struct Read: Sendable {
    let batch: Result<TrajectoryBatch?, any Error>
    let badRecords: [BadRecord]
    let counts: TrajectoryReader.Counts
    let progress: Double?
  }

  private final class Found: Sendable {
    let records = Mutex<[BadRecord]>([])
    func take() -> [BadRecord] {
      records.withLock { records in
        defer { records = [] }
        return records
      }
    }
  }

  private let reader: TrajectoryReader
  private let badRecords: BadRecordLog
  private let found = Found()
  private let readsAhead: Bool
  private var ahead: Task<Read, Never>?
  private var last: Read?

  /// Opens nothing yet.
  ///
  /// - Parameter badRecords: Gets the lines of each batch that cannot be used, when the batch is taken.
  init(_ options: TrajectoryReader.Options, _ badRecords: BadRecordLog) {
    let found = found
    reader = TrajectoryReader(options) { record in found.records.withLock { $0.append(record) } }
    self.badRecords = badRecords
    readsAhead = options.threads > 1
  }

  deinit { ahead?.cancel() }

  let position = JSONValue.null
  let batchCount: Int? = nil
  nonisolated(nonsending) var counts: TrajectoryReader.Counts {
    get async { last?.counts ?? TrajectoryReader.Counts() }
  }
  nonisolated(nonsending) var progress: Double? { get async { last?.progress } }

  /// Reads the complete steps again and passes over them.
  func move(to position: JSONValue?, steps: Int) async throws {
    for _ in 0..<steps {
      try Task.checkCancellation()
      guard try await next() != nil else { return }
      badRecords.discard()
    }
  }

  func next(step: Int, besides waiting: Set<String>) async throws -> TrajectoryBatch? {
    let batch = try await next()
    if readsAhead, batch != nil { ahead = Self.start(reader, found) }
    return batch
  }

  func more(step: Int, besides groups: Set<String>, _ lack: LackingGroups) -> TrajectoryBatch? { nil }

  func close() async { ahead?.cancel() }

  private func next() async throws -> TrajectoryBatch? {
    let read: Read
    if let ahead {
      self.ahead = nil
      read = await withTaskCancellationHandler {
        await ahead.value
      } onCancel: {
        ahead.cancel()
      }
    } else {
      read = await Self.read(reader, found)
    }
    for record in read.badRecords { badRecords.add(record) }
    // The batch is the step's alone: nothing of it is copied when it changes.
    last = Read(batch: .success(nil), badRecords: [], counts: read.counts, progress: read.progress)
    return try read.batch.get()
  }

  private static func start(_ reader: TrajectoryReader, _ found: Found) -> Task<Read, Never> {
    Task.detached { await read(reader, found) }
  }

  private static func read(_ reader: TrajectoryReader, _ found: Found) async -> Read {
    let batch: Result<TrajectoryBatch?, any Error>
    do {
      batch = .success(try await reader.next())
    } catch {
      batch = .failure(error)
    }
    return Read(
      batch: batch, badRecords: found.take(), counts: await reader.counts, progress: await reader.progress)
  }
}
