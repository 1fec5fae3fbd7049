// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import Testing

@Suite("TrajectoryBatch", .timeLimit(.minutes(15)))
struct TrajectoryBatchTests {
  private func batch(_ groups: [String]) -> TrajectoryBatch {
    TrajectoryBatch(groups.enumerated().map { Trajectory(id: "\($0)", group: $1) }, number: 3)
  }

  @Test("groups stand in the order of their first rollout, also when they interleave")
  func groupsInOrder() {
    let groups = batch(["b", "a", "b", "c", "a"]).groups
    #expect(groups.map(\.name) == ["b", "a", "c"])
    #expect(groups.map(\.positions) == [[0, 2], [1, 4], [3]])
  }

  @Test("what is dropped is remembered with stage, rule and place in the input")
  func remembersDrops() {
    var batch = batch(["a", "a", "b", "b"])
    batch.drop(stage: "first", by: { $0 == 1 ? "odd" : nil })
    batch.drop(stage: "second", by: { $0 == 1 ? "even" : nil })
    #expect(batch.trajectories.map(\.id) == ["0", "3"])
    #expect(batch.inputPositions == [0, 3])
    #expect(batch.drops.map(\.trajectory.id) == ["1", "2"])
    #expect(batch.drops.map(\.stage) == ["first", "second"])
    #expect(batch.drops.map(\.inputPosition) == [1, 2])
    #expect(batch.groups.map(\.positions) == [[0], [1]])
    #expect(batch.inputCount == 4)
  }

  @Test("a group that was dropped whole is gone")
  func emptyGroupsVanish() {
    var batch = batch(["a", "b"])
    batch.drop(stage: "s", by: { $0 == 0 ? "rule" : nil })
    #expect(batch.groups.map(\.name) == ["b"])
  }
}
