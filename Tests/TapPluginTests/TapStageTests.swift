// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineTesting
import Synchronization
import TapPlugin
import Testing

@Suite("TapStage", .timeLimit(.minutes(15)))
struct TapStageTests {
  private final class Sink: BatchSink {
    let written = Mutex<[String]>([])
    func write(_ batch: TrajectoryBatch, name: String) async throws {
      written.withLock { $0.append("\(name): \(batch.count)") }
    }
  }

  @Test("the batch is written under the option's name, or the stage's")
  func writes() async throws {
    let sink = Sink()
    var batch = TrajectoryBatch.sample(rewards: [[1, 0]])
    for name in ["", "kept"] {
      var options = TapStage.Options()
      options.name = name
      try await TapStage(options: options, assembly: .plain())
        .run(&batch, in: StageContext(stage: "after-reward", sink: sink))
    }
    #expect(sink.written.withLock { $0 } == ["after-reward: 2", "kept: 2"])
  }

  @Test("the stage obeys the laws")
  func laws() async throws {
    try await StageLaws.check(TapStage(assembly: .plain()))
    try OptionsLaws.check(TapStage.Options.self)
  }

  @Test("a name that could leave the folder is refused", arguments: ["../x", "a/b", ".hidden", "a b"])
  func badName(name: String) {
    var options = TapStage.Options()
    options.name = name
    #expect(options.problems().map(\.path) == ["name"])
  }
}
