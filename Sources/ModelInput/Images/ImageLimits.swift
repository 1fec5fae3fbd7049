// SPDX-License-Identifier: Apache-2.0

/// How large an image may be; checked before memory is taken for it.
public struct ImageLimits: Sendable, Hashable {
  /// Width times height, as the file's header states them; 64 million pixels take 192 MB decoded.
  public var pixels: Int
  /// The size of the file, or of what a data URI decodes to.
  public var bytes: Int

  /// Sets the limits.
  public init(pixels: Int = 64_000_000, bytes: Int = 256 << 20) {
    self.pixels = pixels
    self.bytes = bytes
  }
}
