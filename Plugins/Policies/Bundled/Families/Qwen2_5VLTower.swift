// SPDX-License-Identifier: Apache-2.0
import ModelInput
import Tensor

/// The tower of Qwen2.5-VL (arXiv 2502.13923).
///
/// Patches attend within windows of the image, in some blocks to the whole image; at the end, squares of patches are
/// merged into one token each. Norms and feed-forward parts are those of the decoder, with biases.
struct Qwen2_5VLTower: VisionTower {
  private let config: ModelConfig.Vision
  private let layers: TowerLayers

  init(_ config: ModelConfig.Vision, _ layers: TowerLayers) { (self.config, self.layers) = (config, layers) }

  static func tensors(_ config: ModelConfig.Vision) -> TowerTensors {
    TowerTensors(
      patchEmbedding: config.patchEmbedding(hasBias: false), blocks: config.blocks(config.gatedBlock),
      merger: config.merger(
        "visual.merger.",
        norm: .rootMeanSquare("visual.merger.ln_q", width: config.hiddenSize, epsilon: config.normEpsilon),
        of: .patches, first: "mlp.0", second: "mlp.2"))
  }

  func callAsFunction(_ patches: Matrix<Float>, grids: [ImageGrid], on tape: Tape<Float>) -> VisionFeatures {
    let order = WindowOrder(grids: grids, config: config)
    let angles = RotaryAngles(places: order.places, config: config, pool: tape.pool)
    var x = layers.patchEmbedding(tape.constant(patches), on: tape)
    x = tape.rows(of: x, at: order.patches)
    let full = config.windows?.fullAttentionBlocks ?? []
    for (index, block) in layers.blocks.enumerated() {
      let layout = full.contains(index) ? order.images : order.windows
      x = block(x, heads: config.heads, layout: layout, angles: angles, on: tape)
    }
    let embedded = layers.merger(x, patchesPerSquare: config.patchesPerSquare, on: tape)
    return VisionFeatures(embeddings: tape.rows(of: embedded, at: order.backToImage))
  }
}

/// The order in which the tower processes patches: window by window.
///
/// The processor returns patches in squares that will be merged. Squares are regrouped so that those of one attention
/// window are adjacent, and put back at the end.
struct WindowOrder {
  /// For each row of the tower, the patch of the input.
  private(set) var patches: [Int32] = []
  /// For each row of the tower, the patch's place in its image.
  private(set) var places: [PatchPlace] = []
  /// For each token of the images in their own order, its row after merging.
  private(set) var backToImage: [Int32] = []
  /// Rows that attend to each other in most blocks.
  let windows: AttentionLayout
  /// Rows that attend to each other in the other blocks: a frame of an image.
  let images: AttentionLayout

  init(grids: [ImageGrid], config: ModelConfig.Vision) {
    let merge = config.spatialMergeSize
    let side = config.windowTokens ?? .max
    var windowSegments: [AttentionLayout.Segment] = []
    var imageSegments: [AttentionLayout.Segment] = []
    var firstSquare = 0
    for grid in grids {
      let (height, width) = (grid.height / merge, grid.width / merge)
      var rowOfSquare = [Int32](repeating: 0, count: grid.time * height * width)
      for frame in 0..<grid.time {
        let imageStart = patches.count
        for top in stride(from: 0, to: height, by: side) {
          for left in stride(from: 0, to: width, by: side) {
            let windowStart = patches.count
            for row in top..<min(top + side, height) {
              for column in left..<min(left + side, width) {
                let square = (frame * height + row) * width + column
                rowOfSquare[square] = Int32(patches.count / (merge * merge))
                for inner in 0..<merge * merge {
                  patches.append(Int32((firstSquare + square) * merge * merge + inner))
                  places.append(PatchPlace(row: row * merge + inner / merge, column: column * merge + inner % merge))
                }
              }
            }
            windowSegments.append(.init(start: windowStart, count: patches.count - windowStart))
          }
        }
        imageSegments.append(.init(start: imageStart, count: patches.count - imageStart))
      }
      backToImage += rowOfSquare
      firstSquare += rowOfSquare.count
    }
    windows = AttentionLayout(windowSegments, isCausal: false)
    images = AttentionLayout(imageSegments, isCausal: false)
  }
}
