// SPDX-License-Identifier: Apache-2.0
import ModelInput
import Tensor

/// Converts patches to the embeddings of an image in the prompt.
///
/// Patches attend within windows of the image, in some blocks to the whole image; at the end, squares of patches are
/// merged into one token each. Source: Qwen2.5-VL (arXiv 2502.13923).
struct VisionTower {
  let config: QwenVLConfig.Vision
  let patchEmbedding: LinearLayer
  let blocks: [TransformerLayer]
  let mergerNorm: Variable<Float>
  let mergerFirst: LinearLayer
  let mergerSecond: LinearLayer

  /// Embeddings [merged patches of all images, output size] of patches [patches of all images, patch values].
  func callAsFunction(_ patches: Matrix<Float>, grids: [ImageGrid], on tape: Tape<Float>) -> Variable<Float> {
    let order = WindowOrder(grids: grids, config: config)
    let heads = AttentionHeads(
      count: config.headCount, keyValueCount: config.headCount, size: config.headSize)
    let angles = angles(order, pool: tape.pool)
    var x = patchEmbedding(tape.constant(patches), on: tape)
    x = tape.rows(of: x, at: order.patches)
    for (index, block) in blocks.enumerated() {
      let layout = config.fullAttentionBlocks.contains(index) ? order.images : order.windows
      x = block(x, heads: heads, layout: layout, angles: angles, on: tape)
    }
    let square = config.spatialMergeSize * config.spatialMergeSize
    let normal = tape.rmsNorm(x, mergerNorm, epsilon: config.normEpsilon)
    let merged = tape.reshape(normal, rows: normal.value.rows / square, columns: config.hiddenSize * square)
    let embedded = mergerSecond(tape.gelu(mergerFirst(merged, on: tape)), on: tape)
    return tape.rows(of: embedded, at: order.backToImage)
  }

  /// Half of the frequencies belong to a patch's row, half to its column.
  private func angles(_ order: WindowOrder, pool: MemoryPool) -> RotaryAngles<Float> {
    let pairs = config.headSize / 2
    let frequencies = RotaryFrequencies(theta: config.ropeTheta, size: pairs, count: pairs / 2)
    return RotaryAngles(rows: order.patches.count, pairs: pairs, pool: pool) { row, pair in
      let place = order.places[row]
      return pair < pairs / 2
        ? Float(place.row) * frequencies.inverse[pair] : Float(place.column) * frequencies.inverse[pair - pairs / 2]
    }
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
  private(set) var places: [(row: Int32, column: Int32)] = []
  /// For each token of the images in their own order, its row after merging.
  private(set) var backToImage: [Int32] = []
  /// Rows that attend to each other in most blocks.
  let windows: AttentionLayout
  /// Rows that attend to each other in the other blocks: a frame of an image.
  let images: AttentionLayout

  init(grids: [ImageGrid], config: QwenVLConfig.Vision) {
    let merge = config.spatialMergeSize
    let side = config.windowTokens
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
                  places.append((Int32(row * merge + inner / merge), Int32(column * merge + inner % merge)))
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
