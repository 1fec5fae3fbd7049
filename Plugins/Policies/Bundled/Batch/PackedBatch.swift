// SPDX-License-Identifier: Apache-2.0
package import ModelInput
import PipelineCore
package import Tensor

/// Groups arranged for one forward pass: without padding, each prompt once, followed by its responses.
package struct PackedBatch {
  /// Token ids of all rows.
  package private(set) var tokens: [Int32] = []
  /// Positions of all rows.
  package private(set) var positions: [TokenPosition] = []
  /// Which rows attend to which.
  package let layout: AttentionLayout
  /// The rows that are image tokens, in the order of the images' tokens.
  package private(set) var imageRows: [Int32] = []
  /// The images of all groups, in order.
  package private(set) var images: [ImagePatches] = []
  /// For each response token, group by group, the row that predicts it.
  package private(set) var predictingRows: [Int32] = []
  /// For each response token its id.
  package private(set) var targets: [Int32] = []
  /// For each group, the position of the first token of its responses.
  package private(set) var nextPositions: [Int32] = []

  /// Arranges groups.
  ///
  /// A response's last token predicts nothing, so it needs no row.
  /// - Throws: When tokens, placeholders and images do not match each other or the model.
  package init(_ groups: [PromptGroup], config: ModelConfig) throws {
    var segments: [AttentionLayout.Segment] = []
    for group in groups {
      try config.check(prompt: group.prompt, grids: group.images.map(\.grid), responses: group.responses)
      let imageToken = config.vision.map { Int32($0.tokens.image) }
      let prompt = PromptPositions(
        tokens: group.prompt, imageToken: imageToken, grids: group.images.map(\.grid),
        mergeSize: config.vision?.spatialMergeSize ?? 1)
      let promptIndex = segments.count
      segments.append(.init(start: tokens.count, count: group.prompt.count))
      for (index, token) in group.prompt.enumerated() where token == imageToken {
        imageRows.append(Int32(tokens.count + index))
      }
      tokens += group.prompt
      positions += prompt.positions
      images += group.images
      nextPositions.append(prompt.next)
      let lastPromptRow = Int32(tokens.count - 1)
      for response in group.responses where !response.isEmpty {
        let start = tokens.count
        segments.append(.init(start: start, count: response.count - 1, prefix: promptIndex))
        tokens += response.dropLast()
        positions += (0..<response.count - 1).map { TokenPosition(prompt.next + Int32($0)) }
        predictingRows.append(lastPromptRow)
        predictingRows += (0..<response.count - 1).map { Int32(start + $0) }
        targets += response
      }
    }
    layout = AttentionLayout(segments, isCausal: true)
  }
}
