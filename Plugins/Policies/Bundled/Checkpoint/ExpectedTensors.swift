// SPDX-License-Identifier: Apache-2.0

package import ModelInput

/// A tensor that a model has: its canonical name and its shape.
package struct TensorDeclaration: Sendable, Hashable {
  /// The name, as in the published checkpoints: `model.layers.0.mlp.up_proj.weight`, `visual.…`.
  package let name: String
  /// The shape, outermost first; `[output, input]` for the matrix of a linear map.
  package let shape: [Int]

  /// Declares a tensor.
  package init(_ name: String, _ shape: [Int]) {
    self.name = name
    self.shape = shape
  }

  /// The number of elements.
  package var count: Int { shape.reduce(1, *) }
  /// Whether it belongs to the vision tower.
  package var isOfTower: Bool { name.hasPrefix("visual.") }
}

extension ModelConfig {
  /// Every tensor of the architecture: the decoder from input to output, then the vision tower from input to output.
  ///
  /// `lm_head.weight` is included only if it is a separate matrix.
  package var expectedTensors: [TensorDeclaration] {
    DecoderTensors(self).all + (vision.flatMap { family.tower?.tensors($0).all } ?? [])
  }

  /// The tensors that join the vision tower to the decoder: those of its mergers.
  package var projectorTensors: [TensorDeclaration] {
    vision.flatMap { family.tower?.tensors($0).projector } ?? []
  }
}
