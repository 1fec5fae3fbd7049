// SPDX-License-Identifier: Apache-2.0

/// How often at least one of `k` responses to a question is right.
package struct PassAtK: Sendable, Hashable {
  /// The number of responses that are looked at.
  package var k: Int
  /// The share, 0…1: the mean over questions of the estimate for each.
  package var share: Double
  /// The 95 % interval of the share.
  package var interval: ConfidenceInterval
  /// How many questions have `k` scored responses or more; the others do not count.
  package var questions: Int

  /// The unbiased estimate for one question: the share of all choices of `k` of its responses with a right one.
  ///
  /// `1 − C(n − c, k) / C(n, k)`, as a product that does not overflow.
  ///
  /// Source: M. Chen et al., "Evaluating large language models trained on code", arXiv 2107.03374.
  /// - Parameters:
  ///   - k: At least 1, at most `responses`.
  ///   - right: How many of the responses are right.
  package static func estimate(_ k: Int, responses: Int, right: Int) -> Double {
    precondition(k >= 1 && k <= responses && (0...responses).contains(right), "k of the responses")
    if responses - right < k { return 1 }
    if right == 0 || k == 1 { return Double(right) / Double(responses) }
    var noneRight = 1.0
    for count in (responses - right + 1)...responses { noneRight *= 1 - Double(k) / Double(count) }
    return 1 - noneRight
  }

  /// 1, 2, 4, … and the number of responses itself.
  package static func sizes(upTo responses: Int) -> [Int] {
    var sizes: [Int] = []
    var size = 1
    while size < responses {
      sizes.append(size)
      size *= 2
    }
    return responses < 1 ? [] : sizes + [responses]
  }

  /// The mean over questions, or nil where none has enough responses.
  ///
  /// - Parameter questions: How many responses of each question are scored, and how many of those are right.
  init?(_ k: Int, of questions: [(responses: Int, right: Int)]) {
    let known = questions.filter { $0.responses >= k }
    let estimates = known.map { Self.estimate(k, responses: $0.responses, right: $0.right) }
    // Of n responses there are n / k choices that share none.
    let choices = known.reduce(0) { $0 + $1.responses / k }
    guard let share = estimates.mean, let interval = ConfidenceInterval(ofMeans: estimates, responses: choices) else {
      return nil
    }
    (self.k, self.share, self.interval, self.questions) = (k, share, interval, known.count)
  }
}
