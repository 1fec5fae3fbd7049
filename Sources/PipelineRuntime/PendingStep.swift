// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// A step whose updates are done and whose policy is still to be evaluated.
///
/// An evaluation may take much longer than the step. Where it is interrupted, a checkpoint holds the policy with what is
/// written of the step so far, and a resume evaluates, then writes the rest.
struct PendingStep: Sendable {
  /// The step, from 0.
  let step: Int
  /// Its line of metrics so far.
  var metrics: MetricsLine
  /// What took how long, in seconds.
  var timings: [(String, Double)]

  /// A step with what is known of it.
  init(metrics: MetricsLine, step: Int, timings: [(String, Double)]) {
    (self.step, self.metrics, self.timings) = (step, metrics, timings)
  }

  /// Reads what ``json`` says.
  ///
  /// - Throws: When a value has the wrong type.
  init(step: Int, _ json: JSONValue) throws {
    self.step = step
    guard let metrics = json["metrics"]?.objectValue, let timings = json["timings"]?.arrayValue else {
      throw Self.unreadable()
    }
    self.metrics = MetricsLine(members: metrics)
    self.timings = try timings.map { entry in
      guard let name = entry["name"]?.stringValue, let seconds = entry["seconds"]?.doubleValue else {
        throw Self.unreadable()
      }
      return (name, seconds)
    }
  }

  private static func unreadable() -> PipelineError {
    PipelineError(
      .invalidData,
      "what the run's state says of the step that was interrupted cannot be read; start anew with --overwrite")
  }

  /// For `state.json`.
  var json: JSONValue {
    [
      "metrics": .object(metrics.members),
      "timings": .array(timings.map { ["name": .string($0.0), "seconds": .number($0.1)] }),
    ]
  }
}
