// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineTesting
import Testing
import UpdatePlugin

@Suite("update: the tokens with the highest entropies", .timeLimit(.minutes(15)))
struct HighEntropyTests {
  private struct Fixture: Decodable {
    struct Case: Decodable {
      let entropies: [[Double]]
      let mask: [[Int]]
      let threshold: Double
      let quantile: Double?
      let kept: [[Int]]
    }
    let cases: [Case]
  }

  @Test("the threshold is TRL's quantile, and it keeps the same tokens")
  func oracle() throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/entropy_mask.json")
    let cases = try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: file)).cases
    #expect(cases.count == 12)
    for numbers in cases {
      var tokens = HighEntropyTokens()
      tokens.share = 1 - numbers.threshold
      var places: [(Int, Int)] = []
      for (row, mask) in numbers.mask.enumerated() {
        for (column, isTrained) in mask.enumerated() where isTrained == 1 { places.append((row, column)) }
      }
      let threshold = tokens.threshold(places.map { numbers.entropies[$0][$1] })
      #expect((threshold == nil) == places.isEmpty)
      guard let threshold else { continue }
      if let quantile = numbers.quantile { #expect(abs(threshold - quantile) < 1e-6) }
      for (row, column) in places {
        // An interpolated threshold may lie at an entropy but for float32.
        let isKept = numbers.entropies[row][column] >= threshold - 1e-7
        #expect(isKept == (numbers.kept[row][column] == 1), "\(numbers.entropies[row][column]) \(threshold)")
      }
    }
  }

  private func rollout(_ text: String, _ entropies: [Double], draws: [Int]? = nil) -> Trajectory {
    .response(text, advantage: 1) {
      $0.set(.entropies, to: .array(entropies.map { .number($0) }))
      $0.draws = draws
    }
  }

  private func update(_ share: Double, _ scope: HighEntropyTokens.Scope, minibatches: Int = 1) throws -> Update {
    var update = try Update("reinforce", minibatches: minibatches)
    update.options.highEntropy.share = share
    update.options.highEntropy.scope = scope
    return update
  }

  /// The gradients of tokens, −1 / n for those that count.
  private func counted(_ outcome: Update.Outcome) -> [[[Int]]] {
    outcome.passes.map { $0.gradients.map { $0.map { $0 == 0 ? 0 : Int((-1 / $0).rounded()) } } }
  }

  @Test("tokens below the threshold leave the numerator and the denominator")
  func denominators() async throws {
    // Six tokens; half of them, those of 4, 5 and 6.
    let outcome = try await update(0.5, .minibatch).run([rollout("ab", [1, 6, 2]), rollout("cd", [5, 3, 4])])
    #expect(counted(outcome) == [[[0, 3, 0], [3, 0, 3]]])
    #expect(outcome.metrics["actor/entropy_threshold"] == 3.5)
  }

  @Test("a minibatch has a threshold of its own, unless the batch is compared")
  func scopes() async throws {
    let rollouts = [rollout("ab", [1, 2, 3]), rollout("cd", [10, 11, 12])]
    let alone = try await update(1.0 / 3, .minibatch, minibatches: 2).run(rollouts)
    #expect(counted(alone) == [[[0, 0, 1]], [[0, 0, 1]]])
    let together = try await update(1.0 / 3, .batch, minibatches: 2).run(rollouts)
    #expect(counted(together) == [[[0, 0, 0]], [[0, 2, 2]]])
  }

  @Test("tokens count as often as their response was drawn, and equal entropies all stay")
  func draws() async throws {
    // 1 1 1 2 2 2 and 3 4: the quantile at one quarter of eight lies between equals.
    let rollouts = [rollout("a", [1, 2], draws: [0, 1, 2]), rollout("b", [3, 4], draws: [3])]
    let outcome = try await update(0.5, .minibatch).run(rollouts)
    #expect(outcome.metrics["actor/entropy_threshold"] == 2)
    let equal = try await update(0.2, .minibatch).run([rollout("a", [0, 0]), rollout("b", [0, 0])])
    #expect(counted(equal) == [[[4, 4], [4, 4]]])
  }

  @Test("all tokens by default, and then no entropies are read")
  func off() throws {
    let options = UpdateStage.Options()
    #expect(options.highEntropy.share == 1)
    var wrong = HighEntropyTokens()
    wrong.share = 0
    #expect(wrong.problems().map(\.message) == ["is 0.0, it must lie above 0 and up to 1"])
  }
}
