// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// What the stage remembers from step to step.
struct UpdateMemory {
  /// Optimizer steps made so far; the learning rate depends on it.
  var optimizerSteps = 0
  /// The coefficient of the KL divergence.
  var kl: KLController

  /// - Throws: When a checkpoint contains something else.
  init(_ value: JSONValue?, kl options: KLOptions) throws {
    if let steps = value?["optimizer_steps"] {
      guard let steps = steps.intValue, steps >= 0 else {
        throw PipelineError(
          .invalidData, "the checkpoint has \(steps.json.shortenedForMessage) in the place of the optimizer's steps")
      }
      optimizerSteps = steps
    }
    kl = try KLController(options, memory: value?["kl_coefficient"])
  }

  var json: JSONValue { ["optimizer_steps": .number(optimizerSteps), "kl_coefficient": kl.memory] }
}
