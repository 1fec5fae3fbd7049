// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineIO
import PipelineSpec

/// All rollouts of a step, those that stages dropped included, as they were sampled and scored.
///
/// What selection and training added is left out, so that another pipeline can take the rollouts as its input.
struct AllRollouts {
  /// The file in the run's directory: a Zstandard frame for each step.
  static let file = OutputOptions.allRolloutsFile
  private let rollouts: [Trajectory]
  private let step: Int

  init(_ batch: TrajectoryBatch) {
    var rollouts = [Trajectory?](repeating: nil, count: batch.inputCount)
    for (index, position) in batch.inputPositions.enumerated() { rollouts[Int(position)] = batch[index] }
    for drop in batch.drops { rollouts[drop.inputPosition] = drop.trajectory }
    // What comes from an earlier step is there already.
    self.rollouts = rollouts.compactMap { $0 }.filter { ($0.has(.response) || $0.has(.tokens)) && !$0.isOfEarlierStep }
    step = batch.number
  }

  /// The step's frame.
  func frame(threads: Int, anchor: ImageAnchor, isolation: isolated (any Actor)? = #isolation) async throws -> [UInt8] {
    var frame = ZstandardFrame()
    let (rollouts, step) = (rollouts, step)
    try await ParallelEncoding.run(count: rollouts.count, threads: threads) { index, bytes in
      var rollout = try anchor.anchored(rollouts[index])
      if rollout.step == nil { rollout.step = step }
      (rollout.advantage, rollout.advantages, rollout.baseline) = (nil, nil, nil)
      (rollout.pair, rollout.lossWeight, rollout.draws) = (nil, nil, nil)
      try TrajectoryEncoder.encode(rollout, into: &bytes)
    } write: {
      frame.append($0)
    }
    return frame.finish()
  }
}
