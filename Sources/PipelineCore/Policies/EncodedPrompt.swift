// SPDX-License-Identifier: Apache-2.0

/// A prompt in tokens.
public struct EncodedPrompt: Sendable, Hashable {
  /// Token ids, image placeholders expanded.
  public var tokens: [Int32]
  /// The images, in the order of their placeholders.
  public var images: [ImageReference]
  /// The folder that relative paths of images start from.
  public var folder: String

  /// A prompt in tokens.
  public init(tokens: [Int32], images: [ImageReference] = [], folder: String = "") {
    self.tokens = tokens
    self.images = images
    self.folder = folder
  }
}
