// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineRuntime
import Testing

@Suite("A stage that asks for more prompts", .timeLimit(.minutes(15)))
struct RefillTests {
  private func run(
    prompts: Int, dropped: Set<Int>, groups: Int, maxAttempts: Int, epochs: Int? = 1, steps: Int? = 1
  ) async throws -> (training: TrainingRun, metrics: [String: Double], warnings: [String]) {
    let training = try TrainingRun(prompts: prompts, dropped: dropped)
    let observer = RecordingObserver()
    try await training.run {
      $0.stages = [RollStage(), BandStage(maxAttempts: maxAttempts), LearnStage()]
      $0.isShuffled = false
      ($0.groups, $0.epochs, $0.steps, $0.observer) = (groups, epochs, steps, observer)
    }
    let members = try training.records("metrics.jsonl")[0].objectValue ?? []
    let metrics = members.compactMap { member in member.value.doubleValue.map { (member.key, $0) } }
    return (training, Dictionary(uniqueKeysWithValues: metrics), observer.warnings)
  }

  @Test("gets as many as it takes to fill the batch, and no more prompts than that")
  func fills() async throws {
    let run = try await run(prompts: 10, dropped: [0, 2], groups: 2, maxAttempts: 5, epochs: nil, steps: 2)
    #expect(try run.training.groups() == [["p1", "p3"], ["p4", "p5"]])
    #expect(run.metrics["band/attempts"] == 2)
    #expect(run.warnings.isEmpty)
    #expect(run.metrics["band/dropped/band"] == 4)
  }

  @Test("what is too many leaves as surplus, in the order of the prompts")
  func surplus() async throws {
    let run = try await run(prompts: 6, dropped: [0], groups: 3, maxAttempts: 5)
    #expect(try run.training.groups() == [["p1", "p2", "p3"]])
    #expect(run.metrics["band/attempts"] == 2)
    #expect(run.metrics["band/dropped/surplus"] == 4)
    #expect(run.metrics["band/kept"] == 6)
    let lineage = try run.training.records("lineage.jsonl")
    #expect(lineage.count == 12)
    #expect(Set(lineage.compactMap { $0["id"]?.stringValue }).count == 12)
    #expect(lineage.count { $0["rule"] == "surplus" } == 4)
    #expect(lineage.count { $0["outcome"] == "kept" } == 6)
  }

  @Test("with its attempts used up, the step goes on with what there is, and says so")
  func attemptsUsedUp() async throws {
    let run = try await run(prompts: 12, dropped: [0, 1, 2, 3, 5], groups: 2, maxAttempts: 3)
    #expect(try run.training.groups() == [["p4"]])
    #expect(run.metrics["band/attempts"] == 3)
    #expect(
      run.warnings == [
        "0 band batch-not-full: 1 of 2 groups are left after 3 attempts, and the 3 attempts of max_attempts are used up; "
          + "the step goes on with those"
      ])
  }

  @Test("with the prompts used up, the step goes on with what there is, and says so")
  func promptsUsedUp() async throws {
    let run = try await run(prompts: 5, dropped: [0, 1, 2, 3], groups: 2, maxAttempts: 9)
    #expect(try run.training.groups() == [["p4"]])
    #expect(run.metrics["band/attempts"] == 3)
    #expect(
      run.warnings == [
        "0 band batch-not-full: 1 of 2 groups are left after 3 attempts, and there are no more prompts; the step goes on "
          + "with those"
      ])
  }

  @Test("no prompt is taken twice in a step, though the epoch ends within it")
  func acrossEpochs() async throws {
    // Step 0 takes p0…p3; step 1 takes p4, p5, then from the next epoch those that it does not have yet.
    let run = try await run(
      prompts: 6, dropped: [1, 3, 4, 5], groups: 2, maxAttempts: 9, epochs: nil, steps: 2)
    #expect(try run.training.groups() == [["p0", "p2"], ["p0", "p2"]])
    let lineage = try run.training.records("lineage.jsonl").filter { $0["step"] == 1 }
    #expect(Set(lineage.compactMap { $0["id"]?.stringValue }).count == lineage.count)
  }

  @Test("figures of several attempts become one: means by what arrived, sums, extremes")
  func figures() async throws {
    // Attempts of three, three and two prompts: the last ones that there are; (3 · 3 + 3 · 3 + 2 · 2) / 8 = 2.75.
    let metrics = try await run(prompts: 8, dropped: Set(0..<8), groups: 3, maxAttempts: 9).metrics
    #expect(metrics["band/attempts"] == 3)
    #expect(metrics["roll/sum"] == 8)
    #expect(metrics["roll/least"] == 2)
    #expect(metrics["roll/most"] == 3)
    #expect(metrics["roll/mean"] == 2.75)
    #expect(metrics["roll/kept"] == 16)
    #expect(metrics["data/groups"] == 3)
  }
}
