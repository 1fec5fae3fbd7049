// SPDX-License-Identifier: Apache-2.0
import ModelInput
import Tensor

/// The tower of Qwen3-VL (arXiv 2511.21631).
///
/// As Qwen2-VL's, and: patches get learned positions beside the rotary ones, and the outputs of some blocks go to the first
/// layers of the decoder, each through a merger of its own (DeepStack, arXiv 2406.04334).
struct Qwen3VLTower: VisionTower {
  private let config: ModelConfig.Vision
  private let patchEmbedding: LinearLayer
  private let positions: RowWeight
  private let blocks: [TransformerLayer]
  private let merger: PatchMerger
  /// One for each of the configuration's blocks, in its order.
  private let deepstack: [PatchMerger]

  init(_ config: ModelConfig.Vision, _ weights: ModelWeights) throws {
    let tensors = Tensors(config)
    self.config = config
    patchEmbedding = try weights.linear(tensors.patchEmbedding)
    positions = try weights.matrix([tensors.positions])
    blocks = try tensors.blocks.map(weights.layer)
    merger = try weights.merger(tensors.merger)
    deepstack = try tensors.deepstack.map(weights.merger)
  }

  static func tensors(_ config: ModelConfig.Vision) -> [TensorDeclaration] {
    let tensors = Tensors(config)
    return tensors.patchEmbedding.all + [tensors.positions] + tensors.blocks.flatMap(\.all) + tensors.merger.all
      + tensors.deepstack.flatMap(\.all)
  }

  private struct Tensors {
    let patchEmbedding: LinearTensors
    let positions: TensorDeclaration
    let blocks: [LayerTensors]
    let merger: MergerTensors
    let deepstack: [MergerTensors]

    init(_ config: ModelConfig.Vision) {
      let (width, inner) = (config.hiddenSize, config.intermediateSize)
      patchEmbedding = LinearTensors(patches: "visual.patch_embed.proj", config, hasBias: true)
      positions = TensorDeclaration("visual.pos_embed.weight", [config.learnedPositions, width])
      blocks = (0..<config.depth).map { index in
        let prefix = "visual.blocks.\(index)."
        return LayerTensors(
          firstNorm: .layer(prefix + "norm1", width: width, epsilon: config.normEpsilon),
          attention: .tower(prefix + "attn.", width: width),
          secondNorm: .layer(prefix + "norm2", width: width, epsilon: config.normEpsilon),
          feedForward: .plain(
            first: LinearTensors(prefix + "mlp.linear_fc1", rows: inner, columns: width, hasBias: true),
            activation: config.activation,
            second: LinearTensors(prefix + "mlp.linear_fc2", rows: width, columns: inner, hasBias: true)))
      }
      merger = Self.merger("visual.merger.", config, .patches)
      deepstack = config.deepstackBlocks.indices.map {
        Self.merger("visual.deepstack_merger_list.\($0).", config, .squares)
      }
    }

    private static func merger(
      _ prefix: String, _ config: ModelConfig.Vision, _ place: PatchMerger.NormPlace
    ) -> MergerTensors {
      let merged = config.mergedSize
      return MergerTensors(
        norm: .layer(
          prefix + "norm", width: place == .patches ? config.hiddenSize : merged, epsilon: config.normEpsilon),
        place: place, first: LinearTensors(prefix + "linear_fc1", rows: merged, columns: merged, hasBias: true),
        second: LinearTensors(prefix + "linear_fc2", rows: config.outputSize, columns: merged, hasBias: true))
    }
  }

  func callAsFunction(_ patches: Matrix<Float>, grids: [ImageGrid], on tape: Tape<Float>) -> VisionFeatures {
    let order = ImageOrder(grids: grids, mergeSize: config.spatialMergeSize)
    let angles = RotaryAngles(places: order.places, config: config, pool: tape.pool)
    let square = config.spatialMergeSize * config.spatialMergeSize
    let embedded = patchEmbedding(tape.constant(patches), on: tape)
    var x = tape.add(learnedPositions(order, grids: grids, on: tape), into: embedded)
    var features: [Variable<Float>] = []
    for (index, block) in blocks.enumerated() {
      x = block(x, heads: config.heads, layout: order.frames, angles: angles, on: tape)
      // In the order of the blocks, whatever the order of the configuration.
      guard let place = config.deepstackBlocks.firstIndex(of: index) else { continue }
      features.append(deepstack[place](x, patchesPerSquare: square, on: tape))
    }
    return VisionFeatures(embeddings: merger(x, patchesPerSquare: square, on: tape), deepstack: features)
  }

  /// The rows of the table of positions, which is a square, resampled to each image: bilinear, corners on corners.
  private func learnedPositions(_ order: ImageOrder, grids: [ImageGrid], on tape: Tape<Float>) -> Variable<Float> {
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
    return positions.weightedRows(taps, count: 4, on: tape)
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
