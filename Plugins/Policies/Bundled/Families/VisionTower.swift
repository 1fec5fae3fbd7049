// SPDX-License-Identifier: Apache-2.0
import ModelInput
package import Tensor

/// The vision tower of a family: which tensors it has, and how its layers make rows of the decoder of patches.
protocol VisionTower {
  /// All its tensors.
  static func tensors(_ config: ModelConfig.Vision) -> TowerTensors
  /// A tower of loaded layers.
  init(_ config: ModelConfig.Vision, _ layers: TowerLayers)
  /// What the decoder gets of patches [patches of all images, patch values].
  func callAsFunction(_ patches: Matrix<Float>, grids: [ImageGrid], on tape: Tape<Float>) -> VisionFeatures
}

extension VisionTower {
  /// Builds it from a checkpoint.
  init(_ config: ModelConfig.Vision, _ weights: ModelWeights) throws {
    self.init(config, try TowerLayers(Self.tensors(config), weights))
  }
}

/// What a vision tower gives to the decoder, for the tokens of all images in order.
package struct VisionFeatures {
  /// What stands in place of the placeholders' embeddings: [tokens, hidden size].
  package let embeddings: Variable<Float>
  /// What is added to the outputs of the first layers, one for each, at the same tokens: [tokens, hidden size].
  package let deepstack: [Variable<Float>]

  init(embeddings: Variable<Float>, deepstack: [Variable<Float>] = []) {
    self.embeddings = embeddings
    self.deepstack = deepstack
  }
}

/// The tensors of a tower: a patch embedding, blocks, and a merger of squares of patches.
struct TowerTensors {
  let patchEmbedding: LinearTensors
  /// Learned positions, in families that have them.
  var positions: TensorDeclaration?
  let blocks: [LayerTensors]
  let merger: MergerTensors
  /// The mergers of blocks whose outputs go to the decoder too, in the order of the configuration.
  var deepstack: [MergerTensors] = []

  /// From input to output.
  var all: [TensorDeclaration] {
    patchEmbedding.all + (positions.map { [$0] } ?? []) + blocks.flatMap(\.all) + projector
  }

  /// What joins the tower to the decoder.
  var projector: [TensorDeclaration] { merger.all + deepstack.flatMap(\.all) }
}

/// The layers of a tower, in the order of ``TowerTensors``.
struct TowerLayers {
  let patchEmbedding: LinearLayer
  let positions: RowWeight?
  let blocks: [TransformerLayer]
  let merger: PatchMerger
  let deepstack: [PatchMerger]

  /// Loads them from input to output.
  init(_ tensors: TowerTensors, _ weights: ModelWeights) throws {
    patchEmbedding = try weights.linear(tensors.patchEmbedding)
    positions = try tensors.positions.map { try weights.matrix([$0]) }
    blocks = try tensors.blocks.map(weights.layer)
    merger = try weights.merger(tensors.merger)
    deepstack = try tensors.deepstack.map(weights.merger)
  }
}

extension ModelConfig.Vision {
  /// The tensors of the patch embedding.
  func patchEmbedding(hasBias: Bool) -> LinearTensors {
    LinearTensors(patches: "visual.patch_embed.proj", self, hasBias: hasBias)
  }

  /// The tensors of every block, whose names begin with what `block` is given.
  func blocks(_ block: (String) -> LayerTensors) -> [LayerTensors] {
    (0..<depth).map { block("visual.blocks.\($0).") }
  }

  /// A block with layer norms and a feed-forward part of two layers, whose names are given.
  func plainBlock(_ prefix: String, first: String, second: String) -> LayerTensors {
    LayerTensors(
      firstNorm: .layer(prefix + "norm1", width: hiddenSize, epsilon: normEpsilon),
      attention: .tower(prefix + "attn.", width: hiddenSize),
      secondNorm: .layer(prefix + "norm2", width: hiddenSize, epsilon: normEpsilon),
      feedForward: .plain(
        first: LinearTensors(prefix + first, rows: intermediateSize, columns: hiddenSize, hasBias: true),
        activation: activation,
        second: LinearTensors(prefix + second, rows: hiddenSize, columns: intermediateSize, hasBias: true)))
  }

  /// A block with norms by the root mean square and a gated feed-forward part.
  func gatedBlock(_ prefix: String) -> LayerTensors {
    LayerTensors(
      firstNorm: .rootMeanSquare(prefix + "norm1", width: hiddenSize, epsilon: normEpsilon),
      attention: .tower(prefix + "attn.", width: hiddenSize),
      secondNorm: .rootMeanSquare(prefix + "norm2", width: hiddenSize, epsilon: normEpsilon),
      feedForward: .gated(prefix + "mlp.", width: hiddenSize, inner: intermediateSize, hasBias: true))
  }

  /// A merger whose two linear layers have the names that are given.
  func merger(
    _ prefix: String, norm: NormTensors, of place: PatchMerger.NormPlace, first: String, second: String
  ) -> MergerTensors {
    MergerTensors(
      norm: norm, place: place,
      first: LinearTensors(prefix + first, rows: mergedSize, columns: mergedSize, hasBias: true),
      second: LinearTensors(prefix + second, rows: outputSize, columns: mergedSize, hasBias: true))
  }

  /// The patches that become one row of the decoder.
  var patchesPerSquare: Int { spatialMergeSize * spatialMergeSize }
}
