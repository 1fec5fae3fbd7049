// SPDX-License-Identifier: Apache-2.0
package import ModelInput

/// A token's position in time, height and width; the same number three times for text.
package struct TokenPosition: Sendable, Hashable {
  /// Along time.
  package var time: Int32
  /// Along the image's height.
  package var height: Int32
  /// Along the image's width.
  package var width: Int32

  /// A position.
  package init(time: Int32, height: Int32, width: Int32) {
    self.time = time
    self.height = height
    self.width = width
  }

  /// A text token's position.
  package init(_ position: Int32) { self.init(time: position, height: position, width: position) }
}

/// The positions of a prompt's tokens.
package struct PromptPositions {
  /// One for each token.
  package let positions: [TokenPosition]
  /// The position of the token that would follow.
  package let next: Int32

  /// Positions of text increase by one.
  ///
  /// An image's tokens share the time of its start and have the positions of its merged grid; the text after it
  /// continues after the greatest position used. For text alone this is the plain count. Source: Qwen2-VL (arXiv 2409.12191).
  ///
  /// - Parameter imageToken: What stands for an image's tokens; nil for a text model.
  package init(tokens: [Int32], imageToken: Int32?, grids: [ImageGrid], mergeSize: Int) {
    var positions: [TokenPosition] = []
    positions.reserveCapacity(tokens.count)
    var next: Int32 = 0
    var image = 0
    var index = 0
    while index < tokens.count {
      guard tokens[index] == imageToken, image < grids.count else {
        positions.append(TokenPosition(next))
        next += 1
        index += 1
        continue
      }
      let grid = grids[image]
      let (height, width) = (grid.height / mergeSize, grid.width / mergeSize)
      for frame in 0..<grid.time {
        for row in 0..<height {
          for column in 0..<width {
            positions.append(
              TokenPosition(time: next + Int32(frame), height: next + Int32(row), width: next + Int32(column)))
          }
        }
      }
      next += Int32(max(grid.time, height, width))
      index += grid.time * height * width
      image += 1
    }
    self.positions = positions
    self.next = next
  }
}
