// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import RoundingBounds
import Tensor
import Testing

@Suite("Weights of rollouts", .timeLimit(.minutes(15)))
struct RolloutWeightTests {
  private func policy(_ reference: ReferenceModel, _ weights: RolloutWeights, threads: Int = 2) throws -> BundledPolicy
  {
    var options = BundledPolicy.Options()
    (options.rolloutWeights, options.threads) = (weights, threads)
    return try BundledPolicy(folder: reference.modelFolder, options: options)
  }

  private func sample(_ policy: BundledPolicy, _ reference: ReferenceModel) async throws -> [[GeneratedResponse]] {
    var sampling = SamplingOptions()
    (sampling.minTokens, sampling.maxTokens) = (3, 24)
    return try await policy.generate(
      try reference.cases().map { GenerationRequest(prompt: $0.prompt(), seeds: [1, 2, 3, 4]) }, sampling: sampling
    ) { _ in }
  }

  private func groups(_ reference: ReferenceModel, _ found: [[GeneratedResponse]]) throws -> [ResponseGroup] {
    try zip(reference.cases(), found).map {
      ResponseGroup(prompt: try $0.prompt(), responses: $1.map(\.tokens))
    }
  }

  @Test(
    "a model that is in BF16 samples the same bytes with bfloat16 as with float32, unless activations are rounded, too")
  func exact() async throws {
    let reference = try ReferenceModel.named("bfloat16")
    let isSame =
      try await sample(policy(reference, .bfloat16), reference) == sample(policy(reference, .float32), reference)
    #expect(isSame != InstructionSets.multipliesBFloat16)
    #expect(try await sample(policy(reference, .int8), reference) != sample(policy(reference, .float32), reference))
  }

  @Test("log-probabilities of rollouts lie as far from those that are scored as rounded weights move them")
  func mismatch() async throws {
    let reference = try ReferenceModel.named("interleaved")
    let policy = try policy(reference, .bfloat16)
    let found = try await sample(policy, reference)
    let groups = try groups(reference, found)
    let scored = try await policy.logProbs(of: groups, temperature: 1)
    let exact = try await reference.policy().logProbs(of: groups, temperature: 1)
    #expect(scored == exact)
    var (change, relative) = (Float(0), 1.0)
    for seed in 1...2 as ClosedRange<UInt64> {
      let (model, share) = try reference.changed(seed: seed)
      relative = share
      let moved = try await model.policy().logProbs(of: groups, temperature: 1).joined()
      change = max(change, zip(scored.joined(), moved).map { largestDifference($0, $1) }.max() ?? 0)
    }
    // Rounding to eight bits changes a weight by 2^-9 of itself at most, as evenly to both sides as the change that was measured.
    let bound = Float(RoundingBound.deviations * 0x1p-9 / relative) * change
    let gaps = zip(found.joined(), scored.joined()).map { largestDifference($0.logProbs, $1) }
    #expect(gaps.allSatisfy { $0 <= bound })
    // Far above what the order of sums does.
    let rounding = try await reference.logProbBound(groups, temperature: 1)
    #expect((gaps.max() ?? 0) > rounding)
  }

  @Test(
    "the same bytes on any threads, and a step later with the weights of then",
    arguments: [RolloutWeights.bfloat16, .int8])
  func threads(_ weights: RolloutWeights) async throws {
    let reference = try ReferenceModel.named("interleaved")
    var all: [[[[GeneratedResponse]]]] = []
    for threads in [1, 2, 7] {
      let policy = try policy(reference, weights, threads: threads)
      let first = try await sample(policy, reference)
      try await policy.accumulate(try groups(reference, first), temperature: 1) { _, logProbs in
        [Float](repeating: -0.01, count: logProbs.count)
      }
      _ = try await policy.step(OptimizerStep(learningRate: 1e-2))
      all.append([first, try await sample(policy, reference)])
    }
    #expect(all[0][0] != all[0][1])
    #expect(all[1] == all[0] && all[2] == all[0])
  }
}
