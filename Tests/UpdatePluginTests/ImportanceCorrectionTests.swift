// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import Testing
import UpdatePlugin

@Suite("Importance correction", .timeLimit(.minutes(15)))
struct ImportanceCorrectionTests {
  private func factors(
    _ level: ImportanceCorrection.Level, _ mode: ImportanceCorrection.Mode, logRatios: [Double]
  ) -> [Double] {
    var correction = ImportanceCorrection()
    (correction.level, correction.mode) = (level, mode)
    return correction.factors(sampled: logRatios.map { _ in -1 }, old: logRatios.map { $0 - 1 })
      .map { ($0 * 1e9).rounded() / 1e9 }
  }

  private let logRatios = [log(1.5), log(3), log(0.25), log(0.6)]

  @Test("by default nothing is corrected")
  func off() {
    #expect(ImportanceCorrection(level: .none).factors(sampled: [-1, -2], old: [-5, -0.1]) == [1, 1])
  }

  @Test("token ratios are held at the cap from above")
  func tokenTruncate() { #expect(factors(.token, .truncate, logRatios: logRatios) == [1.5, 2, 0.25, 0.6]) }

  @Test("token ratios outside 1/cap…cap are masked")
  func tokenMask() { #expect(factors(.token, .mask, logRatios: logRatios) == [1.5, 0, 0, 0.6]) }

  @Test("the ratio of a sequence is the product over its tokens")
  func sequence() {
    // 1.5 · 3 · 0.25 · 0.6 = 0.675
    #expect(factors(.sequence, .truncate, logRatios: logRatios) == [0.675, 0.675, 0.675, 0.675])
    #expect(factors(.sequence, .mask, logRatios: logRatios) == [0.675, 0.675, 0.675, 0.675])
    #expect(factors(.sequence, .truncate, logRatios: [log(1.5), log(3)]) == [2, 2])
    #expect(factors(.sequence, .mask, logRatios: [log(1.5), log(3)]) == [0, 0])
    #expect(factors(.sequence, .mask, logRatios: [log(0.5), log(0.5)]) == [0, 0])
  }

  @Test("factors are finite and not negative for all log-probabilities, and none for no token")
  func hostile() {
    for level in ImportanceCorrection.Level.allCases {
      for mode in ImportanceCorrection.Mode.allCases {
        var correction = ImportanceCorrection()
        (correction.level, correction.mode) = (level, mode)
        #expect(correction.factors(sampled: [], old: []).isEmpty)
        let largest = Double.greatestFiniteMagnitude
        for factor in correction.factors(sampled: [largest, -largest, -1e4], old: [-largest, largest, 0]) {
          #expect(factor >= 0 && factor <= 2)
        }
      }
    }
  }

  @Test("a cap below 1 is refused")
  func problems() {
    var correction = ImportanceCorrection()
    correction.cap = 0.5
    #expect(correction.problems() == [OptionProblem("cap", "is 0.5, it must be 1 or more")])
  }
}
