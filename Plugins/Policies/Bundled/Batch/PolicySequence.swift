// SPDX-License-Identifier: Apache-2.0

package import ModelInput

/// A prompt in tokens, with its images, and responses to it.
package struct PromptGroup: Sendable {
  /// The prompt, with one placeholder for each token of an image.
  package var prompt: [Int32]
  /// The images, in the order of their placeholders.
  package var images: [ImagePatches]
  /// Responses in tokens, including the end token if it was sampled.
  package var responses: [[Int32]]

  /// A prompt and its responses.
  package init(prompt: [Int32], images: [ImagePatches] = [], responses: [[Int32]] = []) {
    self.prompt = prompt
    self.images = images
    self.responses = responses
  }
}
