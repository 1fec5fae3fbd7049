// SPDX-License-Identifier: Apache-2.0
import ModelInput
import Tensor

/// The tower of Qwen3-VL (arXiv 2511.21631).
///
/// As Qwen2-VL's, and: patches get learned positions beside the rotary ones, and the outputs of some blocks go to the first
/// layers of the decoder, each through a merger of its own (DeepStack, arXiv 2406.04334).
struct Qwen3VLTower: VisionTower {
  private let config: ModelConfig.Vision
  private let layers: TowerLayers

  init(_ config: ModelConfig.Vision, _ layers: TowerLayers) { (self.config, self.layers) = (config, layers) }

  static func tensors(_ config: ModelConfig.Vision) -> TowerTensors {
    TowerTensors(
      patchEmbedding: config.patchEmbedding(hasBias: true),
      positions: TensorDeclaration("visual.pos_embed.weight", [config.learnedPositions, config.hiddenSize]),
      blocks: config.blocks { config.plainBlock($0, first: "mlp.linear_fc1", second: "mlp.linear_fc2") },
      merger: merger("visual.merger.", config, .patches),
      deepstack: config.deepstackBlocks.indices.map {
        merger("visual.deepstack_merger_list.\($0).", config, .squares)
      })
  }

  private static func merger(
    _ prefix: String, _ config: ModelConfig.Vision, _ place: PatchMerger.NormPlace
  ) -> MergerTensors {
    let width = place == .patches ? config.hiddenSize : config.mergedSize
    return config.merger(
      prefix, norm: .layer(prefix + "norm", width: width, epsilon: config.normEpsilon), of: place,
      first: "linear_fc1", second: "linear_fc2")
  }

  func callAsFunction(_ patches: Matrix<Float>, grids: [ImageGrid], on tape: Tape<Float>) -> VisionFeatures {
    let order = ImageOrder(grids: grids, mergeSize: config.spatialMergeSize)
    let angles = RotaryAngles(places: order.places, config: config, pool: tape.pool)
    let square = config.patchesPerSquare
    var x = layers.patchEmbedding(tape.constant(patches), on: tape)
    if let table = layers.positions {
      x = tape.add(learned(table, order, grids: grids, on: tape), into: x)
    }
    var features: [Variable<Float>] = []
    for (index, block) in layers.blocks.enumerated() {
      x = block(x, heads: config.heads, layout: order.frames, angles: angles, on: tape)
      // In the order of the blocks, whatever the order of the configuration.
      guard let place = config.deepstackBlocks.firstIndex(of: index) else { continue }
      features.append(layers.deepstack[place](x, patchesPerSquare: square, on: tape))
    }
    return VisionFeatures(embeddings: layers.merger(x, patchesPerSquare: square, on: tape), deepstack: features)
  }

  /// The rows of the table of positions, which is a square, resampled to each image: bilinear, corners on corners.
  private func learned(
    _ table: RowWeight, _ order: ImageOrder, grids: [ImageGrid], on tape: Tape<Float>
  ) -> Variable<Float> {
    let side = Int(Double(config.learnedPositions).squareRoot())
    var taps: [RowTap] = []
    taps.reserveCapacity(4 * order.places.count)
    var start = 0
    for grid in grids {
      for place in order.places[start..<start + grid.patchCount] {
        let (row, column) = (Tap(place.row, of: grid.height, side), Tap(place.column, of: grid.width, side))
        for (r, rowWeight) in [(row.first, 1 - row.share), (row.second, row.share)] {
          for (c, columnWeight) in [(column.first, 1 - column.share), (column.second, column.share)] {
            taps.append(RowTap(row: Int32(r * side + c), weight: Double(rowWeight * columnWeight)))
          }
        }
      }
      start += grid.patchCount
    }
    return table.weightedRows(taps, count: 4, on: tape)
  }

  /// The two rows or columns of the table beside a patch, and the share of the second.
  private struct Tap {
    let first: Int
    let second: Int
    let share: Float

    init(_ index: Int, of count: Int, _ side: Int) {
      let place = count == 1 ? 0 : Float(index * (side - 1)) / Float(count - 1)
      first = min(Int(place), side - 1)
      second = min(first + 1, side - 1)
      share = place - Float(first)
    }
  }
}
