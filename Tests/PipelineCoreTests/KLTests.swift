// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import Testing

@Suite("KL divergence", .timeLimit(.minutes(15)))
struct KLTests {
  @Test(
    "estimates and their derivatives",
    arguments: [
      // d = 1, −1, 0.
      (KLEstimator.k1, [(-1, 1), (1, 1), (0, 1)]),
      (.abs, [(1, -1), (1, 1), (0, 0)]),
      (.k2, [(0.5, -1), (0.5, 1), (0, 0)]),
      (
        .k3,
        [
          (0.718281828459045, -1.718281828459045), (0.36787944117144233, 0.6321205588285577), (0, 0),
        ]
      ),
    ] as [(KLEstimator, [(value: Double, derivative: Double)])])
  func examples(_ estimator: KLEstimator, _ expected: [(value: Double, derivative: Double)]) {
    for (difference, expected) in zip([1.0, -1, 0], expected) {
      let found = estimator(logProb: -2, reference: difference - 2)
      #expect(abs(found.value - expected.value) < 1e-15, "d = \(difference)")
      #expect(abs(found.derivative - expected.derivative) < 1e-15, "d = \(difference)")
    }
  }

  @Test("k3 is at most 10, and has no gradient where it is held, by that limit or by the clamp of d")
  func clamps() {
    // e^2.6 − 3.6 = 9.86, e^2.7 − 3.7 = 11.2.
    let below = KLEstimator.k3(logProb: -5, reference: -2.4)
    #expect(abs(below.value - 9.863738035001692) < 1e-13 && abs(below.derivative + 12.463738035001692) < 1e-13)
    #expect(KLEstimator.k3(logProb: -5, reference: -2.3) == .init(value: 10, derivative: 0))
    #expect(KLEstimator.k3(logProb: -50, reference: -1) == .init(value: 10, derivative: 0))
    #expect(KLEstimator.k3(logProb: -1, reference: -50) == .init(value: 10, derivative: 0))
    let small = KLEstimator.k3(logProb: -2, reference: -2 + 1e-9)
    #expect(small.value >= 0 && small.value < 1e-17 && small.derivative < 0)
  }

  @Test("derivatives are those of the values", arguments: KLEstimator.allCases)
  func derivatives(_ estimator: KLEstimator) {
    let step = 1e-6
    for difference in stride(from: -6.05, to: 6, by: 0.1) {
      let here = estimator(logProb: -1, reference: -1 + difference)
      let after = estimator(logProb: -1 + step, reference: -1 + difference).value
      let before = estimator(logProb: -1 - step, reference: -1 + difference).value
      #expect(abs(here.derivative - (after - before) / (2 * step)) < 1e-7 * max(1, abs(here.derivative)))
    }
  }

  @Test("estimates are finite for all finite log-probabilities", arguments: KLEstimator.allCases)
  func hostile(_ estimator: KLEstimator) {
    let largest = Double.greatestFiniteMagnitude
    for new in [0, -1e4, largest, -largest] {
      for reference in [0, -1e4, largest, -largest] {
        let found = estimator(logProb: new, reference: reference)
        #expect(found.value.isFinite && found.derivative.isFinite, "\(new) \(reference)")
      }
    }
  }

  private func options(_ controller: KLOptions.Controller) -> KLOptions {
    var options = KLOptions()
    (options.coefficient, options.controller, options.target, options.horizon) = (0.5, controller, 0.1, 100)
    return options
  }

  @Test("an adaptive coefficient moves by at most 20 % a horizon, towards the target")
  func adaptive() {
    for (divergence, count, expected) in [
      (0.11, 50, 0.525), (0.1, 50, 0.5), (0.09, 50, 0.475), (9, 50, 0.55), (-3, 50, 0.45), (9, 100, 0.6),
      (0, 100_000, 0.4), (.nan, 50, 0.5), (.infinity, 50, 0.5), (9, 0, 0.5),
    ] {
      var controller = KLController(options(.adaptive))
      controller.update(divergence: divergence, count: count)
      #expect(abs(controller.coefficient - expected) < 1e-15, "\(divergence) \(count)")
    }
  }

  @Test("a fixed coefficient stays, whatever a memory says")
  func fixed() throws {
    var controller = try KLController(options(.fixed), memory: 7)
    controller.update(divergence: 9, count: 100)
    #expect(controller.coefficient == 0.5)
    #expect(KLController(options(.fixed), coefficient: 3).coefficient == 0.5)
  }

  @Test("a memory holds the coefficient to the last bit")
  func memory() throws {
    var controller = KLController(options(.adaptive))
    for _ in 0..<7 { controller.update(divergence: 0.1037, count: 13) }
    #expect(try KLController(options(.adaptive), memory: controller.memory) == controller)
    #expect(try KLController(options(.adaptive), memory: nil) == KLController(options(.adaptive)))
    for broken in [JSONValue.null, "high", -1] {
      #expect(throws: PipelineError.self) { try KLController(options(.adaptive), memory: broken) }
    }
  }

  @Test("wrong options are explained")
  func problems() {
    #expect(KLOptions().problems().isEmpty && KLOptions().coefficient == 0 && KLOptions().estimator == .k3)
    var options = KLOptions()
    (options.coefficient, options.target, options.horizon) = (-1, .nan, 0)
    #expect(
      options.problems() == [
        OptionProblem("coefficient", "is -1.0, it must be 0 or more"),
        OptionProblem("target", "is nan, it must be more than 0"),
        OptionProblem("horizon", "is 0.0, it must be more than 0"),
      ])
  }
}
