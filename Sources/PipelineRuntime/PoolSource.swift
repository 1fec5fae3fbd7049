// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineIO

/// Hands out groups of records that were all read at the start, epoch after epoch.
///
/// The order of an epoch depends on the run's seed and the epoch's number alone. An epoch's last groups are left out where
/// they do not make a whole batch, as in verl and EasyR1.
final class PoolSource: BatchSource {
  private let groups: [[Trajectory]]
  private let plan: PoolPlan
  private let seed: UInt64
  private let groupsPerBatch: Int
  /// What was read.
  let counts: TrajectoryReader.Counts

  private var epoch = 0
  private var index = 0
  private var order: [Int] = []

  /// Reads all records.
  ///
  /// - Throws: When they cannot be read, or are too few for one batch.
  init(_ reader: TrajectoryReader, files: [String], plan: PoolPlan, seed: UInt64) async throws {
    var records: [Trajectory] = []
    while let batch = try await reader.next() { records += batch.trajectories }
    let batch = TrajectoryBatch(records)
    groups = batch.groups.map { $0.positions.map { batch[$0] } }
    counts = await reader.counts
    self.plan = plan
    self.seed = seed
    groupsPerBatch = plan.groups ?? max(1, groups.count)
    if !groups.isEmpty, groups.count < groupsPerBatch {
      throw PipelineError(
        .invalidData,
        "\(files.joined(separator: ", ")) holds \(groups.count) groups, fewer than a batch of \(groupsPerBatch); lower "
          + "source.batch.groups to \(groups.count) or less, or add records")
    }
    order = Self.order(of: groups.count, plan, seed: seed, epoch: 0)
  }

  var isEmpty: Bool { groups.isEmpty }

  var position: JSONValue { ["epoch": .number(epoch), "index": .number(index)] }

  var batchCount: Int? { plan.epochs.map { $0 * (groups.count / groupsPerBatch) } }

  var progress: Double? {
    plan.epochs.map { epochs in
      (Double(epoch) + Double(index) / Double(max(1, groups.count))) / Double(epochs)
    }
  }

  func move(to position: JSONValue?, steps: Int) throws {
    guard steps > 0 else { return }
    guard let epoch = position?["epoch"]?.intValue, let index = position?["index"]?.intValue, epoch >= 0,
      (0...groups.count).contains(index)
    else {
      throw PipelineError(
        .invalidData, "the run's state does not say where it stopped among the records; start anew with --overwrite")
    }
    self.index = index
    begin(epoch)
  }

  func next(step: Int) -> TrajectoryBatch? {
    if groups.isEmpty { return nil }
    if index + groupsPerBatch > groups.count {
      index = 0
      begin(epoch + 1)
    }
    if let epochs = plan.epochs, epoch >= epochs { return nil }
    defer { index += groupsPerBatch }
    return TrajectoryBatch(order[index..<index + groupsPerBatch].flatMap { groups[$0] }, number: step)
  }

  func more(step: Int, besides taken: Set<String>) -> TrajectoryBatch? {
    var found: [Trajectory] = []
    var count = 0
    // Once through all groups at most: what is met twice in a step was taken already.
    for _ in 0..<groups.count {
      if count == groupsPerBatch { break }
      if index >= groups.count {
        if let epochs = plan.epochs, epoch + 1 >= epochs { break }
        index = 0
        begin(epoch + 1)
      }
      let group = groups[order[index]]
      index += 1
      if taken.contains(group[0].group) || found.contains(where: { $0.group == group[0].group }) { continue }
      found += group
      count += 1
    }
    return found.isEmpty ? nil : TrajectoryBatch(found, number: step)
  }

  private func begin(_ epoch: Int) {
    self.epoch = epoch
    order = Self.order(of: groups.count, plan, seed: seed, epoch: epoch)
  }

  /// A permutation by Fisher and Yates, or the order of the file.
  private static func order(of count: Int, _ plan: PoolPlan, seed: UInt64, epoch: Int) -> [Int] {
    var order = Array(0..<count)
    guard plan.isShuffled, count > 1 else { return order }
    var random = PhiloxGenerator(seed: seed, purpose: "source", position: (UInt64(epoch), 0, 0))
    for last in stride(from: count - 1, to: 0, by: -1) {
      order.swapAt(last, Int(random.next().multipliedFullWidth(by: UInt64(last + 1)).high))
    }
    return order
  }
}
