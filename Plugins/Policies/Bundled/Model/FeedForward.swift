// SPDX-License-Identifier: Apache-2.0
import ModelInput
import Tensor

/// The feed-forward part of a layer.
enum FeedForward {
  /// `down(silu(gate) · up)`, with gate and up side by side.
  case gated(gateAndUp: LinearLayer, down: LinearLayer)
  /// `second(f(first))`.
  case plain(first: LinearLayer, activation: ModelConfig.Activation, second: LinearLayer)

  func callAsFunction(_ x: Variable<Float>, on tape: Tape<Float>) -> Variable<Float> {
    switch self {
    case .gated(let gateAndUp, let down): down(tape.swiGLU(gateAndUp(x, on: tape)), on: tape)
    case .plain(let first, let activation, let second): second(activation(first(x, on: tape), on: tape), on: tape)
    }
  }
}

extension ModelConfig.Activation {
  /// The function of every element.
  ///
  /// - Precondition: It is one of those of plain feed-forward parts; `silu` is part of gated ones.
  fileprivate func callAsFunction(_ x: Variable<Float>, on tape: Tape<Float>) -> Variable<Float> {
    switch self {
    case .gelu: tape.gelu(x)
    case .tanhGELU: tape.tanhGELU(x)
    case .quickGELU: tape.quickGELU(x)
    case .silu: preconditionFailure("silu is part of a gated feed-forward")
    }
  }
}
