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

  // MARK: What a program remembers.

  /// Numbers the trajectories of a run, and ends where one says so.
  private let counter = """
    count = 0
    for item in items():
        if "state" in item:
            count = item["state"]["count"]
            continue
        if item.get("die"): os._exit(1)
        count += 1
        if item["batch_left"] == 0: STATE
        say(id=item["id"], set={"number": count})
    """

  private func batches(_ sizes: [Int]) -> [TrajectoryBatch] {
    sizes.enumerated().map { step, size in
      TrajectoryBatch(
        (0..<size).map { Trajectory(id: "s\(step)/\($0)", group: "g\($0 / 2)", reward: 1) }, number: step)
    }
  }

  /// The law, with the program ending in the middle of a batch.
  private func resumes(_ script: String, _ state: ProcessStage.State) async throws {
    let scripts = try Scripts(["stage.py": prologue + script])
    try await StageLaws.resumes(on: batches([3, 1, 2])) { batch, item in
      var marked = batch.trajectories
      if marked.indices.contains(item) { marked[item].set(Field("die"), to: true) }
      return TrajectoryBatch(marked, number: batch.number)
    } stage: {
      var options = ProcessStage.Options()
      options.command = ProgramCommand(["python3", "stage.py"])
      options.folder = SpecPath(scripts.folder)
      options.writes = [Field("number")]
      options.state = state
      (options.seconds, options.startSeconds) = (300, 300)
      return try ProcessStage(options: options, assembly: .plain())
    }
    withExtendedLifetime(scripts) {}
  }

  @Test("a program that writes its state gets it back, whatever item it was stopped at")
  func savedState() async throws {
    try await resumes(counter.replacing("STATE", with: #"say(state={"count": count})"#), .saved)
  }

  @Test("the law finds a program that remembers something and does not say so")
  func forgottenState() async throws {
    let violation = await #expect(throws: LawViolation.self) {
      try await resumes(counter.replacing("STATE", with: "pass"), .none)
    }
    #expect(
      violation?.broken.first
        == "a stage that is stopped goes on as if nothing had been: stopped at item 0 of batch 1, it gives something else for "
        + "batch 1; what it remembers from batch to batch belongs into the context's memory")
  }

  @Test("a program that was started again within a run gets its state too")
  func restarted() async throws {
    let script =
      counter.replacing("STATE", with: #"say(state={"count": count})"#) + "\n    if item['id'] == 's0/2': break"
    let (stage, scripts) = try stage(script) {
      $0.writes = [Field("number")]
      $0.state = .saved
    }
    let memory = StageMemory()
    var numbers: [[Double?]] = []
    for var batch in batches([3, 2]) {
      try await stage.run(
        &batch, in: StageContext(stage: "count", step: batch.number, training: TrainingContext(memory: memory)))
      numbers.append(try batch.trajectories.map { try $0.value(of: Field("number"))?.doubleValue })
    }
    #expect(numbers == [[1, 2, 3], [4, 5]])
    #expect(memory.value == ["count": 5])
    await stage.close()
    withExtendedLifetime(scripts) {}
  }

  @Test(
    "a state that nobody keeps is an error; a program of which nobody has said anything is warned of when a run goes on"
  )
  func undeclaredState() async throws {
    let (speaking, first) = try stage(counter.replacing("STATE", with: #"say(state={"count": count})"#)) {
      $0.writes = [Field("number")]
    }
    let error = await #expect(throws: PipelineError.self) {
      var batch = batches([2])[0]
      try await speaking.run(&batch, in: StageContext(stage: "count"))
    }
    #expect(
      error?.message.contains(#"wrote a 'state', which nobody keeps; say "state": "saved" beside its command"#) == true)
    await speaking.close()
    for (state, step, warnings) in [
      (ProcessStage.State.undeclared, 0, 0), (.undeclared, 1, 1), (.none, 1, 0), (.saved, 1, 0),
    ] {
      let (stage, scripts) = try stage(counter.replacing("STATE", with: "pass")) {
        $0.writes = [Field("number")]
        $0.state = state
      }
      var batch = batches([1, 2])[step]
      let context = StageContext(stage: "count", step: step)
      try await stage.run(&batch, in: context)
      try await stage.run(&batch, in: context)
      #expect(context.report.warnings.map(\.code) == Array(repeating: "state-undeclared", count: warnings))
      await stage.close()
      withExtendedLifetime(scripts) {}
    }
    withExtendedLifetime(first) {}
  }
}
