// SPDX-License-Identifier: Apache-2.0

/// An upright image of 8-bit RGB pixels.
package struct RGBImage: Sendable, Hashable {
  /// In pixels, at least 1.
  package let width: Int
  /// In pixels, at least 1.
  package let height: Int
  /// `[height, width, 3]`, rows from the top.
  package let pixels: [UInt8]

  /// Wraps pixels, of which there must be `width * height * 3` bytes.
  package init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(width > 0 && height > 0, "an image has at least one pixel")
    precondition(pixels.count == width * height * 3, "an RGB image has three bytes a pixel")
    self.width = width
    self.height = height
    self.pixels = pixels
  }
}
