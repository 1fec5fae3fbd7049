// SPDX-License-Identifier: Apache-2.0

/// What the optimizer of a policy begins a new run with, as set in a spec.
///
/// A resume has nothing to choose: it takes the state of its own checkpoint.
public enum OptimizerChoice: String, Codable, Sendable, Hashable, CaseIterable {
  /// No moments.
  case fresh
  /// The state that lies in the model's folder, which is then a checkpoint of another run.
  case `continue`
}
