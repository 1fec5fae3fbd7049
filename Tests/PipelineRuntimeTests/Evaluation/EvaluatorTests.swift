// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineRuntime
import PipelineTesting
import Synchronization
import Testing

/// Scores 1 for the answer, 0 for another response; abstains from "?" and fails on "!".
private struct AnswerStage: Stage {
  static let about = ComponentAbout(name: "answer", summary: "Compares response and answer")
  let reads: Set<Field> = [.response, .answer]
  let writes: Set<Field> = [.rewards, .rewardStatus]
  let drops: Bool

  init(options: NoOptions, assembly: Assembly) { self.init() }
  init(drops: Bool = false) { self.drops = drops }

  func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {
    for index in 0..<batch.count {
      let response = try batch[index].response
      switch response {
      case "?": batch[index].rewardStatus = .abstained
      case "!": batch[index].rewardStatus = .failed
      default:
        let isRight = try response == batch[index].answer
        batch[index].rewards = [RewardPart("accuracy", isRight ? 1 : 0)]
        batch[index].rewardStatus = .scored
      }
    }
    context.report.warn("seen", "\(batch.count) responses in step \(context.step)")
    if drops { batch.drop(stage: context.stage) { $0 == 1 ? "second" : nil } }
  }
}

@Suite("Evaluator", .timeLimit(.minutes(15)))
struct EvaluatorTests {
  /// Four questions with the answers 1, and the responses to each in turn.
  private static let scripts = ["a": ["1", "2"], "b": ["1"], "c": ["2", "2", "2", "1"], "d": ["2", "?", "!", "2"]]

  private func prompts(_ names: [String] = ["a", "b", "c", "d"]) -> [Trajectory] {
    names.map { name in
      Trajectory(
        id: name, group: name,
        fields: [.prompt: .string(name), .answer: "1", Field("kind"): name < "c" ? "easy" : "hard"])
    }
  }

  private func evaluator(
    _ policy: ScriptedPolicy = ScriptedPolicy(answers: Self.scripts), drops: Bool = false,
    _ change: (inout Evaluator.Options) -> Void = { _ in }
  ) -> Evaluator {
    var options = Evaluator.Options()
    options.category = Field("kind")
    change(&options)
    return Evaluator(
      sampler: policy.sampler, scoring: [NamedStage(name: "answer", stage: AnswerStage(drops: drops))], options: options
    )
  }

  @Test("the figures are those of the script")
  func figures() async throws {
    let summary = try await evaluator().run(prompts()) { _ in }
    // Right of eight: 4, 8, 2, and 0 of the 4 that are scored.
    #expect(summary.score == "accuracy")
    #expect(summary.overall.mean == (0.5 + 1 + 0.25 + 0) / 4)
    #expect(summary.overall.responses == 32)
    #expect(summary.overall.outcomes.scored == 28)
    #expect(summary.overall.outcomes.abstained == 2)
    #expect(summary.overall.outcomes.failed == 2)
    #expect(summary.overall.unscoredQuestions == 0)
    #expect(summary.categories.map(\.name) == ["easy", "hard"])
    #expect(summary.categories.map(\.figures.mean) == [0.75, 0.125])
    // Of 4 of 8: 1 − C(4,2)/C(8,2) = 11/14. Of 8: 1. Of 2 of 8: 1 − C(6,2)/C(8,2) = 13/28. Of none of 4: 0.
    let pass = try #require(summary.overall.passAtK.first { $0.k == 2 })
    #expect(abs(pass.share - (11.0 / 14 + 1 + 13.0 / 28) / 4) < 1e-12)
    #expect(summary.overall.passAtK.last?.k == 8)
    #expect(summary.overall.passAtK.last?.questions == 3)
    #expect(summary.overall.passAtK.last?.share == 1)
    // A byte and the end token.
    #expect(summary.overall.responseLength == 2)
    #expect(summary.overall.clipRatio == 0)
  }

  @Test("the paper's setting is the default: eight responses at temperature 0.5")
  func defaults() async throws {
    let policy = ScriptedPolicy(answers: Self.scripts)
    _ = try await evaluator(policy).run(prompts()) { _ in }
    guard case .generate(let requests, let sampling) = await policy.calls.first else {
      Issue.record("nothing was generated")
      return
    }
    #expect(requests.map(\.seeds.count) == [8, 8, 8, 8])
    #expect(sampling.temperature == 0.5)
  }

  @Test("responses and figures depend neither on chunks nor on threads", arguments: [1, 3, 64])
  func chunks(_ chunk: Int) async throws {
    func all(_ chunk: Int, _ threads: Int) async throws -> ([[JSONValue?]], EvaluationSummary, [Int]) {
      var (rollouts, sizes): ([Trajectory], [Int]) = ([], [])
      let summary = try await evaluator { ($0.chunk, $0.threads) = (chunk, threads) }.run(prompts()) { chunk in
        rollouts += chunk.rollouts
        sizes.append(chunk.rollouts.count)
      }
      return (
        try rollouts.map { [.string($0.id), try $0.value(of: .response), try $0.value(of: .sampling)] }, summary, sizes
      )
    }
    let (whole, summary, _) = try await all(4, 1)
    let (parts, same, sizes) = try await all(chunk, 3)
    #expect(parts == whole)
    #expect(same == summary)
    #expect(sizes == (chunk == 1 ? [8, 8, 8, 8] : chunk == 3 ? [24, 8] : [32]))
    #expect(whole.count == 32)
  }

  @Test("seeds belong to the prompt and the run, and are not those of training")
  func seeds() async throws {
    func seeds(_ names: [String], _ seed: UInt64) async throws -> [UInt64] {
      let policy = ScriptedPolicy(answers: Self.scripts)
      _ = try await evaluator(policy) { $0.seed = seed }.run(prompts(names)) { _ in }
      guard case .generate(let requests, _) = await policy.calls.first else { return [] }
      return requests.last?.seeds ?? []
    }
    let alone = try await seeds(["d"], 1)
    #expect(alone.count == 8)
    #expect(try await seeds(["a", "b", "d"], 1) == alone)
    #expect(try await seeds(["d"], 2) != alone)
    let training = (0..<8).map { PhiloxGenerator.rolloutSeed(run: 1, prompt: "d", index: $0) }
    #expect(Set(training).isDisjoint(with: alone))
  }

  @Test("a prompt that cannot be used is told beforehand, left out and counted")
  func failures() async throws {
    let policy = ScriptedPolicy(answers: Self.scripts, failures: ["b": "this one is broken"], contextLength: 270)
    let long = Trajectory(
      id: "long", group: "long", fields: [.prompt: .string(String(repeating: "x", count: 20)), .answer: "1"])
    let evaluator = evaluator(policy) { $0.tooLong = .skip }
    let faults = try await evaluator.faults(in: prompts() + [long])
    #expect(faults.map(\.prompt.id) == ["b"])
    #expect(faults.map(\.reason) == ["this one is broken"])
    #expect(await policy.calls.isEmpty)
    var (failed, skipped): ([String], [String]) = ([], [])
    let summary = try await evaluator.run(prompts() + [long]) { chunk in
      failed += chunk.failed.map { "\($0.prompt.id): \($0.reason)" }
      skipped += chunk.skipped.map(\.id)
    }
    #expect(failed == ["b: this one is broken"])
    #expect(skipped == ["long"])
    #expect(summary.failedPrompts == 1)
    #expect(summary.skippedPrompts == 1)
    #expect(summary.overall.questions == 3)
    #expect(summary.overall.mean == 0.25)
  }

  @Test("warnings are handed over, and every stage sees step 0 whatever the chunk")
  func warnings() async throws {
    var messages: [String] = []
    _ = try await evaluator { $0.chunk = 2 }.run(prompts()) { chunk in
      messages += chunk.warnings.map { "\($0.stage): \($0.warning.message)" }
    }
    #expect(messages == ["answer: 16 responses in step 0", "answer: 16 responses in step 0"])
  }

  @Test("a stage that drops responses cannot score an evaluation")
  func drops() async {
    await #expect {
      try await evaluator(drops: true).run(prompts()) { _ in }
    } throws: { error in
      "\(error)"
        == "stage 'answer' dropped the response 'a/1' (second), so that a share of all responses would mean nothing; "
        + "score with stages that keep all"
    }
  }

  @Test("progress comes to its end, and cancelling ends the work", arguments: [1, 2])
  func progress(threads: Int) async throws {
    let seen = Mutex<[EvaluationProgress]>([])
    let summary = try await evaluator { ($0.chunk, $0.threads) = (3, threads) }.run(
      prompts(), progress: { progress in seen.withLock { $0.append(progress) } }, deliver: { _ in })
    let all = seen.withLock { $0 }
    #expect(all.last?.share == 1)
    #expect(all.last?.responses == 32)
    #expect(all.last?.mean == summary.overall.mean)
    #expect(zip(all, all.dropFirst()).allSatisfy { $0.responses <= $1.responses && $0.tokens <= $1.tokens })
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try await evaluator().run(prompts()) { _ in }
    }
    await #expect(throws: CancellationError.self) { try await task.value }
  }

  @Test("no prompts give no figures")
  func nothing() async throws {
    let summary = try await evaluator().run([]) { _ in }
    #expect(summary.overall == EvaluationFigures())
    #expect(summary.metrics().allSatisfy { $0.value == 0 })
  }
}
