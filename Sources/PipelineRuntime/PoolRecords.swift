// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineIO

/// The groups of records that were all read at the start.
struct PoolRecords {
  /// The groups in the order of the files.
  let groups: [[Trajectory]]
  /// What was read.
  let counts: TrajectoryReader.Counts
  /// The groups of a batch.
  let groupsPerBatch: Int

  /// Reads all records.
  ///
  /// - Throws: When they cannot be read, or are too few for one batch.
  init(_ reader: TrajectoryReader, files: [String], plan: PoolPlan) async throws {
    var records: [Trajectory] = []
    while let batch = try await reader.next() { records += batch.trajectories }
    let batch = TrajectoryBatch(records)
    groups = batch.groups.map { $0.positions.map { batch[$0] } }
    counts = await reader.counts
    groupsPerBatch = plan.groups ?? max(1, groups.count)
    if !groups.isEmpty, groups.count < groupsPerBatch {
      throw PipelineError(
        .invalidData,
        "\(files.joined(separator: ", ")) holds \(groups.count) groups, fewer than a batch of \(groupsPerBatch); lower "
          + "source.batch.groups to \(groups.count) or less, or add records")
    }
  }

  /// The groups as a sampler sees them.
  ///
  /// - Throws: When a record's value of a field that it reads is no number.
  func pool(for sampler: any PromptSampler, plan: PoolPlan, seed: UInt64) throws -> PromptPool {
    var numbers: [Field: [Double]] = [:]
    for field in sampler.reads.sorted(by: { $0.rawValue < $1.rawValue }) {
      numbers[field] = try groups.map { try Self.number(field, of: $0[0], for: type(of: sampler).name) }
    }
    return PromptPool(ids: groups.map { $0[0].group }, numbers: numbers, isShuffled: plan.isShuffled, seed: seed)
  }

  private static func number(_ field: Field, of record: Trajectory, for sampler: String) throws -> Double {
    let value = try record.value(of: field)
    if let number = value?.doubleValue { return number }
    throw PipelineError(
      .invalidData,
      "'\(field)' of \(record.id.quotedForMessage) is \(value?.json.shortenedForMessage ?? "missing"), and the sampler "
        + "'\(sampler)' chooses by it; make it a number",
      at: SourceLocation(file: record.record.file, line: record.record.line, column: 1))
  }
}
