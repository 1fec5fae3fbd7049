// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineIO

/// Where a run's batches come from.
protocol BatchSource: AnyObject {
  /// Where the source stands, for a checkpoint.
  var position: JSONValue { get }
  /// What was read.
  nonisolated(nonsending) var counts: TrajectoryReader.Counts { get async }
  /// The share of the source that was handed out, or nil when nobody knows.
  nonisolated(nonsending) var progress: Double? { get async }
  /// How many batches there are in all; nil when nobody knows.
  var batchCount: Int? { get }

  /// Goes to where an earlier part of the run stopped.
  ///
  /// - Parameter steps: How many batches it had taken.
  func move(to position: JSONValue?, steps: Int) async throws
  /// The batch of a step, or nil at the end.
  func next(step: Int) async throws -> TrajectoryBatch?
  /// More groups for a step, none of those given; nil when there are no more.
  func more(step: Int, besides groups: Set<String>, _ lack: LackingGroups) async throws -> TrajectoryBatch?
  /// What is to be rolled out before a step, to learn from alone; nil for nothing.
  func probe(step: Int) throws -> SourceProbe?
  /// Learns from what became of a probe.
  func learn(from probe: ProbeTally, step: Int) async throws
  /// Learns what became of a step, after its last stage.
  func observe(_ batch: TrajectoryBatch) async throws
  /// The figures of a step, and what is to be said of it, since the last call; nil where nothing chooses.
  func takeReport() -> (name: String, report: StageReport)?
  /// Gives back what it holds.
  func close() async
}

extension BatchSource {
  /// Nothing.
  func probe(step: Int) throws -> SourceProbe? { nil }

  /// Nothing.
  func learn(from probe: ProbeTally, step: Int) async throws {}

  /// Nothing.
  func observe(_ batch: TrajectoryBatch) async throws {}

  /// Nothing chooses.
  func takeReport() -> (name: String, report: StageReport)? { nil }

  /// Nothing to give back.
  func close() async {}
}

/// Takes batches as they come from the reader.
final class StreamSource: BatchSource {
  private let reader: TrajectoryReader
  private let onSkip: () -> Void

  /// - Parameter onSkip: Called after each batch that an earlier part of the run has done.
  init(_ reader: TrajectoryReader, onSkip: @escaping () -> Void) {
    self.reader = reader
    self.onSkip = onSkip
  }

  let position = JSONValue.null
  let batchCount: Int? = nil
  nonisolated(nonsending) var counts: TrajectoryReader.Counts { get async { await reader.counts } }
  nonisolated(nonsending) var progress: Double? { get async { await reader.progress } }

  /// Reads the complete steps again and passes over them.
  func move(to position: JSONValue?, steps: Int) async throws {
    for _ in 0..<steps {
      try Task.checkCancellation()
      guard try await reader.next() != nil else { return }
      onSkip()
    }
  }

  func next(step: Int) async throws -> TrajectoryBatch? { try await reader.next() }

  func more(step: Int, besides groups: Set<String>, _ lack: LackingGroups) -> TrajectoryBatch? { nil }
}
