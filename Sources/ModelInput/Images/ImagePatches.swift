// SPDX-License-Identifier: Apache-2.0

/// The number of patches of an image along each axis.
public struct ImageGrid: Sendable, Hashable {
  /// In time; 1 for an image.
  public let time: Int
  /// From top to bottom.
  public let height: Int
  /// From left to right.
  public let width: Int

  /// States a grid.
  public init(time: Int = 1, height: Int, width: Int) {
    self.time = time
    self.height = height
    self.width = width
  }

  /// The number of patches.
  public var patchCount: Int { time * height * width }

  /// The number of tokens of the image, and so of placeholders in the prompt.
  public func tokenCount(mergeSize: Int) -> Int { patchCount / (mergeSize * mergeSize) }
}

/// An image in the form that the vision tower reads.
public struct ImagePatches: Sendable, Hashable {
  /// The patches along each axis.
  public let grid: ImageGrid
  /// `[patches, channels · time · rows · columns]`; the patches of one token are adjacent.
  public let values: [Float]

  /// Wraps patches.
  public init(grid: ImageGrid, values: [Float]) {
    self.grid = grid
    self.values = values
  }
}
