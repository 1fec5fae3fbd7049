// SPDX-License-Identifier: Apache-2.0

/// What is done to the pixels of an image before a policy looks at it, once it has the size in which its patches are cut.
///
/// It depends on the seed and on the pixels alone, so that an image is changed alike wherever it is looked at.
public enum ImageChange: Sendable, Hashable {
  /// Nothing.
  case none
  /// Each square of 14 × 14 pixels, from the upper left corner on, is black with a probability.
  case blackPatches(probability: Double, seed: UInt64)
  /// `√signal · x + √(1 − signal) · ε` of values in 0…1, with ε normal, clamped to 0…1 and cut to 8 bits.
  case noise(signal: Double, seed: UInt64)
}

/// A policy that changes images as ``ImageReference/change`` says; others look at them as they are.
public protocol ImageChangingPolicy: Sendable {}

extension PolicyPrompt {
  /// The tokens of the prompt, with its images changed as it asks.
  package func changed(_ encoded: EncodedPrompt) -> EncodedPrompt {
    imageChanges.isEmpty
      ? encoded : encoded.changingImages { imageChanges.indices.contains($0) ? imageChanges[$0] : .none }
  }
}

extension EncodedPrompt {
  /// The prompt with its images changed.
  ///
  /// - Parameter change: What is done to the image at a place.
  public func changingImages(_ change: (_ place: Int) -> ImageChange) -> EncodedPrompt {
    var prompt = self
    for place in images.indices { prompt.images[place].change = change(place) }
    return prompt
  }
}
