// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

/// The shape of a Qwen2.5-VL model: the checked contents of `config.json`.
///
/// Both published forms are read: the flat one, with the decoder's keys at the top level, and the nested one, with
/// `text_config`. Keys that matter only elsewhere stay in ``document``.
public struct QwenVLConfig: Sendable {
  /// The decoder.
  public var text: Text
  /// The vision tower.
  public var vision: Vision
  /// The id that stands for an image's tokens.
  public var imageTokenID: Int
  /// The id that stands for a video's tokens; such prompts are refused.
  public var videoTokenID: Int
  /// The id before an image.
  public var visionStartTokenID: Int
  /// The id after an image.
  public var visionEndTokenID: Int
  /// Where the output weights come from.
  public var outputEmbedding: OutputEmbedding
  /// The whole file, including unknown keys.
  public var document: JSONValue

  /// The architecture that a `config.json` must name.
  public static let architecture = "Qwen2_5_VLForConditionalGeneration"

  /// Where the output weights come from.
  public enum OutputEmbedding: Sendable {
    /// From the input embedding (`tie_word_embeddings`).
    case tied
    /// From a separate matrix, `lm_head.weight`.
    case untied
  }

  /// The decoder's shape.
  public struct Text: Sendable, Hashable {
    /// Rows of the embedding.
    public var vocabularySize: Int
    /// The width.
    public var hiddenSize: Int
    /// The width inside the feed-forward part.
    public var intermediateSize: Int
    /// The number of layers.
    public var layerCount: Int
    /// Heads of queries.
    public var headCount: Int
    /// Heads of keys and values; divides ``headCount``.
    public var keyValueHeadCount: Int
    /// The longest sequence the model was made for.
    public var contextLength: Int
    /// The constant that RMSNorm adds to the mean square.
    public var normEpsilon: Double
    /// The base of the rotary frequencies.
    public var ropeTheta: Double
    /// How many rotary frequencies follow time, height and width; their sum is half of ``headSize``.
    public var mropeSection: [Int]

    /// The width of one head.
    public var headSize: Int { hiddenSize / headCount }
  }

  /// The vision tower's shape.
  public struct Vision: Sendable, Hashable {
    /// The number of blocks.
    public var depth: Int
    /// The width.
    public var hiddenSize: Int
    /// The width inside the feed-forward part.
    public var intermediateSize: Int
    /// Attention heads.
    public var headCount: Int
    /// The width of its output, which goes to the decoder.
    public var outputSize: Int
    /// Colour channels.
    public var channelCount: Int
    /// Side of a patch in pixels.
    public var patchSize: Int
    /// Frames that a patch spans; an image is repeated.
    public var temporalPatchSize: Int
    /// Side, in patches, of the square that becomes one token.
    public var spatialMergeSize: Int
    /// Side of an attention window in pixels.
    public var windowSize: Int
    /// Blocks that attend to the whole image.
    public var fullAttentionBlocks: Set<Int>
    /// Position steps per second of video.
    public var tokensPerSecond: Int
    /// The base of the rotary frequencies.
    public var ropeTheta: Double
    /// The constant that RMSNorm adds to the mean square; fixed by the architecture.
    public var normEpsilon: Double { 1e-6 }

    /// The width of one head.
    public var headSize: Int { hiddenSize / headCount }
    /// Values of one patch: channels × frames × side × side.
    public var patchValueCount: Int { channelCount * temporalPatchSize * patchSize * patchSize }
    /// Side of an attention window in tokens after merging.
    public var windowTokens: Int { windowSize / spatialMergeSize / patchSize }
  }

  /// Reads the `config.json` of a model's folder.
  ///
  /// - Throws: Everything that is missing or not supported, together.
  public init(folder: String) throws {
    let path = folder + "/config.json"
    guard let document = try DocumentFile.object(path) else {
      throw PipelineError(.inputOutput, "\(folder) has no config.json; it must be the folder of a model")
    }
    try self.init(document: document, path: path)
  }
}
