// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import Testing

/// The run of `Fixtures/training`, which has a little of everything; `make test-kill` kills it much more often.
@Suite("Training gives the same bytes, whatever happens on the way", .timeLimit(.minutes(15)), .ownThreads)
struct TrainingTests {
  let sandbox: Sandbox
  private static let run = "exec shuffle-r1 run train.json -q -o part"

  init() throws {
    sandbox = try Sandbox.withTraining()
    try sandbox.output("shuffle-r1 run train.json -q -o whole")
  }

  @Test("on any number of threads", arguments: [2, 7])
  func threads(_ threads: Int) throws {
    try sandbox.output("shuffle-r1 run train.json -q -o part --threads \(threads)")
    #expect(sandbox.training(in: "part") == sandbox.training(in: "whole"))
  }

  /// Waits until a run has written so many steps, and how many it then has.
  private func wait(for steps: Int, _ program: RunningProgram) -> Int {
    for _ in 0..<12_000 {
      let written = sandbox.text("part/metrics.jsonl").count { $0 == "\n" }
      if written >= steps || sandbox.text("part/state.json").contains(#""finished": true"#) { return written }
      Thread.sleep(forTimeInterval: 0.005)
    }
    return 0
  }

  @Test("killed again and again, and continued")
  func killed() throws {
    for steps in [1, 3, 4, 6, 8] {
      let program = try sandbox.start(Self.run + (sandbox.has("part") ? " --resume" : ""))
      _ = wait(for: steps, program)
      program.send(SIGKILL)
      _ = try program.wait()
    }
    try sandbox.output(Self.run + " --resume --threads 2")
    #expect(sandbox.training(in: "part") == sandbox.training(in: "whole"))
  }

  @Test(
    "asked to stop, it saves the last complete step", arguments: [(SIGINT, 130), (SIGTERM, 143)] as [(Int32, Int32)])
  func stopped(_ signal: Int32, _ status: Int32) throws {
    let program = try sandbox.start(Self.run)
    let written = wait(for: 3, program)
    program.send(signal)
    let outcome = try program.wait()
    // A run that has ended by then is rare, and no fault.
    if outcome.status != 0 {
      #expect(outcome.status == status)
      #expect(sandbox.completeSteps(of: "part") >= written)
      #expect(sandbox.text("part/metrics.jsonl").count { $0 == "\n" } == sandbox.completeSteps(of: "part"))
      #expect(outcome.errors.contains("continue with --resume"))
    }
    try sandbox.output(Self.run + " --resume")
    #expect(sandbox.training(in: "part") == sandbox.training(in: "whole"))
  }

  @Test("a stage alone gives what it gave in the run")
  func stageAlone() throws {
    // The tap holds every attempt of a step; a spec without the filter has one.
    try sandbox.output(
      """
      shuffle-r1 run simple.json -q -o part --set 'stages=[
        {"use": "rollout", "with": {"n": 8, "sampling": {"top_k": 2, "max_tokens": 3}}},
        {"use": "reward", "with": {"functions": ["exact"]}}, {"use": "tap", "name": "before"}, "advantage",
        {"use": "tap", "name": "after"}, {"use": "update", "with": {"learning_rate": {"rate": 1e-3}}}]'
      shuffle-r1 stage advantage -q --batch-by step < part/taps/before.jsonl > alone.jsonl
      """)
    func values(_ file: String) throws -> [[String: JSONValue]] {
      // The order of the members is that of what stages did; `batch` notes what `stage` has seen together.
      try sandbox.records(in: file).map { record in
        Dictionary(uniqueKeysWithValues: (record.objectValue ?? []).map { ($0.key, $0.value) })
          .filter { $0.key != "batch" }
      }
    }
    #expect(try values("alone.jsonl") == values("part/taps/after.jsonl"))
    #expect(try values("alone.jsonl").allSatisfy { $0["advantage"] != nil })
  }

  @Test("a checkpoint is a model, with the files of the one that it came from")
  func checkpoints() throws {
    for name in ["latest", "best", "step-8", "step-9"] {
      #expect(try sandbox.output("shuffle-r1 model whole/checkpoints/\(name)").contains("38,352"))
      for file in ["tokenizer.json", "preprocessor_config.json", "generation_config.json"] {
        #expect(sandbox.bytes("whole/checkpoints/\(name)/\(file)") == sandbox.bytes("model/\(file)"))
      }
    }
    // A run that goes on from a checkpoint which is gone by its end saves all that a model needs.
    try sandbox.output(
      """
      shuffle-r1 run simple.json -q -o part --set training.steps=2 --set training.checkpoints.keep=1
      shuffle-r1 run simple.json -q -o part --set training.steps=8 --set training.checkpoints.keep=1 --resume \
      --accept-changes
      """)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: sandbox.path + "/part/checkpoints").sorted() == [
        "latest", "step-8",
      ])
    #expect(sandbox.bytes("part/checkpoints/step-8/tokenizer.json") == sandbox.bytes("model/tokenizer.json"))
    try sandbox.output(
      "shuffle-r1 generate --model part/checkpoints/latest --max-tokens 3 -q prompts.jsonl > /dev/null")
  }

  @Test("a run that is done goes on when its spec asks for more steps, and as if it had never stopped")
  func moreSteps() throws {
    try sandbox.output(
      """
      shuffle-r1 run simple.json -q -o part
      shuffle-r1 run simple.json -q -o part --set training.steps=8 --resume --accept-changes
      shuffle-r1 run simple.json -q -o long --set training.steps=8
      """)
    #expect(sandbox.training(in: "part") == sandbox.training(in: "long"))
  }
}
