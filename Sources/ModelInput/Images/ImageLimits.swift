// SPDX-License-Identifier: Apache-2.0

/// The size limits of an image; checked before memory is allocated for it.
package struct ImageLimits: Sendable, Hashable {
  /// Width times height, as stated in the file's header; 64 million pixels take 192 MB decoded.
  package var pixels: Int
  /// The size of the file, or of a decoded data URI.
  package var bytes: Int

  /// Sets the limits.
  package init(pixels: Int = 64_000_000, bytes: Int = 256 << 20) {
    self.pixels = pixels
    self.bytes = bytes
  }
}
