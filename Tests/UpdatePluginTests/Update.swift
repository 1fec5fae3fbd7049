// SPDX-License-Identifier: Apache-2.0
import LossesPlugin
import PipelineCore
import PipelineTesting
import UpdatePlugin

/// The update stage with a scripted policy, and what became of a batch in it.
struct Update {
  var options = UpdateStage.Options()
  var policy = ScriptedPolicy()
  var reference: ScriptedPolicy?
  let memory = StageMemory()
  /// The version of the policy; what other versions sampled has no old log-probabilities.
  var version = 0
  /// The steps of the whole run; nil if they are not known.
  var plannedSteps: Int?

  init(_ loss: String, minibatches: Int = 1, epochs: Int = 1) throws {
    options.loss = ComponentReference(loss)
    options.minibatches = minibatches
    options.epochs = epochs
  }

  /// What came of a step.
  struct Outcome {
    let batch: TrajectoryBatch
    /// Calls that added gradients, in order.
    let passes: [Pass]
    let steps: [OptimizerStep]
    /// How many trajectories log-probabilities were computed for before the first pass, call by call.
    let scored: [Int]
    let metrics: [String: Double]
    let warnings: [StageReport.Warning]
  }

  /// A call that added gradients.
  struct Pass {
    let groups: [ResponseGroup]
    let temperature: Double
    /// Those of each response, over all groups.
    let gradients: [[Float]]
    /// Those of the entropies; empty without an entropy bonus.
    var entropyGradients: [[Float]] = []
    /// The responses' texts, over all groups.
    var texts: [String] {
      groups.flatMap(\.responses).map { String(decoding: $0.compactMap { UInt8(exactly: $0) }, as: UTF8.self) }
    }
  }

  @discardableResult
  func run(_ trajectories: [Trajectory]) async throws -> Outcome {
    try await run(TrajectoryBatch(trajectories, number: version))
  }

  @discardableResult
  func run(_ trajectories: TrajectoryBatch) async throws -> Outcome {
    var registry = Registry()
    try registry.register(ClipLoss.self)
    try registry.register(ReinforceLoss.self)
    try registry.register(NLLLoss.self)
    try registry.register(GSPOLoss.self)
    try registry.register(GSPOTokenLoss.self)
    try registry.register(CISPOLoss.self)
    try registry.register(SAPOLoss.self)
    let stage = try UpdateStage(options: options, assembly: .plain(registry))
    var abilities = policy.policy
    abilities.reference = reference
    let context = StageContext(
      stage: "update", step: version,
      training: TrainingContext(policy: abilities, policyVersion: version, memory: memory, plannedSteps: plannedSteps))
    let before = await policy.calls.count
    var batch = trajectories
    try await stage.run(&batch, in: context)
    try AboutLaws.check(stage, named: "update", dropsOf: batch, report: context.report)
    var passes: [Pass] = []
    var steps: [OptimizerStep] = []
    var scored: [Int] = []
    for call in await policy.calls[before...] {
      switch call {
      case .accumulate(let groups, let temperature, let gradients):
        passes.append(Pass(groups: groups, temperature: temperature, gradients: gradients.flatMap { $0 }))
      case .accumulateWithEntropy(let groups, let temperature, let gradients):
        let all = gradients.flatMap { $0 }
        passes.append(
          Pass(
            groups: groups, temperature: temperature, gradients: all.map(\.logProbs),
            entropyGradients: all.map(\.entropies)))
      case .step(let step): steps.append(step)
      case .logProbs(let groups, _) where passes.isEmpty: scored.append(groups.reduce(0) { $0 + $1.responses.count })
      default: break
      }
    }
    return Outcome(
      batch: batch, passes: passes, steps: steps, scored: scored,
      metrics: Dictionary(context.report.metrics.map { ($0.name, $0.value) }) { first, _ in first },
      warnings: context.report.warnings)
  }

  /// The log-probabilities of a response to "p" under the scripted policy after some steps.
  static func logProbs(_ response: String, afterSteps steps: Int, temperature: Double = 1) async throws -> [Double] {
    let twin = ScriptedPolicy()
    for _ in 0..<steps { _ = try await twin.step(OptimizerStep(learningRate: 0)) }
    let tokens = await twin.encode(response: response, finish: .stop)
    let prompt = EncodedPrompt(tokens: "p".utf8.map { Int32($0) })
    let groups = [ResponseGroup(prompt: prompt, responses: [tokens])]
    return await twin.logProbs(of: groups, temperature: temperature)[0][0].map(Double.init)
  }
}

extension Trajectory {
  /// A finished response, whose id is its text.
  static func response(
    _ text: String, prompt: String = "p", advantage: Double? = nil, draws: [Int]? = nil, temperature: Double? = nil,
    _ change: (inout Trajectory) -> Void = { _ in }
  ) -> Trajectory {
    var trajectory = Trajectory(
      id: text, group: prompt, fields: [.prompt: .string(prompt), .response: .string(text)])
    trajectory.advantage = advantage
    if let draws { trajectory.draws = draws }
    if let temperature { trajectory.set(.sampling, to: ["temperature": .number(temperature)]) }
    change(&trajectory)
    return trajectory
  }
}
