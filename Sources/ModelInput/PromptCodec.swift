// SPDX-License-Identifier: Apache-2.0
import Foundation
package import PipelineCore

/// Converts prompts and responses to tokens and back, using the files of a model other than its weights.
///
/// All policies of the architecture use it, so that they see the same tokens and refuse the same records.
package struct PromptCodec: Sendable {
  /// The model's shape.
  package let config: ModelConfig
  /// The ids that end an answer.
  package let generation: GenerationConfig
  /// How images are prepared; not used by text models.
  package let images: ImageProcessorConfig
  private let folder: String
  private let tokenizer: ByteLevelTokenizer?
  private let template: PromptTemplate?

  /// Reads a model's folder; without a tokenizer, prompts and responses must be tokens.
  ///
  /// - Throws: When a file is broken, the chat template among them, or tokenizer, images and configuration do not match.
  package init(folder: String, pixels: PixelLimits = PixelLimits()) throws {
    let config = try ModelConfig(folder: folder)
    try self.init(
      folder: folder, config: config, generation: GenerationConfig(folder: folder, config: config), pixels: pixels)
  }

  /// Reads a model's folder with a known configuration.
  package init(
    folder: String, config: ModelConfig, generation: GenerationConfig, pixels: PixelLimits = PixelLimits()
  ) throws {
    self.folder = folder
    self.config = config
    self.generation = generation
    tokenizer = try Self.hasTokenizer(folder) ? ByteLevelTokenizer(folder: folder) : nil
    try tokenizer?.check(against: config)
    // Without a tokenizer, prompts are tokens already.
    template = try tokenizer.map { _ in try PromptTemplate(folder: folder) }
    images = try Self.images(folder: folder, config: config, pixels: pixels)
  }

  private static func images(folder: String, config: ModelConfig, pixels: PixelLimits) throws -> ImageProcessorConfig {
    guard let vision = config.vision else {
      guard pixels == PixelLimits() else {
        throw PipelineError(
          .invalidSpec,
          "'min_pixels' and 'max_pixels' are for images, but \(folder) is a text model (\(config.family.title)); leave them out"
        )
      }
      return ImageProcessorConfig()
    }
    let images = try ImageProcessorConfig(modelFolder: folder).limited(by: pixels, folder: folder)
    try images.check(against: vision, folder: folder)
    return images
  }

  /// The description of a policy of this model.
  package func facts(parameterCount: Int) -> PolicyFacts {
    let marks = (config.vision?.tokens.all ?? []) + generation.endTokenIDs + (tokenizer?.specialTokenIDs ?? [])
    return PolicyFacts(
      architecture: config.family.architecture, parameterCount: parameterCount,
      vocabularySize: config.text.vocabularySize, contextLength: config.text.contextLength,
      tokenizer: tokenizer == nil ? .absent : .present, markTokens: Set(marks.map { Int32($0) }))
  }

  /// Converts a prompt to tokens.
  ///
  /// - Parameter grid: The patches of an image, given the folder that relative addresses start from.
  package func encode(
    _ prompt: PolicyPrompt, grid: (_ image: ImageReference, _ folder: String) throws -> ImageGrid
  ) throws -> EncodedPrompt {
    let mergeSize = config.vision?.spatialMergeSize ?? 1
    switch prompt.content {
    case .tokens(let tokens, let images):
      try config.checkTakesImages(images.count)
      let grids = try images.map { try grid($0, prompt.folder) }
      try config.checkExpanded(
        tokens.map(Int.init), tokenCounts: grids.map { $0.tokenCount(mergeSize: mergeSize) })
      try config.check(prompt: tokens, grids: grids, responses: [])
      return prompt.changed(EncodedPrompt(tokens: tokens, images: images, folder: prompt.folder))
    case .messages(let messages):
      let tokenizer = try knownTokenizer()
      let images = try ChatMessage.images(in: messages).map { try $0.reference }
      try config.checkTakesImages(images.count)
      let counts = try images.map { try grid($0, prompt.folder).tokenCount(mergeSize: mergeSize) }
      let text = try text(of: messages)
      let ids = try config.expandingImages(in: tokenizer.encode(text), tokenCounts: counts)
      return prompt.changed(EncodedPrompt(tokens: ids.map { Int32($0) }, images: images, folder: prompt.folder))
    }
  }

  /// Converts a response's text to tokens.
  package func encode(response: String, finish: GeneratedResponse.Finish) throws -> [Int32] {
    let words = try knownTokenizer().encode(response)
    return (words + (finish == .stop ? generation.endTokenIDs.prefix(1) : [])).map { Int32($0) }
  }

  /// The text of tokens, without special tokens.
  package func decode(_ tokens: [Int32]) throws -> String {
    try knownTokenizer().decode(tokens.map(Int.init), specialTokens: .skip)
  }

  /// The tokenizer.
  ///
  /// - Throws: When the model has none.
  package func knownTokenizer() throws -> ByteLevelTokenizer {
    guard let tokenizer else {
      throw PipelineError(
        .inputOutput,
        "\(folder) has no tokenizer; add tokenizer.json, or vocab.json and merges.txt, or give records "
          + "'prompt_tokens' and 'tokens'")
    }
    return tokenizer
  }

  /// The chat template; the published one of Qwen2.5-VL also where a model of its form has none.
  private func knownTemplate() throws -> PromptTemplate {
    guard let template, template.origin != .none || config.family.hasQwenTemplate else {
      throw PipelineError(
        .inputOutput,
        "\(folder) has no chat template, so that messages cannot become a prompt; add the chat_template.jinja of the model it "
          + "was made from, or give records 'prompt_tokens'")
    }
    return template
  }

  private static func hasTokenizer(_ folder: String) -> Bool {
    ["tokenizer.json", "vocab.json"].contains { FileManager.default.fileExists(atPath: folder + "/" + $0) }
  }
}

/// Checks of requests to a policy against its model.
extension PromptCodec {
  /// What every policy of the model refuses.
  package var limits: TokenLimits {
    TokenLimits(vocabularySize: config.text.vocabularySize, contextLength: config.text.contextLength)
  }

  /// The text of a prompt in messages, with a placeholder for each image; a last message of the assistant is left open.
  package func text(of messages: [ChatMessage]) throws -> String {
    try knownTemplate().render(messages, ending: .response(to: messages))
  }
}
