// SPDX-License-Identifier: Apache-2.0

/// Converts prompts and responses to tokens and back.
///
/// The tokens are those of one tokenizer; all that works with a policy's tokens gets them from its codec.
public protocol TokenCodec: Sendable {
  /// Facts about the model whose tokens they are.
  var facts: PolicyFacts { get async }

  /// Converts a prompt to tokens, with one placeholder for each token that an image takes.
  ///
  /// - Throws: When the prompt or an image cannot be used; the message says what to do. A prompt for which this succeeds
  ///   can be computed with.
  func encode(_ prompt: PolicyPrompt) async throws -> EncodedPrompt

  /// Converts a response's text to tokens.
  ///
  /// - Parameter finish: Why the response ended; after ``GeneratedResponse/Finish/stop`` the end token is appended.
  /// - Throws: When there is no tokenizer.
  func encode(response: String, finish: GeneratedResponse.Finish) async throws -> [Int32]

  /// The text of tokens, special tokens left out.
  func decode(_ tokens: [Int32]) async throws -> String
}

/// What a policy is.
public struct PolicyFacts: Sendable, Hashable {
  /// The architecture, as in `config.json`: `Qwen2_5_VLForConditionalGeneration`.
  public var architecture: String
  /// The number of weights.
  public var parameterCount: Int
  /// The number of token ids.
  public var vocabularySize: Int
  /// The most tokens of prompt and response together.
  public var contextLength: Int
  /// Whether it turns text into tokens and back.
  public var tokenizer: Tokenizer
  /// Tokens that are not text: placeholders of images, what stands around them and around messages.
  ///
  /// They stay when a prompt is shortened; see ``EncodedPrompt/shortened(to:marks:)``.
  public var markTokens: Set<Int32>
  /// The format of its weights when it samples, such as `bfloat16`, if log-probabilities and updates use another; else nil.
  public var samplingWeights: String?

  /// Whether a policy turns text into tokens and back.
  public enum Tokenizer: Sendable, Hashable {
    /// It does.
    case present
    /// Prompts and responses must be tokens already.
    case absent
  }

  /// Facts about a policy.
  public init(
    architecture: String, parameterCount: Int, vocabularySize: Int, contextLength: Int,
    tokenizer: Tokenizer = .present, markTokens: Set<Int32> = []
  ) {
    self.architecture = architecture
    self.parameterCount = parameterCount
    self.vocabularySize = vocabularySize
    self.contextLength = contextLength
    self.tokenizer = tokenizer
    self.markTokens = markTokens
  }
}
