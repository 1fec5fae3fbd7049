// SPDX-License-Identifier: Apache-2.0
import AdvantagePlugin
import EstimatorsPlugin
import Foundation
import PipelineCore
import PipelineTesting
import Testing

/// Numbers of the published programs; see `Fixtures/README.md`.
@Suite("Estimators of published methods", .timeLimit(.minutes(15)))
struct MethodOracleTests {
  private struct Fixture<Case: Decodable>: Decodable { let cases: [Case] }

  private func read<Case: Decodable>(_ name: String, _: Case.Type) throws -> [Case] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
    return try JSONDecoder().decode(
      Fixture<Case>.self, from: Data(contentsOf: folder.appending(path: name + ".json"))
    ).cases
  }

  private func values(_ advantages: [RolloutAdvantage]) -> [Double] {
    advantages.map { if case .uniform(let value) = $0 { value } else { .nan } }
  }

  private func isClose(_ value: Double, _ wanted: Double, _ tolerance: Double = 1e-5) -> Bool {
    abs(value - wanted) <= tolerance * max(1, abs(wanted))
  }

  private struct MaxRL: Decodable {
    let rewards: [Double]
    let max_rl: [Double]
    let max_rl_prime_rl: [Double]
    let reinforce_rej: [Double]
  }

  @Test("max-rl equals prime-rl's, and the authors' to their 1e-6 where the mean is above 0")
  func maxRL() throws {
    let cases = try read("max_rl_reinforce_rej", MaxRL.self)
    #expect(cases.count == 18)
    for numbers in cases {
      let group = numbers.rewards.map { ScoredRollout(reward: $0) }
      let found = values(MaxRLEstimator(assembly: .plain()).advantages(for: [group])[0])
      let mean = numbers.rewards.reduce(0, +) / Double(numbers.rewards.count)
      for index in found.indices {
        #expect(isClose(found[index], numbers.max_rl_prime_rl[index]), "\(numbers.rewards)")
        if mean > 0, group.count > 1 { #expect(isClose(found[index], numbers.max_rl[index], 2e-5 / min(1, mean))) }
      }
    }
  }

  @Test("reinforce is Reinforce-Rej where the filter for zero variance lets a group through")
  func reinforceRej() throws {
    for numbers in try read("max_rl_reinforce_rej", MaxRL.self) {
      if Set(numbers.rewards).count < 2 { continue }
      let group = numbers.rewards.map { ScoredRollout(reward: $0) }
      let found = values(ReinforceEstimator(assembly: .plain()).advantages(for: [group])[0])
      for (value, wanted) in zip(found, numbers.reinforce_rej) { #expect(isClose(value, wanted)) }
    }
  }

  private struct ADORA: Decodable {
    let rewards: [Double]
    let lengths: [Int]
    let correct_score: Double
    let max_length_threshold: Int
    let lamda: Double
    let adora_llm: [Double]
    let adora_vl_weights: [Double]
    let grpo: [Double]
  }

  @Test("adora scales as its programs do where they agree, and as the one for vision where none is right")
  func adora() throws {
    let cases = try read("adora", ADORA.self)
    #expect(cases.count == 13)
    var compared = 0
    for numbers in cases {
      let group = zip(numbers.rewards, numbers.lengths).map { ScoredRollout(reward: $0, tokenCount: $1) }
      var options = ADORAEstimator.Options()
      options.factor = numbers.lamda
      options.limit = numbers.max_length_threshold
      options.threshold = numbers.correct_score
      func found(_ options: ADORAEstimator.Options) throws -> [Double] {
        let inner = GRPOEstimator(assembly: .plain())
        return values(try ADORAEstimator(options: options, inner: inner).advantages(for: [group])[0])
      }
      // A reward of exactly the threshold is right here, and wrong there.
      let isOnEdge = numbers.rewards.contains(numbers.correct_score)
      let hasRight = numbers.rewards.contains { $0 >= numbers.correct_score }
      let ours = try found(options)
      for index in ours.indices {
        let wanted = hasRight || isOnEdge ? numbers.adora_llm[index] : numbers.grpo[index]
        #expect(isClose(ours[index], wanted), "\(numbers.rewards) \(numbers.lengths)")
        compared += 1
      }
      // The program for vision: right above 0.5, a limit of 4094, none wrong is scaled.
      if isOnEdge || numbers.correct_score != 0.5 { continue }
      options.limit = 4094
      options.noneWrong = .scale
      let theirs = try found(options)
      for index in theirs.indices {
        #expect(isClose(theirs[index], numbers.grpo[index] * numbers.adora_vl_weights[index]), "\(numbers.rewards)")
      }
    }
    #expect(compared > 60)
  }

  private struct RLZVP: Decodable {
    let rewards: [Double]
    let entropies: [[Double]]
    let alpha: Double
    let advantages: [[Double]]
  }

  @Test("rl-zvp equals the formula, token by token")
  func rlZVP() throws {
    let cases = try read("rl_zvp", RLZVP.self)
    #expect(cases.count == 9)
    for numbers in cases {
      var options = RLZVPEstimator.Options()
      options.alpha = numbers.alpha
      options.single = .shape
      let group = zip(numbers.rewards, numbers.entropies).map {
        ScoredRollout(reward: $0, tokenCount: $1.count, entropies: $1)
      }
      let found = RLZVPEstimator(options: options, assembly: .plain()).advantages(for: [group])[0]
      for (advantage, wanted) in zip(found, numbers.advantages) {
        guard case .perToken(let values) = advantage else {
          Issue.record("not per token")
          continue
        }
        #expect(values.count == wanted.count)
        for (value, wanted) in zip(values, wanted) { #expect(isClose(value, wanted, 1e-9)) }
      }
    }
  }
}
