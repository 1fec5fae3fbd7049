// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// What runs took.
package struct StudyCost: Sendable, Hashable {
  /// Responses that were sampled, those that a stage dropped included.
  package var rollouts = 0.0
  /// Their tokens.
  package var tokensSampled = 0.0
  /// Response tokens that were trained on, each pass counted.
  package var tokensTrained = 0.0
  /// Steps of the optimizer.
  package var updates = 0.0
  /// Seconds of all steps, evaluations included.
  package var seconds = 0.0

  /// Nothing.
  package init() {}

  static func + (left: StudyCost, right: StudyCost) -> StudyCost {
    var sum = left
    sum.rollouts += right.rollouts
    sum.tokensSampled += right.tokensSampled
    sum.tokensTrained += right.tokensTrained
    sum.updates += right.updates
    sum.seconds += right.seconds
    return sum
  }

  /// Adds a line of `metrics.jsonl`.
  ///
  /// - Parameter stages: The names of the stages that sample.
  mutating func add(metrics line: JSONValue, sampling stages: [String]) {
    for stage in stages {
      // With waves, a stage counts those that leave on the way too.
      rollouts += line["\(stage)/rollouts"]?.doubleValue ?? line["\(stage)/kept"]?.doubleValue ?? 0
    }
    tokensSampled += line["perf/response_tokens"]?.doubleValue ?? 0
    tokensTrained += line["data/trained_tokens"]?.doubleValue ?? 0
    updates = line["actor/optimizer_steps"]?.doubleValue ?? updates
  }

  /// Adds a line of `timings.jsonl`.
  mutating func add(timings line: JSONValue) { seconds += line["timing_s/step"]?.doubleValue ?? 0 }

  /// The cost as JSON.
  var json: JSONValue {
    func whole(_ count: Double) -> JSONValue { .number(Int(count.rounded())) }
    return [
      "rollouts": whole(rollouts), "tokens_sampled": whole(tokensSampled), "tokens_trained": whole(tokensTrained),
      "updates": whole(updates), "seconds": .number(seconds),
    ]
  }
}
