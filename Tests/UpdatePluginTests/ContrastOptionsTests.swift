// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineTesting
import Testing
import UpdatePlugin

@Suite("update: how much tokens depend on the image", .timeLimit(.minutes(15)))
struct ContrastOptionsTests {
  private struct Fixture: Decodable {
    struct Case: Decodable {
      let old_logps: [[Double]]
      let logps_masked_image: [[Double]]
      let mask: [[Double]]
      let k3: [[Double]]
      let top_share: Double
      let vppo_token_mask: [[Double]]
      let vppo_scores: [Double]
      let scaling_min: Double
      let vppo_scale: [Double]
    }
    let cases: [Case]
  }

  @Test("dependence, tokens and factors are those of VPPO's program")
  func oracle() throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/vppo_papo.json")
    let cases = try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: file)).cases
    #expect(cases.count == 5)
    for numbers in cases {
      var options = ContrastOptions()
      options.tokens = numbers.top_share
      options.leastFactor = numbers.scaling_min
      var all: [[Double]] = []
      for row in numbers.mask.indices {
        let length = numbers.mask[row].count { $0 == 1 }
        let dependences = (0..<length).map {
          ContrastOptions.dependence(contrast: numbers.logps_masked_image[row][$0], clean: numbers.old_logps[row][$0])
            .value
        }
        for (value, wanted) in zip(dependences, numbers.k3[row]) { #expect(abs(value - wanted) < 1e-5) }
        let kept = options.chosen(dependences)
        #expect(kept == (0..<length).filter { numbers.vppo_token_mask[row][$0] == 1 })
        all.append(dependences)
        let mean: Double = dependences.reduce(0, +) / Double(max(1, length))
        #expect(abs(mean - numbers.vppo_scores[row]) < 1e-5)
      }
      let factors = options.factors(all, draws: all.map { _ in 1 })
      for (factor, wanted) in zip(factors, numbers.vppo_scale) { #expect(abs(factor - wanted) < 1e-5) }
    }
  }

  @Test("nothing is kept of nothing, and one response or equal ones keep their advantages")
  func edges() {
    var options = ContrastOptions()
    (options.tokens, options.leastFactor) = (0.4, 0.5)
    #expect(options.chosen([]) == [])
    #expect(options.chosen([1]) == [0])
    // Two fifths of five are two, though 0.4 · 5 might be a little more; of equals the earlier.
    #expect(options.chosen([1, 1, 1, 1, 1]) == [0, 1])
    #expect(options.factors([[3]], draws: [2]) == [1])
    #expect(options.factors([[3], [2, 4]], draws: [1, 1]) == [1, 1])
    #expect(options.factors([[3], []], draws: [1, 1]) == [1, 1])
    // The mean counts each draw: (0 · 3 + 1) / 4, so that 0.5 and 0.5 + 1 · 0.5 / 0.25.
    let factors = options.factors([[0], [2], []], draws: [3, 1, 9])
    #expect(abs(factors[0] - 0.5) < 1e-6)
    #expect(abs(factors[1] - 2.5) < 1e-6)
  }

  private func rollout(_ text: String, old: [Double], contrast: [Double]) -> Trajectory {
    .response(text, advantage: 1) {
      $0.set(.tokens, to: .array((Array(text.utf8).map { Int($0) } + [256]).map { .number($0) }))
      $0.set(.logprobs, to: .array(old.map { .number($0) }))
      $0.set(.policyVersion, to: 0)
      $0.set(.logprobsContrast, to: .array(contrast.map { .number($0) }))
    }
  }

  @Test("tokens that depend least leave the denominator, and advantages are multiplied")
  func tokens() async throws {
    var update = try Update("reinforce")
    update.options.contrast.tokens = 0.5
    update.options.contrast.leastFactor = 0.5
    // Both have three tokens, of which two are kept; the second does not depend on the image.
    let outcome = try await update.run([
      rollout("ab", old: [-1, -1, -1], contrast: [-3, -1, -2]),
      rollout("cd", old: [-1, -1, -1], contrast: [-1, -1, -1]),
    ])
    // x is 1 and 0, its mean 0.5: factors 1.5 and 0.5, over four tokens.
    let wanted: [[Float]] = [[-1.5 / 4, 0, -1.5 / 4], [-0.5 / 4, -0.5 / 4, 0]]
    for (found, wanted) in zip(outcome.passes[0].gradients, wanted) {
      #expect(zip(found, wanted).allSatisfy { abs($0 - $1) < 1e-6 })
    }
  }

  @Test("the reward for dependence has the gradient of k3 under the current policy")
  func reward() async throws {
    var update = try Update("reinforce")
    update.options.contrast.reward = 0.5
    update.options.contrast.entropy = 0.25
    let outcome = try await update.run([rollout("a", old: [-1, -1], contrast: [-2, -0.25])])
    let now = try await Update.logProbs("a", afterSteps: 0)
    var mean = 0.0
    for (token, contrast) in [-2.0, -0.25].enumerated() {
      let difference: Double = contrast - now[token]
      let slope: Double = 1 - exp(difference)
      let wanted: Double = (-1 - 0.5 * slope - 0.25) / 2
      #expect(abs(Double(outcome.passes[0].gradients[0][token]) - wanted) < 1e-6)
      mean += (exp(difference) - difference - 1) / 2
    }
    let reported = try #require(outcome.metrics["actor/image_dependence"])
    #expect(abs(reported - mean) < 1e-6)
  }

  @Test("options are bounded")
  func problems() {
    var options = ContrastOptions()
    (options.tokens, options.leastFactor, options.reward, options.entropy) = (0, 2, -1, -1)
    #expect(
      options.problems().map { "\($0.path) \($0.message)" } == [
        "tokens is 0.0, it must lie above 0 and up to 1", "least_factor is 2.0, it must lie in 0.0…1.0",
        "reward is -1.0, it must be 0 or more", "entropy is -1.0, it must be 0 or more",
      ])
  }
}
