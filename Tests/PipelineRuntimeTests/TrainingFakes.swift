// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineIO
import PipelineRuntime
import PipelineTesting
import Synchronization

/// A scripted policy that can be saved: a checkpoint is a folder with the number of its steps.
///
/// To a prompt it says "yes" in as many of its responses as the script has for the number of steps made, then "no".
actor SavingPolicy: TokenCodec, TokenGenerator, LogProbSource, TrainablePolicy {
  private let inner = ScriptedPolicy()
  private let rights: [Int]

  init(rights: [Int], steps: Int) async throws {
    self.rights = rights
    for _ in 0..<steps { _ = try await inner.step(OptimizerStep(learningRate: 0)) }
  }

  var facts: PolicyFacts { get async { await inner.facts } }

  func encode(_ prompt: PolicyPrompt) async throws -> EncodedPrompt { try await inner.encode(prompt) }

  func encode(response: String, finish: GeneratedResponse.Finish) async throws -> [Int32] {
    await inner.encode(response: response, finish: finish)
  }

  func decode(_ tokens: [Int32]) async throws -> String { await inner.decode(tokens) }

  func generate(
    _ requests: [GenerationRequest], sampling: SamplingOptions, progress: @Sendable (GenerationProgress) -> Void
  ) async throws -> [[GeneratedResponse]] {
    let right = rights[min(await inner.steps, rights.count - 1)]
    return requests.map { request in
      request.seeds.indices.map { index in
        let tokens = (index < right ? "yes" : "no").utf8.map { Int32($0) } + [ScriptedPolicy.endToken]
        return GeneratedResponse(tokens: tokens, logProbs: tokens.map { _ in -1 }, finish: .stop)
      }
    }
  }

  func logProbs(of groups: [ResponseGroup], temperature: Double) async throws -> [[[Float]]] {
    await inner.logProbs(of: groups, temperature: temperature)
  }

  func accumulate(
    _ groups: [ResponseGroup], temperature: Double, gradient: @Sendable (ResponsePlace, [Float]) throws -> [Float]
  ) async throws { try await inner.accumulate(groups, temperature: temperature, gradient: gradient) }

  func step(_ step: OptimizerStep) async throws -> OptimizerReport { try await inner.step(step) }

  func save(to folder: String) async throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    try Data("\(await inner.steps)".utf8).write(to: URL(fileURLWithPath: folder + "/steps"))
  }
}

/// Opens ``SavingPolicy``.
struct SavingBackend: PolicyBackend {
  static let about = ComponentAbout(name: "saving", summary: "A scripted policy that can be saved")
  let offers = Set(PolicyAbility.allCases).subtracting([.entropy, .entropies, .imageChanges])
  var rights = [1]

  init(options: NoOptions, assembly: Assembly) {}
  init(rights: [Int] = [1]) { self.rights = rights }

  func open(_ opening: PolicyOpening) async throws -> Policy {
    let text = opening.checkpoint.flatMap { FileManager.default.contents(atPath: $0 + "/steps") }
    return Policy(
      try await SavingPolicy(rights: rights, steps: text.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0))
  }
}

/// Rolls two responses out of each prompt, and tells of them in all the ways that figures can be combined.
struct RollStage: Stage {
  static let about = ComponentAbout(name: "roll", summary: "Rolls two responses out")
  let reads: Set<Field> = [.prompt]
  let writes: Set<Field> = [.response, .tokens]
  let needs: Set<PolicyAbility> = [.generation]

  init(options: NoOptions, assembly: Assembly) {}
  init() {}

  func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {
    var options = RolloutSampler.Options()
    options.count = 2
    options.step = context.step
    let outcomes = try await RolloutSampler(sampler: context.training.sampler, options: options)
      .rollouts(of: batch.trajectories)
    let count = batch.count
    batch.expand(stage: context.stage) { index in
      guard case .rollouts(let rollouts, _) = outcomes[index] else { return .dropped(rule: "unusable") }
      return .rollouts(rollouts)
    }
    context.report.metric("mean", Double(count))
    context.report.metric("sum", Double(count), combining: .sum)
    context.report.metric("least", Double(count), combining: .minimum)
    context.report.metric("most", Double(count), combining: .maximum)
  }
}

/// Gives each response 1 for "yes", and does what a test asks for before.
struct YesStage: Stage {
  static let about = ComponentAbout(name: "yes", summary: "Likes yes")
  let reads: Set<Field> = [.response]
  let writes: Set<Field> = [.reward]
  var before: @Sendable () async throws -> Void = {}

  init(options: NoOptions, assembly: Assembly) {}
  init(before: @escaping @Sendable () async throws -> Void = {}) { self.before = before }

  func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {
    try await before()
    for index in 0..<batch.count { batch[index].reward = try batch[index].response == "yes" ? 1 : 0 }
  }
}

/// Drops groups by the prompt's field `drop`, and asks for others.
struct BandStage: Stage {
  static let about = ComponentAbout(name: "band", summary: "Drops groups that say so")
  let reads: Set<Field> = [.response]
  let writes: Set<Field> = []
  var refill: Refill? { Refill(maxAttempts: maxAttempts) }
  var maxAttempts = 1

  init(options: NoOptions, assembly: Assembly) {}
  init(maxAttempts: Int) { self.maxAttempts = maxAttempts }

  func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {
    let leaves = try batch.trajectories.map { try $0.value(of: Field("drop")) == .bool(true) }
    batch.drop(stage: context.stage) { leaves[$0] ? "band" : nil }
  }
}

/// Takes an optimizer step, counts its steps in its memory, and does what a test asks for in the middle.
struct LearnStage: Stage {
  static let about = ComponentAbout(name: "learn", summary: "Takes a step")
  let reads: Set<Field> = []
  let writes: Set<Field> = []
  let needs: Set<PolicyAbility> = [.training]
  var during: @Sendable (_ step: Int) async throws -> Void = { _ in }

  init(options: NoOptions, assembly: Assembly) {}
  init(during: @escaping @Sendable (Int) async throws -> Void = { _ in }) { self.during = during }

  func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {
    try await during(context.step)
    try Task.checkCancellation()
    let count = (context.training.memory.value?.intValue ?? 0) + 1
    _ = try await context.training.trainable.step(OptimizerStep(learningRate: 1))
    context.training.memory.value = .number(count)
    context.report.metric("count", Double(count))
  }
}

/// Remembers what it hears.
final class RecordingObserver: RunObserver {
  private let state = Mutex<(warnings: [String], checkpoints: [String])>(([], []))

  func progressed(step: Int, activity: String, share: Double?) {}
  func warned(step: Int, stage: String, _ warning: StageReport.Warning) {
    state.withLock { $0.warnings.append("\(step) \(stage) \(warning.code): \(warning.message)") }
  }
  func found(_ badRecord: BadRecord) {}
  func saved(checkpoint: String) {
    state.withLock { $0.checkpoints.append(URL(fileURLWithPath: checkpoint).lastPathComponent) }
  }

  var warnings: [String] { state.withLock { $0.warnings } }
  var checkpoints: [String] { state.withLock { $0.checkpoints } }
}
