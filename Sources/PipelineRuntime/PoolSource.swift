// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineIO

/// Hands out groups of records that were all read at the start, epoch after epoch.
///
/// The order of an epoch depends on the run's seed and the epoch's number alone. An epoch's last groups are left out where
/// they do not make a whole batch, as in verl and EasyR1.
final class PoolSource: BatchSource {
  private let records: PoolRecords
  private let plan: PoolPlan
  private let order: PoolOrder
  private let groupsPerBatch: Int

  private var groups: [[Trajectory]] { records.groups }
  /// What was read.
  var counts: TrajectoryReader.Counts { records.counts }

  private var epoch = 0
  private var index = 0
  private var indices: [Int]

  /// Goes through records.
  init(_ records: PoolRecords, plan: PoolPlan, seed: UInt64) {
    (self.records, self.plan) = (records, plan)
    groupsPerBatch = records.groupsPerBatch
    order = PoolOrder(count: records.groups.count, isShuffled: plan.isShuffled, seed: seed)
    indices = order.indices(epoch: 0)
  }

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

  func next(step: Int, besides waiting: Set<String>) -> TrajectoryBatch? {
    if groups.isEmpty { return nil }
    if index + groupsPerBatch > groups.count {
      index = 0
      begin(epoch + 1)
    }
    if let epochs = plan.epochs, epoch >= epochs { return nil }
    defer { index += groupsPerBatch }
    return TrajectoryBatch(indices[index..<index + groupsPerBatch].flatMap { groups[$0] }, number: step)
  }

  func more(step: Int, besides taken: Set<String>, _ lack: LackingGroups) -> TrajectoryBatch? {
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
      let group = groups[indices[index]]
      index += 1
      if taken.contains(group[0].group) || found.contains(where: { $0.group == group[0].group }) { continue }
      found += group
      count += 1
    }
    return found.isEmpty ? nil : TrajectoryBatch(found, number: step)
  }

  private func begin(_ epoch: Int) {
    self.epoch = epoch
    indices = order.indices(epoch: epoch)
  }
}
