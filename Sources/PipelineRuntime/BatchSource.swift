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
  ///
  /// - Parameter waiting: Groups that come only where nothing else does; a source with a fixed order keeps to it.
  func next(step: Int, besides waiting: Set<String>) async throws -> TrajectoryBatch?
  /// More groups for a step, none of those given; nil when there are no more.
  func more(step: Int, besides groups: Set<String>, _ lack: LackingGroups) async throws -> TrajectoryBatch?
  /// What is to be rolled out before a step, to learn from alone; nil for nothing.
  func probe(step: Int) async throws -> SourceProbe?
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
  func probe(step: Int) async throws -> SourceProbe? { nil }

  /// Nothing.
  func learn(from probe: ProbeTally, step: Int) async throws {}

  /// Nothing.
  func observe(_ batch: TrajectoryBatch) async throws {}

  /// Nothing chooses.
  func takeReport() -> (name: String, report: StageReport)? { nil }

  /// Nothing to give back.
  func close() async {}
}
