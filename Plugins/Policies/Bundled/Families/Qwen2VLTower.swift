// SPDX-License-Identifier: Apache-2.0
import ModelInput
import Tensor

/// The tower of Qwen2-VL (arXiv 2409.12191).
///
/// Every patch attends to its whole image. Norms are layer norms, feed-forward parts have two layers.
struct Qwen2VLTower: VisionTower {
  private let config: ModelConfig.Vision
  private let layers: TowerLayers

  init(_ config: ModelConfig.Vision, _ layers: TowerLayers) { (self.config, self.layers) = (config, layers) }

  static func tensors(_ config: ModelConfig.Vision) -> TowerTensors {
    TowerTensors(
      patchEmbedding: config.patchEmbedding(hasBias: false),
      blocks: config.blocks { config.plainBlock($0, first: "mlp.fc1", second: "mlp.fc2") },
      merger: config.merger(
        "visual.merger.",
        norm: .layer("visual.merger.ln_q", width: config.hiddenSize, epsilon: config.normEpsilon), of: .patches,
        first: "mlp.0", second: "mlp.2"))
  }

  func callAsFunction(_ patches: Matrix<Float>, grids: [ImageGrid], on tape: Tape<Float>) -> VisionFeatures {
    let order = ImageOrder(grids: grids, mergeSize: config.spatialMergeSize)
    let angles = RotaryAngles(places: order.places, config: config, pool: tape.pool)
    var x = layers.patchEmbedding(tape.constant(patches), on: tape)
    for block in layers.blocks { x = block(x, heads: config.heads, layout: order.frames, angles: angles, on: tape) }
    return VisionFeatures(embeddings: layers.merger(x, patchesPerSquare: config.patchesPerSquare, on: tape))
  }
}
