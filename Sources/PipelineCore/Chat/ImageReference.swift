// SPDX-License-Identifier: Apache-2.0

/// An image of a prompt: where it is, and the size that the record asks of it.
public struct ImageReference: Sendable, Hashable, ExpressibleByStringLiteral {
  /// Its path or data URI.
  public var address: String
  /// The size that the record asks for.
  public var sizing: ImageSizing
  /// What is done to its pixels before the policy looks at it; for policies that offer ``PolicyAbility/imageChanges``.
  public var change = ImageChange.none

  /// An image at an address.
  public init(_ address: String, sizing: ImageSizing = .unstated) {
    self.address = address
    self.sizing = sizing
  }

  /// An image at an address, without a wish for its size.
  public init(stringLiteral address: String) { self.init(address) }
}

extension ChatImage {
  /// Where the image is, and the size that its details ask for.
  ///
  /// - Throws: When they ask for what cannot be.
  public var reference: ImageReference {
    get throws {
      do {
        return ImageReference(address, sizing: try ImageSizing(details))
      } catch let error as PipelineError {
        throw PipelineError(error.code, "image \(address.quotedForMessage): \(error.message)")
      }
    }
  }
}
