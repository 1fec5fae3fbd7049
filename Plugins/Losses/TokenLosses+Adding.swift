// SPDX-License-Identifier: Apache-2.0
import PipelineCore

extension TokenLosses {
  /// No token yet.
  init(capacity: Int) {
    self.init(losses: [], gradient: [])
    losses.reserveCapacity(capacity)
    gradient.reserveCapacity(capacity)
  }

  /// Adds a token of a loss without clipping.
  mutating func add(loss: Double, gradient: Double) {
    losses.append(loss.bounded)
    self.gradient.append(gradient.bounded)
  }

  /// Adds a token.
  mutating func add(loss: Double, gradient: Double, clip: Clip) {
    add(loss: loss, gradient: gradient)
    clips.append(clip)
  }
}
