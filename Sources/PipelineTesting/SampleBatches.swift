// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

extension TrajectoryBatch {
  /// A batch for tests: a group for each list of rewards, and a rollout for each reward.
  ///
  /// Groups are named `g0`, `g1`, … and rollouts `g0/0`, `g0/1`, …; `nil` is a rollout without a reward. Every rollout
  /// has a prompt, an answer, a response that is right if the reward is at least one half, a finish, one to four
  /// tokens, and a key `note` that no stage knows.
  ///
  /// - Parameter prepare: Changes each trajectory before it is added to the batch.
  public static func sample(
    rewards: [[Double?]], number: Int = 0, prepare: (inout Trajectory) -> Void = { _ in }
  ) -> TrajectoryBatch {
    var trajectories: [Trajectory] = []
    for (group, rewards) in rewards.enumerated() {
      for (index, reward) in rewards.enumerated() {
        let answer = (reward ?? 0) >= 0.5 ? "25" : "24"
        var trajectory = Trajectory(
          id: "g\(group)/\(index)", group: "g\(group)", reward: reward,
          fields: [
            .prompt: "What is x?", .answer: "25",
            .response: .string("<think>x = \(answer)</think> \\boxed{\(answer)}"),
            .finish: index % 5 == 4 ? "length" : "stop",
            .tokens: .array((0...(index % 4)).map { .number($0) }),
            Field("note"): ["group": .number(group), "index": .number(index)],
          ])
        if let reward {
          trajectory.rewards = [RewardPart("accuracy", reward)]
          trajectory.rewardStatus = .scored
        } else {
          trajectory.rewardStatus = .failed
        }
        prepare(&trajectory)
        trajectories.append(trajectory)
      }
    }
    return TrajectoryBatch(trajectories, number: number)
  }

  /// The same trajectories with the groups in another order; the order within a group does not change.
  ///
  /// - Parameter order: The groups' numbers in the order wanted.
  public func reorderingGroups(_ order: [Int]) -> TrajectoryBatch {
    let groups = self.groups
    return TrajectoryBatch(order.flatMap { groups[$0].positions.map { self[$0] } }, number: number)
  }
}

/// Small batches that together have every shape that a stage must handle.
public enum SampleBatches {
  /// Group sizes 0, 1, 2, 3, 4, 5 and 16; rewards right, wrong, missing, tied, all equal, all different.
  ///
  /// Up to four rollouts every pattern of `nil`, 0 and 1 occurs; the last batches hold many groups at once,
  /// one of them with the rollouts of different groups interleaved.
  ///
  /// - Parameter fields: The fields that trajectories must carry; an advantage is then the reward minus one half, and a
  ///   baseline one quarter.
  public static func exhaustive(carrying fields: Set<Field> = []) -> [TrajectoryBatch] {
    let prepare: (inout Trajectory) -> Void = { trajectory in
      if fields.contains(.advantage), let reward = trajectory.reward { trajectory.advantage = reward - 0.5 }
      if fields.contains(.baseline) { trajectory.baseline = 0.25 }
    }
    let groups = patterns()
    var batches = [TrajectoryBatch([])]
    batches += groups.map { TrajectoryBatch.sample(rewards: [$0], prepare: prepare) }
    let all = TrajectoryBatch.sample(rewards: groups, prepare: prepare)
    batches.append(all)
    let interleaved = all.trajectories.indices.sorted { ($0 * 7919) % 1009 < ($1 * 7919) % 1009 }
    batches.append(TrajectoryBatch(interleaved.map { all[$0] }))
    return batches
  }

  /// The rewards of one group at a time.
  static func patterns() -> [[Double?]] {
    var patterns: [[Double?]] = []
    for size in 1...4 {
      var grown: [[Double?]] = [[]]
      for _ in 0..<size { grown = grown.flatMap { pattern in [nil, 0, 1].map { pattern + [$0] } } }
      patterns += grown
    }
    for size in [5, 16] {
      for right in 0...size {
        patterns.append((0..<size).map { ($0 * 7) % size < right ? 1 : 0 })
      }
      patterns.append((0..<size).map { Double(($0 * 7) % size) / Double(size) })
      patterns.append((0..<size).map { Double($0 / 2) / Double(size) })
      patterns.append((0..<size).map { $0 % 3 == 0 ? nil : Double($0 % 2) })
      patterns.append((0..<size).map { _ in 0.1 })
      patterns.append((0..<size).map { _ in nil })
    }
    return patterns
  }
}
