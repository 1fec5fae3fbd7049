// SPDX-License-Identifier: Apache-2.0
import ComponentPrograms
import Foundation
import PipelineCore
import PipelineTesting
import ProcessRewardPlugin
import ProcessStagePlugin
import Testing

@Suite("ProcessStage", .timeLimit(.minutes(15)))
struct ProcessStageTests {
  private func stage(_ script: String, _ change: (inout ProcessStage.Options) -> Void = { _ in }) throws -> (
    ProcessStage, Scripts
  ) {
    let scripts = try Scripts(["stage.py": prologue + script])
    var options = ProcessStage.Options()
    options.command = ProgramCommand(["python3", "stage.py"])
    options.folder = SpecPath(scripts.folder)
    change(&options)
    return (try ProcessStage(options: options, assembly: .plain()), scripts)
  }

  /// Advantages in another language: the difference from the mean of the group.
  private let estimator = """
    batch = []
    for item in items():
        batch.append(item)
        if item["batch_left"]: continue
        groups = {}
        for one in batch: groups.setdefault(one["group"], []).append(one["reward"])
        for one in batch:
            mean = sum(groups[one["group"]]) / len(groups[one["group"]])
            say(id=one["id"], set={"advantage": one["reward"] - mean, "mean_reward": mean})
        batch = []
    """

  private func scored(_ rewards: [Double]) -> TrajectoryBatch {
    TrajectoryBatch(rewards.enumerated().map { Trajectory(id: "t\($0)", group: "g\($0 / 2)", reward: $1) })
  }

  @Test("an advantage estimator in another language")
  func advantages() async throws {
    let (stage, scripts) = try stage(estimator) {
      $0.reads = [.reward]
      $0.writes = [.advantage, Field("mean_reward")]
    }
    var batch = scored([1, 0, 0.5, 0.25])
    try await stage.run(&batch, in: StageContext(stage: "advantage"))
    #expect(batch.trajectories.map(\.advantage) == [0.5, -0.5, 0.125, -0.125])
    #expect(try batch[2].value(of: Field("mean_reward"))?.doubleValue == 0.375)
    await stage.close()
    withExtendedLifetime(scripts) {}
  }

  @Test("a sampler in another language drops by rules; the laws of stages hold")
  func drops() async throws {
    let script = """
      for item in items():
          if item["reward"] < 0.5: say(id=item["id"], drop="low-reward")
          else: say(id=item["id"])
      """
    let (stage, scripts) = try stage(script) { $0.reads = [.reward] }
    var batch = scored([1, 0, 0.5, 0.25])
    try await stage.run(&batch, in: StageContext(stage: "mine"))
    #expect(batch.trajectories.map(\.id) == ["t0", "t2"])
    #expect(batch.drops.map(\.rule) == ["low-reward", "low-reward"])
    #expect(batch.drops.map(\.stage) == ["mine", "mine"])
    try await StageLaws.check(stage, on: [.sample(rewards: [[1, 0, 0.5, 0.25], [0], [1, 1]])])
    await stage.close()
    withExtendedLifetime(scripts) {}
  }

  @Test(
    "a batch is worked on as a whole or not at all",
    arguments: [
      ("os._exit(1)", "'stage.py' answered for 1 of 4 trajectories, then it ended with status 1"),
      ("say(id=item['id'], error='no')", "'stage.py' on 't1': no"),
      (
        "say(id=item['id'], set={'reward': 1})",
        "'stage.py' on 't1': sets 'reward', which is not among 'writes' of the spec"
      ),
      (
        "say(id=item['id'], set={'advantage': 'x'})",
        "'stage.py' on 't1': sets 'advantage' to \"x\", which is no finite number"
      ),
      (
        "say(id=item['id'], drop=True)",
        "'stage.py' on 't1': drops by the rule true, which must be a word in kebab-case, such as 'too-long'"
      ),
    ])
  func failures(_ deed: String, _ message: String) async throws {
    let (stage, scripts) = try stage(
      """
      for item in items():
          if item["id"] == "t1":
              \(deed)
          else: say(id=item["id"])
      """
    ) { $0.writes = [.advantage] }
    await #expect {
      var batch = scored([1, 0, 0.5, 0.25])
      try await stage.run(&batch, in: StageContext(stage: "mine"))
    } throws: { error in
      "\(error)" == message
    }
    await stage.close()
    withExtendedLifetime(scripts) {}
  }
}
