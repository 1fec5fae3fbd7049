// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import Tensor

/// Groups laid out for one forward pass: no padding, and each prompt once, followed by its responses.
struct PackedBatch {
  /// Token ids of all rows.
  private(set) var tokens: [Int32] = []
  /// Positions of all rows.
  private(set) var positions: [TokenPosition] = []
  /// Which rows see which.
  let layout: AttentionLayout
  /// The rows that are image tokens, in the order of the images' tokens.
  private(set) var imageRows: [Int32] = []
  /// The images of all groups, in order.
  private(set) var images: [ImagePatches] = []
  /// For each response token, group by group, the row that predicts it.
  private(set) var predictingRows: [Int32] = []
  /// For each response token its id.
  private(set) var targets: [Int32] = []
  /// For each group, the position of the first token of its responses.
  private(set) var nextPositions: [Int32] = []

  /// Lays groups out.
  ///
  /// A response's last token predicts nothing, so it is no row.
  /// - Throws: Where tokens, placeholders and images do not fit one another or the model.
  init(_ groups: [PromptGroup], config: QwenVLConfig) throws {
    var segments: [AttentionLayout.Segment] = []
    for group in groups {
      try Self.check(group, config)
      let prompt = PromptPositions(
        tokens: group.prompt, imageToken: Int32(config.imageTokenID), grids: group.images.map(\.grid),
        mergeSize: config.vision.spatialMergeSize)
      let promptIndex = segments.count
      segments.append(.init(start: tokens.count, count: group.prompt.count))
      for (index, token) in group.prompt.enumerated() where token == Int32(config.imageTokenID) {
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

  private static func check(_ group: PromptGroup, _ config: QwenVLConfig) throws {
    guard !group.prompt.isEmpty else {
      throw PipelineError(.invalidData, "the prompt has no tokens; a policy needs at least one to go on from")
    }
    let size = Int32(config.text.vocabularySize)
    for (what, ids) in [("prompt", group.prompt)] + group.responses.map({ ("response", $0) }) {
      if let odd = ids.first(where: { $0 < 0 || $0 >= size }) {
        throw PipelineError(
          .invalidData, "the \(what) holds the token id \(odd), but the vocabulary ends at \(size - 1)")
      }
      if ids.contains(Int32(config.videoTokenID)) {
        throw PipelineError(.invalidData, "the \(what) holds a video placeholder; video is not supported")
      }
    }
    let placeholders = group.prompt.count { $0 == Int32(config.imageTokenID) }
    let wanted = group.images.reduce(0) { $0 + $1.grid.tokenCount(mergeSize: config.vision.spatialMergeSize) }
    if placeholders != wanted {
      throw PipelineError(
        .invalidData,
        "the prompt holds \(placeholders) image placeholders, but its \(group.images.count) images take \(wanted) tokens; "
          + "expand each placeholder to the number of tokens of its image")
    }
  }
}
