// SPDX-License-Identifier: Apache-2.0
import PipelineCore

extension ModelConfig {
  /// Checks that a prompt, its images and its responses match each other and the model.
  ///
  /// - Parameters:
  ///   - prompt: Tokens with one placeholder for each token of an image.
  ///   - grids: The patches of each image, in the order of their placeholders.
  ///   - responses: Responses in tokens.
  /// - Throws: What does not match.
  package func check(prompt: [Int32], grids: [ImageGrid], responses: [[Int32]]) throws {
    try TokenLimits(vocabularySize: text.vocabularySize, contextLength: text.contextLength)
      .check(prompt: prompt, responses: responses)
    try checkTakesImages(grids.count)
    // In a response, a sampled placeholder is a token like any other.
    guard let vision else { return }
    if prompt.contains(Int32(vision.tokens.video)) {
      throw PipelineError(.invalidData, "the prompt holds a video placeholder; video is not supported")
    }
    let counts = grids.map { $0.tokenCount(mergeSize: vision.spatialMergeSize) }
    let placeholders = prompt.count { $0 == Int32(vision.tokens.image) }
    let wanted = counts.reduce(0, +)
    if placeholders != wanted {
      throw PipelineError(
        .invalidData,
        "the prompt holds \(placeholders) image placeholders, but its \(grids.count) images take \(wanted) "
          + "tokens; expand each placeholder to the number of tokens of its image")
    }
    try Self.checkRuns(of: prompt, image: Int32(vision.tokens.image), counts: counts)
  }

  /// Refuses images for a text model.
  package func checkTakesImages(_ count: Int) throws {
    guard count > 0, vision == nil else { return }
    throw PipelineError(
      .invalidData,
      "the prompt has \(count) \(count == 1 ? "image" : "images"), but the model, \(family.title), has no vision tower; "
        + "take the images out, or train a model that sees them: \(ModelFamily.titlesWithImages)")
  }

  /// The placeholders of an image are adjacent; text separates those of different images.
  private static func checkRuns(of prompt: [Int32], image: Int32, counts: [Int]) throws {
    var left = 0
    var number = 0
    for token in prompt {
      if token == image {
        if left == 0 {
          left = counts[number]
          number += 1
        }
        left -= 1
      } else if left > 0 {
        throw PipelineError(
          .invalidData,
          "the placeholders of image \(number) of the prompt end \(left) too early; expand each placeholder to the "
            + "number of tokens of its own image, in the order of the images")
      }
    }
  }
}
