// SPDX-License-Identifier: Apache-2.0
import ModelInput
import Tensor

/// A patch's place in its image.
struct PatchPlace: Hashable {
  let row: Int
  let column: Int
}

/// Patches in the order of the image processor, in which those of a square that will be merged are adjacent.
struct ImageOrder {
  /// For each row of the tower, the patch's place.
  private(set) var places: [PatchPlace] = []
  /// Rows that attend to each other: a frame of an image.
  let frames: AttentionLayout

  init(grids: [ImageGrid], mergeSize merge: Int) {
    var segments: [AttentionLayout.Segment] = []
    for grid in grids {
      for _ in 0..<grid.time {
        segments.append(.init(start: places.count, count: grid.height * grid.width))
        for row in 0..<grid.height / merge {
          for column in 0..<grid.width / merge {
            for inner in 0..<merge * merge {
              places.append(PatchPlace(row: row * merge + inner / merge, column: column * merge + inner % merge))
            }
          }
        }
      }
    }
    frames = AttentionLayout(segments, isCausal: false)
  }
}

extension RotaryAngles where S == Float {
  /// The angles of patches: half of the frequencies belong to a patch's row, half to its column.
  init(places: [PatchPlace], config: ModelConfig.Vision, pool: MemoryPool) {
    let pairs = config.headSize / 2
    let frequencies = RotaryFrequencies(theta: config.ropeTheta, size: pairs, count: pairs / 2).inverse
    self.init(rows: places.count, pairs: pairs, pool: pool) { row, pair in
      let place = places[row]
      return pair < pairs / 2
        ? Float(place.row) * frequencies[pair] : Float(place.column) * frequencies[pair - pairs / 2]
    }
  }
}

extension ModelConfig.Vision {
  /// The heads of attention.
  var heads: AttentionHeads { AttentionHeads(count: headCount, keyValueCount: headCount, size: headSize) }
}

extension AttentionTensors {
  /// Attention as in all towers: one tensor of queries, keys and values.
  static func tower(_ prefix: String, width: Int) -> AttentionTensors {
    AttentionTensors(
      projection: LinearTensors(prefix + "qkv", rows: 3 * width, columns: width, hasBias: true),
      output: LinearTensors(prefix + "proj", rows: width, columns: width, hasBias: true))
  }
}
