// SPDX-License-Identifier: Apache-2.0
import KLPenaltyPlugin
import PipelineCore
import PipelineTesting
import Testing

@Suite("KLPenaltyStage", .timeLimit(.minutes(15)))
struct KLPenaltyStageTests {
  private func stage(_ change: (inout KLPenaltyStage.Options) -> Void = { _ in }) -> KLPenaltyStage {
    var options = KLPenaltyStage.Options()
    change(&options)
    return KLPenaltyStage(options: options, assembly: .plain())
  }

  private func rollout(
    _ index: Int, reward: Double?, logProbs: [JSONValue], reference: [JSONValue]?,
    _ fields: KeyValuePairs<Field, JSONValue> = [:]
  ) -> Trajectory {
    var trajectory = Trajectory(id: "g/\(index)", group: "g", reward: reward, fields: fields)
    trajectory.set(.prompt, to: "What is x?")
    trajectory.set(.tokens, to: .array(logProbs.map { _ in 65 }))
    trajectory.set(.logprobs, to: .array(logProbs))
    if let reference { trajectory.set(.refLogprobs, to: .array(reference)) }
    return trajectory
  }

  private func metric(_ name: String, _ context: StageContext) -> Double? {
    context.report.metrics.first { $0.name == name }?.value
  }

  @Test("the reward falls by the coefficient times the sum over tokens, which becomes the part 'kl'")
  func example() async throws {
    var batch = TrajectoryBatch([
      rollout(0, reward: 1, logProbs: [-1, -1], reference: [-1.5, -2]),
      rollout(1, reward: 0, logProbs: [-1, -1, -1, -1], reference: [-0.5, -1, -1, -1]),
      rollout(2, reward: nil, logProbs: [-1], reference: nil),
    ])
    batch[0].rewards = [RewardPart("accuracy", 1)]
    let context = StageContext(stage: "kl-penalty")
    try await stage { $0.coefficient = 0.5 }.run(&batch, in: context)
    #expect(batch.trajectories.map(\.reward) == [0.25, 0.25, nil])
    #expect(batch[0].rewards == [RewardPart("accuracy", 1), RewardPart("kl", 1.5)])
    #expect(batch[1].rewards == [RewardPart("kl", -0.5)])
    #expect(batch[2].rewards == nil)
    // (1.5 / 2 − 0.5 / 4) / 2
    #expect(metric("critic/kl", context) == 0.3125)
    #expect(metric("critic/kl_coef", context) == 0.5)
    #expect(context.training.memory.value == nil)
    #expect(context.report.warnings.isEmpty)
  }

  @Test("tokens that the mask leaves out do not count")
  func mask() async throws {
    var batch = TrajectoryBatch([
      rollout(0, reward: 1, logProbs: [-1, -1], reference: [-1.5, -9], [.lossMask: [1, 0]]),
      rollout(1, reward: 1, logProbs: [-1, -1], reference: [-9, -9], [.lossMask: [false, false]]),
      rollout(2, reward: 1, logProbs: [], reference: []),
    ])
    let context = StageContext(stage: "kl-penalty")
    try await stage { $0.coefficient = 1 }.run(&batch, in: context)
    #expect(batch.trajectories.map(\.reward) == [0.5, 1, 1])
    #expect(metric("critic/kl", context) == 0.5 / 3)
  }

  @Test("the reference is asked for log-probabilities that records lack, and for no others")
  func reference() async throws {
    let reference = ScriptedPolicy()
    var batch = TrajectoryBatch([
      rollout(0, reward: 1, logProbs: [-1, -1], reference: nil),
      rollout(1, reward: 1, logProbs: [-1], reference: [-2]),
      rollout(2, reward: nil, logProbs: [-1], reference: nil),
    ])
    let context = StageContext(
      stage: "kl-penalty", training: TrainingContext(policy: Policy(codec: reference, reference: reference)))
    try await stage { $0.coefficient = 1 }.run(&batch, in: context)
    let prompt = try await reference.encode(PolicyPrompt("What is x?"))
    let group = ResponseGroup(prompt: prompt, responses: [[65, 65]])
    let expected = await reference.logProbs(of: [group], temperature: 1)[0][0]
    #expect(try batch[0].value(of: .refLogprobs) == .array(expected.map { .number($0.description) }))
    #expect(try batch[1].value(of: .refLogprobs) == [-2])
    #expect(try batch[2].value(of: .refLogprobs) == nil)
    let sum = expected.reduce(0.0) { $0 - 1 - (Double($1.description) ?? .nan) }
    #expect(abs((batch[0].reward ?? .nan) - (1 - sum)) < 1e-12)
    let calls = await reference.calls
    guard case .logProbs(let groups, 1) = calls.first else {
      Issue.record("the first call was \(String(describing: calls.first))")
      return
    }
    #expect(groups == [group])
  }

  @Test("without a reference the error says what to do")
  func noReference() async throws {
    var batch = TrajectoryBatch([rollout(0, reward: 1, logProbs: [-1], reference: nil)])
    let error = await #expect(throws: PipelineError.self) {
      try await stage().run(&batch, in: StageContext(stage: "kl-penalty"))
    }
    #expect(
      error?.message
        == "'kl-penalty' compares with the reference policy, but there is none; name a policy in the spec, "
        + "or give records that carry 'ref_logprobs'")
    #expect(stage().needs == [.reference])
  }

  @Test("an adaptive coefficient goes on from step to step, and after a resume")
  func adaptive() async throws {
    let stage = stage {
      ($0.coefficient, $0.controller, $0.target, $0.horizon) = (0.5, .adaptive, 1, 4)
    }
    let records = TrajectoryBatch([
      rollout(0, reward: 1, logProbs: [-1], reference: [-4]), rollout(1, reward: 1, logProbs: [-1], reference: [-4]),
    ])
    let memory = StageMemory()
    for coefficient in [0.5, 0.55] {
      let context = StageContext(stage: "kl-penalty", training: TrainingContext(memory: memory))
      var batch = records
      try await stage.run(&batch, in: context)
      #expect(abs((metric("critic/kl_coef", context) ?? 0) - coefficient) < 1e-12)
    }
    let resumed = StageMemory(memory.value)
    let context = StageContext(stage: "kl-penalty", training: TrainingContext(memory: resumed))
    var batch = records
    try await stage.run(&batch, in: context)
    #expect(abs((metric("critic/kl_coef", context) ?? 0) - 0.605) < 1e-12)

    let broken = TrainingContext(memory: StageMemory("high"))
    let error = await #expect(throws: PipelineError.self) {
      try await stage.run(&batch, in: StageContext(stage: "kl-penalty", training: broken))
    }
    #expect(error?.message == #"the checkpoint has "high" in the place of a KL coefficient"#)
  }

  @Test("a record whose divergence cannot be computed loses its reward, and the others keep theirs")
  func failures() async throws {
    var batch = TrajectoryBatch([
      rollout(0, reward: 1, logProbs: [-1], reference: [-1]),
      rollout(1, reward: 1, logProbs: [-1], reference: [-1, -1]),
      rollout(2, reward: 1, logProbs: [.null], reference: [-1]),
      rollout(3, reward: 1, logProbs: [-1], reference: [-1], [.lossMask: [2]]),
      rollout(4, reward: 1, logProbs: [-1], reference: [-1], [.lossMask: [1, 1]]),
      rollout(5, reward: 1, logProbs: [-1], reference: [-1]),
      rollout(6, reward: 1, logProbs: [-1], reference: nil, [.sampling: ["temperature": "hot"]]),
    ])
    batch[5].set(.tokens, to: nil)
    let reference = ScriptedPolicy()
    let context = StageContext(
      stage: "kl-penalty", training: TrainingContext(policy: Policy(codec: reference, reference: reference)))
    try await stage().run(&batch, in: context)
    #expect(batch.trajectories.map(\.reward) == [1, nil, nil, nil, nil, nil, nil])
    #expect(batch.trajectories.map(\.rewardStatus) == [nil] + Array(repeating: .failed, count: 6))
    #expect(metric("kl_failed", context) == 6)
    #expect(
      context.report.warnings.map(\.message) == [
        "6 trajectories lose their rewards since their KL divergence cannot be computed; the first: 'g/1', "
          + "'ref_logprobs' has 2 numbers for a response of 1 tokens; it must have one for each"
      ])
  }

  private struct Fault: Sendable {
    let field: Field
    let value: JSONValue
    let reason: String
  }

  private static let faults = [
    Fault(
      field: .logprobs, value: .null,
      reason: "'logprobs' has 0 numbers for a response of 1 tokens; it must have one for each"),
    Fault(
      field: .logprobs, value: ["low"], reason: #"'logprobs' holds "low", it must hold numbers"#),
    Fault(
      field: .refLogprobs, value: [-1, -1],
      reason: "'ref_logprobs' has 2 numbers for a response of 1 tokens; it must have one for each"),
    Fault(field: .lossMask, value: [2], reason: "'loss_mask' holds 2, it must hold true, false, 1 and 0"),
    Fault(
      field: .lossMask, value: [1, 1],
      reason: "'loss_mask' must be an array of 1 truth values, one for each token of the response, found 2 elements"),
  ]

  @Test("each failure says what is wrong", arguments: faults)
  private func reasons(_ fault: Fault) async throws {
    var batch = TrajectoryBatch([rollout(0, reward: 1, logProbs: [-1], reference: [-1])])
    batch[0].set(fault.field, to: fault.value)
    let context = StageContext(stage: "kl-penalty")
    try await stage().run(&batch, in: context)
    #expect(
      context.report.warnings.map(\.message) == [
        "1 trajectory loses its reward since its KL divergence cannot be computed: 'g/0', \(fault.reason)"
      ])
  }

  @Test("a penalty that no number can hold is a failure")
  func overflow() async throws {
    var batch = TrajectoryBatch([rollout(0, reward: 1, logProbs: [-1], reference: [-1e200])])
    let context = StageContext(stage: "kl-penalty")
    try await stage { ($0.coefficient, $0.estimator) = (1e10, .k2) }.run(&batch, in: context)
    #expect(batch[0].reward == nil && batch[0].rewardStatus == .failed)
    #expect(metric("critic/kl", context) == nil)
  }

  @Test("the stage keeps the laws, and its options are described")
  func laws() async throws {
    let batches = SampleBatches.exhaustive().map { batch in
      var batch = batch
      for index in 0..<batch.count {
        let count = (try? batch[index].tokenCount) ?? 0
        batch[index].set(.logprobs, to: .array((0..<count).map { _ in -1 }))
        batch[index].set(.refLogprobs, to: .array((0..<count).map { .number(-1.5 - Double($0)) }))
      }
      return batch
    }
    try await StageLaws.check(stage(), on: batches)
    try await StageLaws.check(stage { $0.controller = .adaptive }, on: batches)
    try OptionsLaws.check(KLPenaltyStage.Options.self)
    var options = KLPenaltyStage.Options()
    (options.coefficient, options.controller, options.target, options.horizon) = (0, .adaptive, 0, -1)
    #expect(
      options.problems() == [
        OptionProblem("coefficient", "is 0, which an adaptive controller cannot change; give it a value to start from"),
        OptionProblem("target", "is 0.0, it must be more than 0"),
        OptionProblem("horizon", "is -1.0, it must be more than 0"),
      ])
  }
}
