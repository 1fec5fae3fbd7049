// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// The shape of a model: the checked contents of `config.json`.
///
/// Both published forms are read: the flat one, with the decoder's keys at the top level, and the nested one, with
/// `text_config`. Keys that matter only elsewhere stay in ``document``.
package struct ModelConfig: Sendable {
  /// The family, which decides how the numbers are used.
  package var family: ModelFamily
  /// The decoder.
  package var text: Text
  /// The vision tower; nil for a text model.
  package var vision: Vision?
  /// Where the output weights come from.
  package var outputEmbedding: OutputEmbedding
  /// The whole file, including unknown keys.
  package var document: JSONValue

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
    /// The width of one head; the heads together need not be as wide as the decoder.
    package var headSize: Int
    /// Whether the linear layers of attention add biases, where the family leaves it to the file.
    package var attentionBias = false
    /// Whether those of the feed-forward part do, where the family leaves it to the file.
    package var feedForwardBias = false
    /// The longest sequence the model was made for.
    package var contextLength: Int
    /// The constant that RMSNorm adds to the mean square.
    package var normEpsilon: Double
    /// How positions turn queries and keys.
    package var rotary: Rotary
  }

  /// Rotary positions.
  package struct Rotary: Sendable, Hashable {
    /// Which position turns which pair of a head's elements.
    package enum Axes: Sendable, Hashable {
      /// One position for all.
      case one
      /// The first pairs follow time, the next height, the last width; the numbers say how many follow each.
      case chunks([Int])
      /// Pairs follow time, height and width in turn, up to three times the numbers of height and of width; the rest
      /// follows time.
      case interleaved([Int])
    }

    /// The base of the frequencies.
    package var theta: Double
    /// Which position turns which pair.
    package var axes = Axes.one
    /// How frequencies are changed for longer contexts.
    package var scaling = Scaling.none
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
    /// Side of a patch in pixels.
    package var patchSize: Int
    /// Frames that a patch spans; an image is repeated.
    package var temporalPatchSize: Int
    /// Side, in patches, of the square that becomes one token.
    package var spatialMergeSize: Int
    /// The base of the rotary frequencies.
    package var ropeTheta: Double
    /// The function inside the feed-forward part.
    package var activation: Activation
    /// Attention windows, for families that have them.
    package var windows: Windows?
    /// Rows of the table of learned positions; 0 for families without one.
    package var learnedPositions = 0
    /// The blocks whose outputs go into the first layers of the decoder, in the order of their mergers.
    package var deepstackBlocks: [Int] = []
    /// The ids that stand for images in a prompt.
    package var tokens: ImageTokens

    /// Colour channels.
    package let channelCount = 3
    /// The constant that norms add to the mean square; fixed by the architecture.
    package let normEpsilon = 1e-6
    /// The width of one head.
    package var headSize: Int { hiddenSize / headCount }
    /// Values of one patch: channels × frames × side × side.
    package var patchValueCount: Int { channelCount * temporalPatchSize * patchSize * patchSize }
    /// The width of the patches of one token side by side.
    package var mergedSize: Int { hiddenSize * spatialMergeSize * spatialMergeSize }
  }

  /// Blocks that attend within windows of an image.
  package struct Windows: Sendable, Hashable {
    /// Side of a window in pixels.
    package var size: Int
    /// Blocks that attend to the whole image.
    package var fullAttentionBlocks: Set<Int>
  }

  /// The function inside a feed-forward part.
  package enum Activation: String, Sendable, Hashable {
    /// `x · sigmoid(x)`.
    case silu
    /// The Gaussian error linear unit, exact.
    case gelu
    /// Its approximation by tanh.
    case tanhGELU = "gelu_pytorch_tanh"
    /// Its approximation `x · sigmoid(1.702 · x)`.
    case quickGELU = "quick_gelu"
  }

  /// The ids that stand for images and videos in a prompt.
  package struct ImageTokens: Sendable, Hashable {
    /// The id that stands for an image's tokens.
    package var image: Int
    /// The id that stands for a video's tokens; such prompts are refused.
    package var video: Int
    /// The id before an image.
    package var start: Int
    /// The id after an image.
    package var end: Int

    /// All of them.
    package var all: [Int] { [image, video, start, end] }
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

extension ModelConfig.Text {
  /// The width of all query heads together.
  package var queryWidth: Int { headCount * headSize }
  /// The width of all key heads together, and of all value heads.
  package var keyValueWidth: Int { keyValueHeadCount * headSize }
}

extension ModelConfig.Vision {
  /// Side of an attention window in tokens after merging; nil without windows.
  package var windowTokens: Int? { windows.map { $0.size / spatialMergeSize / patchSize } }
}
