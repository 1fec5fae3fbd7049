// SPDX-License-Identifier: Apache-2.0
import PipelineCore

extension QwenVLConfig {
  /// Repeats each image placeholder of a prompt once for each token of its image.
  ///
  /// - Parameters:
  ///   - prompt: Ids with one placeholder for each image, as ``QwenTokenizer`` returns them for a rendered prompt.
  ///   - tokenCounts: The number of tokens of each image after merging patches, in the order of the images.
  /// - Throws: When the numbers of placeholders and images differ, or there is a placeholder for a video.
  package func expandingImages(in prompt: [Int], tokenCounts: [Int]) throws -> [Int] {
    let placeholders = prompt.count { $0 == imageTokenID }
    guard placeholders == tokenCounts.count else {
      throw PipelineError(
        .invalidData,
        "the prompt has \(placeholders) image placeholders (id \(imageTokenID)), but there are \(tokenCounts.count)"
          + " images; each image needs one part in the prompt")
    }
    if prompt.contains(videoTokenID) {
      throw PipelineError(
        .invalidData, "the prompt has a video placeholder (id \(videoTokenID)); video is not supported")
    }
    if let image = tokenCounts.firstIndex(where: { $0 < 1 }) {
      throw PipelineError(.invalidData, "image \(image) has \(tokenCounts[image]) tokens, it must have at least one")
    }
    var expanded: [Int] = []
    expanded.reserveCapacity(prompt.count + tokenCounts.reduce(0, +))
    var image = 0
    for id in prompt {
      if id == imageTokenID {
        expanded.append(contentsOf: repeatElement(id, count: tokenCounts[image]))
        image += 1
      } else {
        expanded.append(id)
      }
    }
    return expanded
  }

  /// Checks a prompt with expanded image placeholders, such as a record's `prompt_tokens`.
  ///
  /// - Throws: When the images have more or fewer tokens than the prompt has placeholders, when an id is outside the
  ///   vocabulary, or when there is a placeholder for a video.
  package func checkExpanded(_ prompt: [Int], tokenCounts: [Int]) throws {
    if let position = prompt.firstIndex(where: { !(0..<text.vocabularySize).contains($0) }) {
      throw PipelineError(
        .invalidData,
        "token \(position) of the prompt is \(prompt[position]), it must be in 0..<\(text.vocabularySize)")
    }
    if prompt.contains(videoTokenID) {
      throw PipelineError(
        .invalidData, "the prompt has a video placeholder (id \(videoTokenID)); video is not supported")
    }
    let placeholders = prompt.count { $0 == imageTokenID }
    let tokens = tokenCounts.reduce(0, +)
    guard placeholders == tokens else {
      throw PipelineError(
        .invalidData,
        "the prompt has \(placeholders) image tokens (id \(imageTokenID)), but its \(tokenCounts.count) images have"
          + " \(tokens)")
    }
  }
}
