// SPDX-License-Identifier: Apache-2.0
import AdvantagePlugin
import EstimatorsPlugin
import Foundation
import PipelineCore
import PipelineTesting
import Testing

@Suite("advantage: replayed trajectories", .timeLimit(.minutes(15)))
struct ReplayedAdvantageTests {
  /// Groups with the rewards of the step and of what was replayed.
  private func batch(_ groups: [(online: [Double], replayed: [Double])]) -> TrajectoryBatch {
    TrajectoryBatch(
      groups.enumerated().flatMap { number, group in
        group.online.enumerated().map { Trajectory(id: "g\(number)/\($0)", group: "g\(number)", reward: $1) }
          + group.replayed.enumerated().map { place, reward in
            var stored = Trajectory(id: "g\(number)/\(place)", group: "g\(number)", reward: reward)
            stored.advantage = 7
            return stored.replayed(as: "g\(number)/\(place)@r0", step: 1, origin: ["id": "x", "step": 0])
          }
      }, number: 1)
  }

  private func run(_ batch: TrajectoryBatch, _ replayed: AdvantageStage.Replayed) async throws -> TrajectoryBatch {
    var batch = batch
    let stage = AdvantageStage(estimator: GRPOEstimator(assembly: .plain()), replayed: replayed)
    let context = StageContext(stage: "advantage")
    try await stage.run(&batch, in: context)
    try AboutLaws.check(stage, named: "advantage", dropsOf: batch, report: context.report)
    return batch
  }

  @Test("split and joined equal RePO's program, but for its 1e-4 beside the deviation")
  func published() async throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "StoresPluginTests/Fixtures/repo.json")
    let cases = try JSONValue(parsing: String(contentsOf: file, encoding: .utf8))["cases"]?.arrayValue ?? []
    var met = 0
    for item in cases where item["case"]?.stringValue == "advantages" {
      func rows(_ name: String) -> [[Double]] {
        (item[name]?.arrayValue ?? []).map { ($0.arrayValue ?? []).compactMap(\.doubleValue) }
      }
      let groups = zip(rows("online"), rows("replayed")).map { (online: $0, replayed: $1) }
      for (name, replayed) in [("split", AdvantageStage.Replayed.split), ("mixed", .joined)] {
        let wanted = (item[name]?.arrayValue ?? []).map(\.doubleValue)
        let found = try await run(batch(groups), replayed).trajectories.map(\.advantage)
        #expect(found.count == wanted.count)
        for (value, wanted) in zip(found, wanted) {
          met += 1
          // A single one is no number there.
          guard let wanted, wanted.isFinite else {
            #expect(value == 0)
            continue
          }
          #expect(abs((value ?? 9) - wanted) < 1e-3 * max(1, abs(wanted)))
        }
      }
    }
    #expect(met > 0)
  }

  @Test("split: a single replayed one has advantage 0, and the step's are compared without it")
  func single() async throws {
    let found = try await run(batch([([0, 1], [1])]), .split)
    let root = 0.5.squareRoot()
    #expect(zip(found.trajectories.map { $0.advantage ?? 9 }, [-root, root, 0]).allSatisfy { abs($0 - $1) < 1e-5 })
  }

  @Test("stored: replayed ones keep their advantage, and leave without one")
  func stored() async throws {
    var batch = batch([([0, 1], [1, 0])])
    batch[3].advantage = nil
    let found = try await run(batch, .stored)
    #expect(found[2].advantage == 7)
    #expect(found.drops.map { "\($0.trajectory.id) \($0.rule)" } == ["g0/1@r0 no-stored-advantage"])
    let root = 0.5.squareRoot()
    #expect(abs((found[1].advantage ?? 9) - root) < 1e-5)
  }
}
