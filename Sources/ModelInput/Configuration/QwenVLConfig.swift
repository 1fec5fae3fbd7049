// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// The shape of a Qwen2.5-VL model: the checked contents of `config.json`.
///
/// Both published forms are read: the flat one, with the decoder's keys at the top level, and the nested one, with
/// `text_config`. Keys that matter only elsewhere stay in ``document``.
package struct QwenVLConfig: Sendable {
  /// The decoder.
  package var text: Text
  /// The vision tower.
  package var vision: Vision
  /// The id that stands for an image's tokens.
  package var imageTokenID: Int
  /// The id that stands for a video's tokens; such prompts are refused.
  package var videoTokenID: Int
  /// The id before an image.
  package var visionStartTokenID: Int
  /// The id after an image.
  package var visionEndTokenID: Int
  /// Where the output weights come from.
  package var outputEmbedding: OutputEmbedding
  /// The whole file, including unknown keys.
  package var document: JSONValue

  /// The architecture that a `config.json` must name.
  package static let architecture = "Qwen2_5_VLForConditionalGeneration"

  /// Where the output weights come from.
  package enum OutputEmbedding: Sendable {
    /// From the input embedding (`tie_word_embeddings`).
    case tied
    /// From a separate matrix, `lm_head.weight`.
    case untied
  }

  /// The decoder's shape.
  package struct Text: Sendable, Hashable {
    /// Rows of the embedding.
    package var vocabularySize: Int
    /// The width.
    package var hiddenSize: Int
    /// The width inside the feed-forward part.
    package var intermediateSize: Int
    /// The number of layers.
    package var layerCount: Int
    /// Heads of queries.
    package var headCount: Int
    /// Heads of keys and values; divides ``headCount``.
    package var keyValueHeadCount: Int
    /// The longest sequence the model was made for.
    package var contextLength: Int
    /// The constant that RMSNorm adds to the mean square.
    package var normEpsilon: Double
    /// The base of the rotary frequencies.
    package var ropeTheta: Double
    /// How many rotary frequencies follow time, height and width; their sum is half of ``headSize``.
    package var mropeSection: [Int]

    /// The width of one head.
    package var headSize: Int { hiddenSize / headCount }
  }

  /// The vision tower's shape.
  package struct Vision: Sendable, Hashable {
    /// The number of blocks.
    package var depth: Int
    /// The width.
    package var hiddenSize: Int
    /// The width inside the feed-forward part.
    package var intermediateSize: Int
    /// Attention heads.
    package var headCount: Int
    /// The width of its output, which goes to the decoder.
    package var outputSize: Int
    /// Colour channels.
    package var channelCount: Int
    /// Side of a patch in pixels.
    package var patchSize: Int
    /// Frames that a patch spans; an image is repeated.
    package var temporalPatchSize: Int
    /// Side, in patches, of the square that becomes one token.
    package var spatialMergeSize: Int
    /// Side of an attention window in pixels.
    package var windowSize: Int
    /// Blocks that attend to the whole image.
    package var fullAttentionBlocks: Set<Int>
    /// Position steps per second of video.
    package var tokensPerSecond: Int
    /// The base of the rotary frequencies.
    package var ropeTheta: Double
    /// The constant that RMSNorm adds to the mean square; fixed by the architecture.
    package var normEpsilon: Double { 1e-6 }

    /// The width of one head.
    package var headSize: Int { hiddenSize / headCount }
    /// Values of one patch: channels × frames × side × side.
    package var patchValueCount: Int { channelCount * temporalPatchSize * patchSize * patchSize }
    /// Side of an attention window in tokens after merging.
    package var windowTokens: Int { windowSize / spatialMergeSize / patchSize }
  }

  /// Reads the `config.json` of a model's folder.
  ///
  /// - Throws: Everything that is missing or not supported, together.
  package init(folder: String) throws {
    let path = folder + "/config.json"
    guard let document = try DocumentFile.object(path) else {
      throw PipelineError(
        .inputOutput,
        HubName.looksLike(folder)
          ? "\(folder) is no folder here; if it is a model on a hub, download it, and name its folder"
          : "\(folder) has no config.json; it must be the folder of a model")
    }
    try self.init(document: document, path: path)
  }
}
