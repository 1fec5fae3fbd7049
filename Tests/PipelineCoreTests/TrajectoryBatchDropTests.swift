// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import Testing

@Suite("TrajectoryBatch.drop", .timeLimit(.minutes(15)))
struct TrajectoryBatchDropTests {
  @Test("every choice of drops keeps the order, the groups and an account of what left")
  func everySubset() {
    let groups = ["a", "b", "a", "c", "b", "a"]
    let all = TrajectoryBatch(groups.enumerated().map { Trajectory(id: "\($0)", group: $1) })
    for subset in 0..<(1 << groups.count) {
      var batch = all
      batch.drop(stage: "s") { subset >> $0 & 1 == 1 ? "rule" : nil }
      let kept = groups.indices.filter { subset >> $0 & 1 == 0 }
      #expect(batch.trajectories.map(\.id) == kept.map { "\($0)" })
      #expect(
        batch.drops.map(\.trajectory.id) == groups.indices.filter { !kept.contains($0) }.map { "\($0)" })
      let expected = TrajectoryBatch(batch.trajectories).groups
      #expect(
        Dictionary(uniqueKeysWithValues: batch.groups.map { ($0.name, $0.positions) })
          == Dictionary(uniqueKeysWithValues: expected.map { ($0.name, $0.positions) }))
    }
    #expect(all.count == groups.count)
  }
}
