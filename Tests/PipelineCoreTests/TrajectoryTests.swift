// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import Testing

@Suite("Trajectory", .timeLimit(.minutes(15)))
struct TrajectoryTests {
  @Test("a copy keeps its values when the other changes, and the other way round")
  func copies() {
    let first = Trajectory(id: "a", group: "g", reward: 1, fields: [.answer: "4"])
    var second = first
    second.reward = 0
    second.pair = Pair(rank: 0, side: .high, weight: 2, partner: "b")
    second.set(.answer, to: "5")
    second.set(.response, to: "x")
    #expect(first.reward == 1)
    #expect(first.pair == nil)
    #expect(first.overrides.map(\.value) == ["4"])
    #expect(first.changes == [.id, .group, .reward])
    #expect(second.reward == 0)
    #expect(second.overrides.map(\.value) == ["5", "x"])
    #expect(second.changes == [.id, .group, .reward, .pair])
    var third = second
    third.draws = [3]
    second.draws = [1, 2]
    #expect(third.draws == [3])
    #expect(second.draws == [1, 2])
  }

  @Test("what a batch changes in place does not show in a copy of the batch, nor in what it dropped")
  func batches() {
    var batch = TrajectoryBatch((0..<4).map { Trajectory(id: "\($0)", group: "g", reward: Double($0)) })
    let before = batch
    for index in 0..<4 { batch[index].advantage = 1 }
    batch.drop(stage: "s", by: { $0 < 2 ? "rule" : nil })
    for index in 0..<2 { batch[index].advantage = -1 }
    #expect(before.trajectories.map(\.advantage) == [nil, nil, nil, nil])
    #expect(batch.drops.map(\.trajectory.advantage) == [1, 1])
    #expect(batch.trajectories.map(\.advantage) == [-1, -1])
  }

  @Test("a batch takes eight bytes for each trajectory that it lists")
  func size() { #expect(MemoryLayout<Trajectory>.size == 8) }
}
