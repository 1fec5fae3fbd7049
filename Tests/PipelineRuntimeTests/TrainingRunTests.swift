// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineRuntime
import PipelineSpec
import Synchronization
import Testing

private struct Oops: Error, CustomStringConvertible { let description = "oops" }

/// Fails in a step, as a kill would end it.
private func failing(in wanted: Int) -> LearnStage { LearnStage { step in if step == wanted { throw Oops() } } }

@Suite("A run that trains", .timeLimit(.minutes(15)))
struct TrainingRunTests {
  @Test("each epoch has an order of its own and leaves out what makes no whole batch")
  func epochs() async throws {
    let training = try TrainingRun(prompts: 7)
    let summary = try await training.run {
      $0.epochs = 2
      $0.groups = 3
    }
    let groups = try training.groups()
    #expect(summary.steps == 4)
    #expect(groups.map(\.count) == [3, 3, 3, 3])
    let epochs = [groups[0] + groups[1], groups[2] + groups[3]]
    #expect(epochs.allSatisfy { Set($0).count == 6 })
    #expect(epochs[0] != epochs[1])
    try await training.run("other") {
      $0.epochs = 2
      $0.groups = 3
      $0.seed = 2
    }
    #expect(try training.groups(in: "other") != groups)
    let ids = try training.records("selected.jsonl").filter { $0["step"] == 0 }.map { $0["id"]?.stringValue ?? "" }
    #expect(Set(ids).count == 6)
    #expect(ids.allSatisfy { $0.hasSuffix("/0") || $0.hasSuffix("/1") })
  }

  @Test("unshuffled prompts come as they stand in the file, and as often as the steps need them")
  func fileOrder() async throws {
    let training = try TrainingRun(prompts: 5)
    try await training.run {
      $0.isShuffled = false
      $0.epochs = nil
      $0.steps = 5
    }
    #expect(
      try training.groups() == [["p0", "p1"], ["p2", "p3"], ["p0", "p1"], ["p2", "p3"], ["p0", "p1"]])
    #expect(try training.state()["training"]?["source"] == ["epoch": 2, "index": 2])
  }

  @Test("fewer prompts than a batch are refused, with the number to write instead")
  func tooFew() async throws {
    let training = try TrainingRun(prompts: 3)
    do {
      try await training.run { $0.groups = 4 }
      Issue.record("no error")
    } catch let error as PipelineError {
      #expect(
        error.message
          == "\(training.folder)/prompts.jsonl holds 3 groups, fewer than a batch of 4; lower source.batch.groups to 3 or "
          + "less, or add records")
    }
  }

  @Test("the newest checkpoints stay, the links lead to them, and older ones go")
  func checkpoints() async throws {
    let training = try TrainingRun(prompts: 14)
    let observer = RecordingObserver()
    let summary = try await training.run { $0.observer = observer }
    #expect(observer.checkpoints == ["step-2", "step-4", "step-6", "step-7"])
    #expect(try training.checkpoints() == ["step-6": "6", "step-7": "7", "latest": "-> step-7"])
    #expect(summary.checkpoint == "\(training.folder)/out/checkpoints/step-7")
    try await training.run("end") { $0.checkpoints.every = 0 }
    #expect(try training.checkpoints(of: "end") == ["step-7": "7", "latest": "-> step-7"])
    try await training.run("one") { $0.checkpoints.keep = 1 }
    #expect(try training.checkpoints(of: "one") == ["step-7": "7", "latest": "-> step-7"])
  }

  @Test("the checkpoint that evaluated best stays as well, wherever it was")
  func best() async throws {
    let training = try TrainingRun(prompts: 14)
    // Right answers of four, after 0, 1, 2, … steps.
    try await training.run {
      $0.rights = [1, 1, 1, 3, 1, 1, 2, 1]
      $0.evaluatesEvery = 3
    }
    #expect(
      try training.checkpoints() == [
        "step-3": "3", "step-6": "6", "step-7": "7", "latest": "-> step-7", "best": "-> step-3",
      ])
    let record = try training.state()["training"]?["checkpoints"]
    #expect(record?["best_score"] == 0.75)
    #expect(record?["kept"] == ["step-6", "step-7"])
    #expect(try training.records("evaluations.jsonl").map { $0["step"]?.intValue } == [0, 3, 6, 7])
    try await training.run("plain") {
      $0.rights = [1, 1, 1, 3, 1, 1, 2, 1]
      $0.evaluatesEvery = 3
      $0.checkpoints.keepBest = false
    }
    #expect(try training.checkpoints(of: "plain").keys.sorted() == ["latest", "step-6", "step-7"])
  }

  @Test("a run that ended anywhere goes on from its newest checkpoint, to the same bytes", arguments: 0..<7)
  func resumes(_ step: Int) async throws {
    let training = try TrainingRun(prompts: 14)
    func change(_ stage: LearnStage) -> (inout TrainingRun.Plan) -> Void {
      {
        $0.stages = [RollStage(), YesStage(), stage]
        $0.rights = [1, 1, 0, 2, 1, 0, 2, 1]
        $0.evaluatesEvery = 3
      }
    }
    try await training.run("whole", .refuse, change(LearnStage()))
    await #expect(throws: PipelineError.self) { try await training.run("part", .refuse, change(failing(in: step))) }
    let saved = step - step % 2
    #expect(try (training.state(of: "part")["complete_steps"]?.intValue ?? 0) >= saved)
    try await training.run("part", .resume, change(LearnStage()))
    #expect(try training.files(of: "part") == training.files(of: "whole"))
    #expect(try training.checkpoints(of: "part") == training.checkpoints(of: "whole"))
    // What the stage keeps from step to step was there again.
    #expect(try training.state(of: "part")["training"]?["memory"]?["learn"] == 7)
  }

  @Test("a kill between the last checkpoint and the end does not evaluate twice")
  func endsOnce() async throws {
    let training = try TrainingRun(prompts: 12)
    func change(_ plan: inout TrainingRun.Plan) { plan.evaluatesEvery = 3 }
    try await training.run("whole", .refuse, change)
    try await training.run("part", .refuse, change)
    // As the state was before the run noted its end.
    let path = training.folder + "/part/state.json"
    let text = String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    #expect(text.contains(#""finished": true"#))
    try training.writeState(text.replacing(#""finished": true"#, with: #""finished": false"#), of: "part")
    try await training.run("part", .resume, change)
    #expect(try training.files(of: "part") == training.files(of: "whole"))
    #expect(try training.records("evaluations.jsonl", in: "part").map { $0["step"]?.intValue } == [0, 3, 6])
  }

  @Test("asked to stop in the middle of an update, a run finishes the step and saves it")
  func stops() async throws {
    let training = try TrainingRun(prompts: 14)
    let task = Mutex<Task<Void, any Error>?>(nil)
    let stage = LearnStage { step in if step == 4 { task.withLock { $0?.cancel() } } }
    let (started, start) = AsyncStream<Void>.makeStream()
    let running = Task {
      for await _ in started { break }
      try await training.run("part") { $0.stages = [RollStage(), stage] }
    }
    task.withLock { $0 = running }
    start.yield()
    await #expect(throws: CancellationError.self) { try await running.value }
    #expect(try training.state(of: "part")["complete_steps"] == 5)
    #expect(
      try training.checkpoints(of: "part") == ["step-2": "2", "step-4": "4", "step-5": "5", "latest": "-> step-5"])
    #expect(try training.state(of: "part")["training"]?["checkpoints"]?["kept"] == ["step-2", "step-4"])
    try await training.run("whole")
    try await training.run("part", .resume)
    #expect(try training.files(of: "part") == training.files(of: "whole"))
    #expect(try training.checkpoints(of: "part") == training.checkpoints(of: "whole"))
  }

  @Test(
    "asked to stop during an evaluation, a run keeps the update and evaluates when it goes on", arguments: [1, 2, 3])
  func stopsEvaluating(_ number: Int) async throws {
    let training = try TrainingRun(prompts: 14)
    let counts = StoppingCounts()
    let stopping = YesStage {
      // The first is that before the first step.
      if counts.evaluations.add(1, ordering: .relaxed).newValue == number + 1 { counts.task.withLock { $0?.cancel() } }
      try Task.checkCancellation()
    }
    @Sendable func change(_ plan: inout TrainingRun.Plan, _ scoring: YesStage) {
      plan.evaluatesEvery = 2
      plan.rights = [1, 1, 3, 1, 2, 1, 0, 2]
      plan.stages = [RollStage(), LearnStage { _ in counts.updates.add(1, ordering: .relaxed) }]
      plan.scoring = scoring
    }
    let (started, start) = AsyncStream<Void>.makeStream()
    let running = Task {
      for await _ in started { break }
      try await training.run("part") { change(&$0, stopping) }
    }
    counts.task.withLock { $0 = running }
    start.yield()
    await #expect(throws: CancellationError.self) { try await running.value }
    #expect(try training.state(of: "part")["complete_steps"]?.intValue == 2 * number - 1)
    #expect(try training.records("metrics.jsonl", in: "part").count == 2 * number - 1)
    #expect(try training.checkpoints(of: "part")["latest"] == "-> step-\(2 * number)")
    try await training.run("part", .resume) { change(&$0, YesStage()) }
    #expect(counts.updates.load(ordering: .relaxed) == 7)
    try await training.run("whole") { change(&$0, YesStage()) }
    #expect(try training.files(of: "part") == training.files(of: "whole"))
    #expect(try training.checkpoints(of: "part") == training.checkpoints(of: "whole"))
    #expect(try training.records("timings.jsonl", in: "part").count == 7)
  }

  @Test("asked to stop before an update, a run saves the step before")
  func stopsBefore() async throws {
    struct Stopping: Stage {
      static let about = ComponentAbout(name: "stopping", summary: "Stops the run")
      let reads: Set<Field> = []
      let writes: Set<Field> = []
      var stop: @Sendable (Int) -> Void = { _ in }
      init(options: NoOptions, assembly: Assembly) {}
      init(stop: @escaping @Sendable (Int) -> Void) { self.stop = stop }
      func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {
        stop(context.step)
        try Task.checkCancellation()
      }
    }
    let training = try TrainingRun(prompts: 14)
    let task = Mutex<Task<Void, any Error>?>(nil)
    let stopping = Stopping { step in if step == 3 { task.withLock { $0?.cancel() } } }
    let (started, start) = AsyncStream<Void>.makeStream()
    let running = Task {
      for await _ in started { break }
      try await training.run("part") { $0.stages = [RollStage(), stopping, LearnStage()] }
    }
    task.withLock { $0 = running }
    start.yield()
    await #expect(throws: CancellationError.self) { try await running.value }
    #expect(try training.state(of: "part")["complete_steps"] == 3)
    #expect(try training.checkpoints(of: "part") == ["step-2": "2", "step-3": "3", "latest": "-> step-3"])
  }

  @Test("a checkpoint that is gone is named, with what to do")
  func lostCheckpoint() async throws {
    let training = try TrainingRun(prompts: 14)
    await #expect(throws: PipelineError.self) { try await training.run { $0.stages = [RollStage(), failing(in: 5)] } }
    try FileManager.default.removeItem(atPath: training.folder + "/out/checkpoints/step-4")
    do {
      try await training.run("out", .resume) { $0.stages = [RollStage(), LearnStage()] }
      Issue.record("no error")
    } catch let error as PipelineError {
      #expect(
        error.message
          == "\(training.folder)/out/checkpoints/step-4, from which the run would continue, is gone; put it back, or "
          + "start anew with --overwrite")
    }
  }

  @Test("a checkpoint with another byte, a file too few or too many is named, and nothing is changed")
  func damagedCheckpoint() async throws {
    let damages: [(String, (String) throws -> Void)] = [
      (
        "steps has changed since it was saved (its SHA-256 differs)",
        { try Data("5".utf8).write(to: file($0, "steps")) }
      ),
      ("steps has 2 bytes, but 1 were saved", { try Data("44".utf8).write(to: file($0, "steps")) }),
      ("steps is gone", { try FileManager.default.removeItem(at: file($0, "steps")) }),
      ("more is not part of the checkpoint", { try Data("x".utf8).write(to: file($0, "more")) }),
      (
        "steps: it is a symbolic link",
        {
          try FileManager.default.moveItem(at: file($0, "steps"), to: file($0, "../../elsewhere"))
          try FileManager.default.createSymbolicLink(
            atPath: file($0, "steps").path, withDestinationPath: "../../elsewhere")
        }
      ),
    ]
    func file(_ folder: String, _ name: String) -> URL {
      URL(fileURLWithPath: folder).appendingPathComponent("out/checkpoints/step-4").appendingPathComponent(name)
    }
    for (message, damage) in damages {
      let training = try TrainingRun(prompts: 14)
      await #expect(throws: PipelineError.self) {
        try await training.run { $0.stages = [RollStage(), failing(in: 5)] }
      }
      try damage(training.folder)
      let before = try training.files(of: "out")
      let error = await #expect(throws: PipelineError.self) {
        try await training.run("out", .resume) { $0.stages = [RollStage(), LearnStage()] }
      }
      #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
      #expect(try training.files(of: "out") == before)
    }
  }
}

/// What a test counts that stops a run while it evaluates.
private final class StoppingCounts: Sendable {
  let task = Mutex<Task<Void, any Error>?>(nil)
  let evaluations = Atomic(0)
  let updates = Atomic(0)
}
