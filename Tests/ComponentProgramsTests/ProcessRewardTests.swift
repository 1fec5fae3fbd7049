// SPDX-License-Identifier: Apache-2.0
import ComponentPrograms
import Foundation
import PipelineCore
import PipelineTesting
import ProcessRewardPlugin
import ProcessStagePlugin
import Testing

@Suite("ProcessReward", .timeLimit(.minutes(15)))
struct ProcessRewardTests {
  @Test("answers are matched by id, in any order, whatever the batches and the number of workers")
  func anyOrder() async throws {
    // Answers a batch backwards.
    let scripts = try Scripts([
      "reward.py": prologue + """
        batch = []
        for item in items():
            batch.append(item)
            if item["batch_left"] == 0:
                for item in reversed(batch): say(id=item["id"], score=int(item["response"]))
                batch = []
        """
    ])
    for workers in [1, 2, 3] {
      for batch in [1, 4, 64] {
        let reward = try scripts.reward { ($0.workers, $0.batch) = (workers, batch) }
        #expect(try await reward.words(trajectories(30)) == expected(30))
        #expect(try await reward.words(trajectories(7)) == expected(7))
        await reward.close()
      }
    }
  }

  @Test("a score comes with parts, or with a reason why there is none")
  func answers() async throws {
    let scripts = try Scripts([
      "reward.py": prologue + """
        answers = [{"score": 1, "parts": {"accuracy": True, "format": 0.5, "other": None}}, {"abstain": "no unit"},
          {"error": "no such shape"}, {"score": None}, {"score": float("nan")}, {"score": "1"}, {},
          {"score": 1, "parts": {"a": float("-inf")}}, {"score": 1e400}, {"score": True}]
        for item in items(): say(id=item["id"], **answers[int(item["response"])])
        """
    ])
    let reward = try scripts.reward()
    #expect(
      try await reward.words(trajectories(10)) == [
        "1.0 accuracy=1.0 format=0.5", "abstained: no unit", "failed: no such shape", "abstained: its score is null",
        "failed: its score is NaN, which is not finite", "failed: its score is a string, it must be a number",
        "failed: answered without 'score', 'abstain' or 'error'",
        "failed: the part 'a' is -Infinity, which is not finite", "failed: its score is Infinity, which is not finite",
        "1.0",
      ])
    await reward.close()
  }

  @Test("a program gets the record without lists of tokens, or the fields that the spec names")
  func fields() async throws {
    let scripts = try Scripts([
      "reward.py": prologue + """
        for item in items(): say(id=item["id"], abstain=" ".join(f"{k}={item[k]}" for k in sorted(item)))
        """
    ])
    var trajectory = Trajectory(
      id: "é\"1", group: "g", fields: [.response: "a", .tokens: [1, 2, 3], Field("unit"): "cm"])
    trajectory.advantage = 0.5
    let whole = try scripts.reward()
    #expect(
      try await whole.words([trajectory])
        == ["abstained: advantage=0.5 batch_left=0 group=g id=é\"1 response=a response_length=3 unit=cm"])
    await whole.close()
    let part = try scripts.reward { $0.fields = [Field("unit"), .tokens] }
    #expect(
      try await part.words([trajectory])
        == ["abstained: batch_left=0 id=é\"1 response_length=3 tokens=[1, 2, 3] unit=cm"])
    await part.close()
  }

  @Test("the laws of rewards hold for a program")
  func laws() async throws {
    let scripts = try Scripts([
      "reward.py": prologue + """
        for item in items():
            response = item["response"]
            if isinstance(response, str): say(id=item["id"], score=response.count("3"))
            else: say(id=item["id"], error="no text")
        """
    ])
    let reward = try scripts.reward { $0.maxFailures = 1000 }
    try await RewardLaws.check(RequiringResponse(reward), cases: trajectories(3))
    await reward.close()
  }

  /// What the `reward` stage does before it asks a function.
  private struct RequiringResponse: RewardFunction {
    static let about = ComponentAbout(name: "requiring-response", summary: "Refuses trajectories without a response")
    let reads: Set<Field> = [.response]
    let reward: ProcessReward
    init(_ reward: ProcessReward) { self.reward = reward }
    init(options: NoOptions, assembly: Assembly) throws { throw CancellationError() }
    func score(_ trajectory: Trajectory) async throws -> RewardOutcome {
      guard trajectory.has(.response) else { throw PipelineError(.invalidData, "no response") }
      return try await reward.score(trajectory)
    }
  }

  @Test("what a program writes to standard error is kept, and a flood of it harms nobody")
  func standardError() async throws {
    let scripts = try Scripts([
      "reward.py": prologue + """
        print("loading", file=sys.stderr)
        for item in items():
            if item["response"] == "2":
                for i in range(100000): print("noise", i, file=sys.stderr)
            say(id=item["id"], score=int(item["response"]))
        """
    ])
    let reward = try scripts.reward()
    let log = LogSink()
    #expect(try await reward.words(trajectories(4), log: log) == expected(4))
    await reward.close()
    #expect(log.lines.first == "reward.py: loading")
    #expect(log.lines.count < 500)
    #expect(log.lines.contains { $0.hasPrefix("reward.py: … and ") && $0.hasSuffix(" more lines") })
  }

  @Test("options are checked, and a missing program or script is found before anything runs")
  func options() throws {
    try OptionsLaws.check(ProcessReward.Options.self)
    try OptionsLaws.check(ProcessStage.Options.self)
    let scripts = try Scripts([:])
    #expect(throws: PipelineError.self) { try scripts.reward() }
    do {
      _ = try scripts.reward()
    } catch let error as PipelineError {
      #expect(
        error.message
          == "there is no file 'reward.py' for 'python3' to run; a relative path starts from the spec's folder, or from "
          + "'folder' where it is set")
    }
    do {
      _ = try scripts.reward { $0.command = ProgramCommand(["./judge"]) }
    } catch let error as PipelineError {
      #expect(
        error.message
          == "there is no program './judge'; a relative path starts from the spec's folder, or from 'folder' where it is "
          + "set; the file must be executable")
    }
    do {
      _ = try ProcessReward(options: .init(), assembly: .plain())
    } catch let error as PipelineError {
      #expect(
        error.message
          == #"'command' is missing, it must name a program: "with": {"command": ["python3", "my_reward.py"]}"#)
    }
    var options = ProcessReward.Options()
    options.bridge = .verl
    options.command = ProgramCommand(["python3"])
    options.workers = 0
    #expect(options.problems().map(\.path) == ["workers", "command"])
  }
}
