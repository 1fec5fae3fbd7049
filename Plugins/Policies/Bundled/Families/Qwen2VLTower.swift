// SPDX-License-Identifier: Apache-2.0
import ModelInput
import Tensor

/// The tower of Qwen2-VL (arXiv 2409.12191).
///
/// Every patch attends to its whole image. Norms are layer norms, feed-forward parts have two layers.
struct Qwen2VLTower: VisionTower {
  private let config: ModelConfig.Vision
  private let patchEmbedding: LinearLayer
  private let blocks: [TransformerLayer]
  private let merger: PatchMerger

  init(_ config: ModelConfig.Vision, _ weights: ModelWeights) throws {
    let tensors = Tensors(config)
    self.config = config
    patchEmbedding = try weights.linear(tensors.patchEmbedding)
    blocks = try tensors.blocks.map(weights.layer)
    merger = try weights.merger(tensors.merger)
  }

  static func tensors(_ config: ModelConfig.Vision) -> [TensorDeclaration] {
    let tensors = Tensors(config)
    return tensors.patchEmbedding.all + tensors.blocks.flatMap(\.all) + tensors.merger.all
  }

  private struct Tensors {
    let patchEmbedding: LinearTensors
    let blocks: [LayerTensors]
    let merger: MergerTensors

    init(_ config: ModelConfig.Vision) {
      let (width, inner, merged) = (config.hiddenSize, config.intermediateSize, config.mergedSize)
      patchEmbedding = LinearTensors(patches: "visual.patch_embed.proj", config, hasBias: false)
      blocks = (0..<config.depth).map { index in
        let prefix = "visual.blocks.\(index)."
        return LayerTensors(
          firstNorm: .layer(prefix + "norm1", width: width, epsilon: config.normEpsilon),
          attention: .tower(prefix + "attn.", width: width),
          secondNorm: .layer(prefix + "norm2", width: width, epsilon: config.normEpsilon),
          feedForward: .plain(
            first: LinearTensors(prefix + "mlp.fc1", rows: inner, columns: width, hasBias: true),
            activation: config.activation,
            second: LinearTensors(prefix + "mlp.fc2", rows: width, columns: inner, hasBias: true)))
      }
      merger = MergerTensors(
        norm: .layer("visual.merger.ln_q", width: width, epsilon: config.normEpsilon), place: .patches,
        first: LinearTensors("visual.merger.mlp.0", rows: merged, columns: merged, hasBias: true),
        second: LinearTensors("visual.merger.mlp.2", rows: config.outputSize, columns: merged, hasBias: true))
    }
  }

  func callAsFunction(_ patches: Matrix<Float>, grids: [ImageGrid], on tape: Tape<Float>) -> VisionFeatures {
    let order = ImageOrder(grids: grids, mergeSize: config.spatialMergeSize)
    let angles = RotaryAngles(places: order.places, config: config, pool: tape.pool)
    var x = patchEmbedding(tape.constant(patches), on: tape)
    for block in blocks { x = block(x, heads: config.heads, layout: order.frames, angles: angles, on: tape) }
    let square = config.spatialMergeSize * config.spatialMergeSize
    return VisionFeatures(embeddings: merger(x, patchesPerSquare: square, on: tape))
  }
}
