// SPDX-License-Identifier: Apache-2.0
import ComponentPrograms
import Foundation
import PipelineCore
import PipelineTesting
import ProcessRewardPlugin
import ProcessStagePlugin
import RewardPlugin
import Testing

/// Programs that hang, crash, babble, or are killed: what they fail on is known, and nothing else is lost.
@Suite("ProcessReward, when the program fails", .timeLimit(.minutes(15)), .serialized)
struct ProgramFailureTests {
  /// A program that does `deed` on some responses and is right on the others.
  private func scripts(_ deed: String, on responses: [Int] = [5], before: String = "") throws -> Scripts {
    let indented = deed.split(separator: "\n").map { "        " + $0 }.joined(separator: "\n")
    return try Scripts([
      "reward.py": prologue + before + """

        open("starts", "a").write("x")
        for item in items():
            if int(item["response"]) in \(responses):
        \(indented)
            say(id=item["id"], score=int(item["response"]))
        """
    ])
  }

  /// Nothing that this test's programs started is left, dead or alive.
  private func expectNothingLeft(
    of scripts: Scripts, sourceLocation: Testing.SourceLocation = #_sourceLocation
  ) async throws {
    #if os(Linux)
      func left() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { name in
          guard Int(name) != nil else { return false }
          let folder = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(name)/cwd")
          return folder == scripts.folder
        }
      }
      // What a program forked is taken down by the system a moment after it is killed.
      for _ in 0..<1000 where try !left().isEmpty { try await Task.sleep(for: .milliseconds(5)) }
      #expect(try left() == [], sourceLocation: sourceLocation)
    #endif
  }

  @Test("a crash in the middle of a batch fails the trajectory that it came from alone", arguments: [1, 2])
  func crash(workers: Int) async throws {
    let scripts = try scripts("print('no shape', file=sys.stderr); os._exit(3)", on: [5, 17])
    let reward = try scripts.reward { ($0.batch, $0.workers) = (8, workers) }
    let reason = "failed: ended with status 3; its last words: no shape"
    #expect(try await reward.words(trajectories(20)) == expected(20, but: [5: reason, 17: reason]))
    await reward.close()
    try await expectNothingLeft(of: scripts)
  }

  @Test("a hang makes the trajectory late that it came from, and no other")
  func hang() async throws {
    let scripts = try scripts("time.sleep(1000)", before: "print(json.dumps({'ready': True}), flush=True)")
    let reward = try scripts.reward { ($0.batch, $0.seconds) = (8, 4) }
    #expect(try await reward.words(trajectories(20)) == expected(20, but: [5: "late"]))
    await reward.close()
    try await expectNothingLeft(of: scripts)
  }

  @Test("a program that does not get ready in time is late")
  func slowStart() async throws {
    let scripts = try scripts("pass", before: "time.sleep(1000)")
    let reward = try scripts.reward { $0.startSeconds = 0.05 }
    await #expect {
      try await reward.words(trajectories(20))
    } throws: { error in
      "\(error)" == "'reward.py' was started 5 times and answered nothing; it did not answer within 0.05 s"
    }
    try await expectNothingLeft(of: scripts)
  }

  @Test(
    "garbage, wrong ids, a second answer, too much output",
    arguments: [
      (
        "print('Loading model')",
        "wrote a line that is no answer: 'Loading model'; what is no answer belongs on standard error"
      ),
      ("say(id='t99', score=1)", "answered for 't99' although nobody had asked for it"),
      ("say(score=1)", "wrote a line that is no answer: '{\"score\": 1}'; what is no answer belongs on standard error"),
      ("print('x' * 5000)", "wrote a line of more than 1000 bytes"),
      ("os.close(1); time.sleep(1000)", "was ended by SIGTERM"),
    ])
  func protocolBroken(_ deed: String, _ reason: String) async throws {
    let scripts = try scripts(deed)
    let reward = try scripts.reward { ($0.batch, $0.answerBytes) = (8, 1000) }
    #expect(try await reward.words(trajectories(20)) == expected(20, but: [5: "failed: \(reason)"]))
    await reward.close()
    try await expectNothingLeft(of: scripts)
  }

  @Test("a second answer for the same trajectory counts against what was still open")
  func secondAnswer() async throws {
    let scripts = try scripts("say(id='t4', score=9)")
    let reward = try scripts.reward { $0.batch = 8 }
    // Alone it answers for somebody else.
    let reason = "failed: answered for 't4' although nobody had asked for it"
    #expect(try await reward.words(trajectories(20)) == expected(20, but: [5: reason]))
    await reward.close()
  }

  @Test("a program that is killed from outside loses nothing")
  func killedFromOutside() async throws {
    let scripts = try Scripts([
      "reward.py": prologue + """
        for item in items():
            if item["response"] == "5" and not os.path.exists("killed"):
                open("killed", "w").close()
                os.kill(os.getpid(), signal.SIGKILL)
            say(id=item["id"], score=int(item["response"]))
        """
    ])
    for batch in [1, 8] {
      let reward = try scripts.reward { $0.batch = batch }
      #expect(try await reward.words(trajectories(20)) == expected(20))
      await reward.close()
      try FileManager.default.removeItem(atPath: scripts.folder + "/killed")
    }
    try await expectNothingLeft(of: scripts)
  }

  @Test("nor does one that is killed while it is asked one by one")
  func killedAlone() async throws {
    let scripts = try Scripts([
      "reward.py": prologue + """
        for item in items():
            if item["response"] == "3": os._exit(3)
            if item["response"] == "5" and not os.path.exists("killed"):
                open("killed", "w").close()
                os.kill(os.getpid(), signal.SIGKILL)
            say(id=item["id"], score=int(item["response"]))
        """
    ])
    let reward = try scripts.reward { $0.batch = 8 }
    #expect(try await reward.words(trajectories(20)) == expected(20, but: [3: "failed: ended with status 3"]))
    await reward.close()
  }

  @Test("what a program forks ends with it")
  func forks() async throws {
    let scripts = try scripts("subprocess.Popen(['sleep', '1000']); subprocess.Popen(['sleep', '1000']); os._exit(1)")
    let reward = try scripts.reward { $0.batch = 8 }
    #expect(try await reward.words(trajectories(20)) == expected(20, but: [5: "failed: ended with status 1"]))
    await reward.close()
    try await expectNothingLeft(of: scripts)
  }

  @Test("a program that cannot start is given up with its last words")
  func cannotStart() async throws {
    let scripts = try Scripts(["reward.py": "import no_such_module"])
    let reward = try scripts.reward()
    await #expect {
      try await reward.words(trajectories(20))
    } throws: { error in
      "\(error)".hasPrefix(
        "'reward.py' was started 5 times and answered nothing; it ended with status 1; its last words:")
        && "\(error)".hasSuffix("ModuleNotFoundError: No module named 'no_such_module'")
    }
  }

  @Test("after max_failures the run stops")
  func maxFailures() async throws {
    let scripts = try Scripts([
      "reward.py": prologue + "for item in items(): say(id=item['id'], error='no shape')"
    ])
    let reward = try scripts.reward { $0.maxFailures = 7 }
    #expect(try await reward.words(trajectories(7)).count == 7)
    await #expect {
      try await reward.words(trajectories(7))
    } throws: { error in
      "\(error)"
        == "'reward.py' failed on 8 trajectories, more than the 7 that max_failures allows; the last time it no shape"
    }
    await reward.close()
  }

  @Test("memory over the limit fails what asked for it")
  func memory() async throws {
    #if os(Linux)
      let scripts = try scripts("x = bytearray(500 << 20)")
      let reward = try scripts.reward { ($0.batch, $0.memoryMb) = (8, 200) }
      let words = try await reward.words(trajectories(20))
      #expect(words[5].hasSuffix("MemoryError"))
      #expect(words == expected(20, but: [5: words[5]]))
      await reward.close()
    #endif
  }

  @Test("the reward stage marks what the program failed on, and scores the rest")
  func stage() async throws {
    let scripts = try scripts("os._exit(3)")
    var registry = Registry()
    try registry.register(ProcessReward.self)
    var options = RewardStage.Options()
    let with: [OptionTree.Entry] = [
      ("command", .list(["python3", "reward.py"].map { OptionTree(.string($0), at: OptionTree.empty.location) })),
      ("folder", .string(scripts.folder)),
    ].map {
      OptionTree.Entry(
        key: $0, location: OptionTree.empty.location, value: OptionTree($1, at: OptionTree.empty.location))
    }
    options.functions = [.init("process", with: OptionTree(.table(with), at: OptionTree.empty.location))]
    let stage = try RewardStage(options: options, assembly: .plain(registry))
    var batch = TrajectoryBatch(trajectories(8))
    try await stage.run(&batch, in: StageContext(stage: "reward", threads: 2))
    await stage.close()
    #expect(batch.trajectories.map(\.reward) == [0, 1, 2, 3, 4, nil, 6, 7])
    #expect(batch[5].rewardStatus == .failed)
    #expect(batch[6].rewardStatus == .scored)
  }
}
