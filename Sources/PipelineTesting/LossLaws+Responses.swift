// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

extension LossLaws {
  /// Responses of 0, 1, 2, 3 and 7 tokens whose log-ratios are 0, tiny, small, large and beyond the usual clamp of 20,
  /// with advantages of one sign, of both and 0, and weights some of which are 0.
  public static func responses() -> [LossTokens] {
    var responses: [LossTokens] = []
    for count in [0, 1, 2, 3, 7] {
      for scale in [0, 1e-4, 0.1, 1, 8, 30] {
        for signs in [[1.0], [-1], [1, -1, 0], [0]] {
          var random = PhiloxGenerator(seed: UInt64(responses.count), purpose: "loss-laws")
          func uniform() -> Double { PhiloxGenerator.uniform(from: random.next()) }
          let logProbs = (0..<count).map { _ in -scale - 4 * uniform() }
          responses.append(
            LossTokens(
              logProbs: logProbs, oldLogProbs: logProbs.map { $0 - scale * (2 * uniform() - 1) },
              advantages: (0..<count).map { signs[$0 % signs.count] * (0.1 + 2 * uniform()) },
              weights: (0..<count).map { $0 == 1 ? 0 : uniform() }))
        }
      }
    }
    return responses
  }

  /// Responses with numbers that have broken losses, each with its name.
  static func hostileResponses() -> [(name: String, tokens: LossTokens)] {
    let extremes = [0, -1e-300, -20, -1e4]
    var responses: [(String, LossTokens)] = []
    for new in extremes {
      for old in extremes {
        for advantage in [0, 1, -1, 1e6, -1e6] {
          for weight in [0, 1.0] {
            let name = "log-probability \(new), old \(old), advantage \(advantage), weight \(weight)"
            for count in [1, 3] {
              responses.append(
                (
                  name,
                  LossTokens(
                    logProbs: Array(repeating: new, count: count), oldLogProbs: Array(repeating: old, count: count),
                    advantages: Array(repeating: advantage, count: count),
                    weights: Array(repeating: weight, count: count))
                ))
            }
          }
        }
      }
    }
    return responses
  }
}
