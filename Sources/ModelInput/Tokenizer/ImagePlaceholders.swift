// SPDX-License-Identifier: Apache-2.0
import PipelineCore

extension ModelConfig {
  /// Repeats each image placeholder of a prompt once for each token of its image.
  ///
  /// - Parameters:
  ///   - prompt: Ids with one placeholder for each image, as ``ByteLevelTokenizer`` returns them for a rendered prompt.
  ///   - tokenCounts: The number of tokens of each image after merging patches, in the order of the images.
  /// - Throws: When the numbers of placeholders and images differ, or there is a placeholder for a video.
  package func expandingImages(in prompt: [Int], tokenCounts: [Int]) throws -> [Int] {
    try checkTakesImages(tokenCounts.count)
    guard let tokens = vision?.tokens else { return prompt }
    let placeholders = prompt.count { $0 == tokens.image }
    guard placeholders == tokenCounts.count else {
      throw PipelineError(
        .invalidData,
        "the prompt has \(placeholders) image placeholders (id \(tokens.image)), but there are \(tokenCounts.count)"
          + " images; each image needs one part in the prompt")
    }
    try checkHasNoVideo(prompt, tokens)
    if let image = tokenCounts.firstIndex(where: { $0 < 1 }) {
      throw PipelineError(.invalidData, "image \(image) has \(tokenCounts[image]) tokens, it must have at least one")
    }
    var expanded: [Int] = []
    expanded.reserveCapacity(prompt.count + tokenCounts.reduce(0, +))
    var image = 0
    for id in prompt {
      if id == tokens.image {
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
    try checkTakesImages(tokenCounts.count)
    guard let tokens = vision?.tokens else { return }
    try checkHasNoVideo(prompt, tokens)
    let placeholders = prompt.count { $0 == tokens.image }
    let wanted = tokenCounts.reduce(0, +)
    guard placeholders == wanted else {
      throw PipelineError(
        .invalidData,
        "the prompt has \(placeholders) image tokens (id \(tokens.image)), but its \(tokenCounts.count) images have"
          + " \(wanted)")
    }
  }

  private func checkHasNoVideo(_ prompt: [Int], _ tokens: ImageTokens) throws {
    guard prompt.contains(tokens.video) else { return }
    throw PipelineError(
      .invalidData, "the prompt has a video placeholder (id \(tokens.video)); video is not supported")
  }
}
