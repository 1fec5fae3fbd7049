// SPDX-License-Identifier: Apache-2.0

/// How many patches an image has along each axis.
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

  /// How many patches there are.
  public var patchCount: Int { time * height * width }

  /// How many tokens, and so placeholders in the prompt, the image becomes.
  public func tokenCount(mergeSize: Int) -> Int { patchCount / (mergeSize * mergeSize) }
}

/// An image as the vision tower reads it.
public struct ImagePatches: Sendable, Hashable {
  /// The patches along each axis.
  public let grid: ImageGrid
  /// `[patches, channels · time · rows · columns]`, where the patches that become one token follow each other.
  public let values: [Float]

  /// Wraps patches.
  public init(grid: ImageGrid, values: [Float]) {
    self.grid = grid
    self.values = values
  }
}
