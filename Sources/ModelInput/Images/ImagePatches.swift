// SPDX-License-Identifier: Apache-2.0

/// The number of patches of an image along each axis.
package struct ImageGrid: Sendable, Hashable {
  /// In time; 1 for an image.
  package let time: Int
  /// From top to bottom.
  package let height: Int
  /// From left to right.
  package let width: Int

  /// States a grid.
  package init(time: Int = 1, height: Int, width: Int) {
    self.time = time
    self.height = height
    self.width = width
  }

  /// The number of patches.
  package var patchCount: Int { time * height * width }

  /// The number of tokens of the image, and so of placeholders in the prompt.
  package func tokenCount(mergeSize: Int) -> Int { patchCount / (mergeSize * mergeSize) }
}

/// An image in the form that the vision tower reads.
package struct ImagePatches: Sendable, Hashable {
  /// The patches along each axis.
  package let grid: ImageGrid
  /// `[patches, channels · time · rows · columns]`; the patches of one token are adjacent.
  package let values: [Float]

  /// Wraps patches.
  package init(grid: ImageGrid, values: [Float]) {
    self.grid = grid
    self.values = values
  }
}
