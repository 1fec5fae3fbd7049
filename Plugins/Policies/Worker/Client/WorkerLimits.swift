// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// The time limits of a worker.
package struct WorkerLimits: ComponentOptions, Hashable {
  package var start = 300.0
  package var load = 1800.0
  package var generate = 7200.0
  package var compute = 7200.0
  package var save = 3600.0
  package var silence = 120.0

  /// The defaults.
  package init() {}

  /// The help for each option.
  package static let help = [
    "start": "seconds from its start to its first message",
    "load": "seconds to load the model",
    "generate": "seconds to sample the responses that a stage asks for at once",
    "compute": "seconds for the log-probabilities or the gradients of a minibatch, and for an optimizer step",
    "save": "seconds to write a checkpoint",
    "silence": "the longest time between two heartbeats, in seconds; a worker sends one each second while it works",
  ]

  /// The problems of the values.
  package func problems() -> [OptionProblem] {
    [
      ("start", start), ("load", load), ("generate", generate), ("compute", compute), ("save", save),
      ("silence", silence),
    ].compactMap { name, value in
      value > 0 && value.isFinite ? nil : OptionProblem(name, "is \(value), it must be more than 0")
    }
  }
}
