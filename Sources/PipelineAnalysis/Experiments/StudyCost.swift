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

  /// A kind of cost, under its name in `results.json`.
  package enum Kind: String, Sendable, CaseIterable {
    case rollouts
    case tokensSampled = "tokens_sampled"
    case tokensTrained = "tokens_trained"
    case updates, seconds

    /// Its name in tables.
    package var title: String { rawValue.replacing("_", with: " ") }
  }

  /// Nothing.
  package init() {}

  /// The cost of a kind.
  package subscript(kind: Kind) -> Double {
    switch kind {
    case .rollouts: rollouts
    case .tokensSampled: tokensSampled
    case .tokensTrained: tokensTrained
    case .updates: updates
    case .seconds: seconds
    }
  }

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
    // What a sampler learns from costs as much as what is trained on.
    rollouts += line["probe/rollouts"]?.doubleValue ?? 0
    tokensSampled += line["perf/response_tokens"]?.doubleValue ?? 0
    tokensSampled += line["probe/response_tokens"]?.doubleValue ?? 0
    tokensTrained += line["data/trained_tokens"]?.doubleValue ?? 0
    updates = line["actor/optimizer_steps"]?.doubleValue ?? updates
  }

  /// The cost as JSON.
  var json: JSONValue {
    func whole(_ count: Double) -> JSONValue { .number(Int(count.rounded())) }
    return [
      "rollouts": whole(rollouts), "tokens_sampled": whole(tokensSampled), "tokens_trained": whole(tokensTrained),
      "updates": whole(updates), "seconds": .number(seconds),
    ]
  }
}
