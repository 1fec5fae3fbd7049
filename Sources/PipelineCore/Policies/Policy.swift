// SPDX-License-Identifier: Apache-2.0

/// A language model that is trained: it knows tokens and log-probabilities, and nothing of losses.
///
/// The bundled policy is one; a program on other machines, spoken to over a pipe, can be another. Tokens are those of
/// the policy's own tokenizer. Every log-probability is that of the distribution at a temperature, before top-k and
/// top-p.
public protocol Policy: Sendable {
  /// What the policy is.
  var facts: PolicyFacts { get async }

  /// Turns a prompt into tokens, with one placeholder for each token that an image takes.
  ///
  /// - Throws: When the prompt or an image cannot be used; the message says what to do.
  func encode(_ prompt: PolicyPrompt) async throws -> EncodedPrompt

  /// Turns a response's text into tokens.
  ///
  /// - Parameter finish: Why the response ended; after ``GeneratedResponse/Finish/stop`` the end token is appended.
  /// - Throws: When the policy has no tokenizer.
  func encode(response: String, finish: GeneratedResponse.Finish) async throws -> [Int32]

  /// The text of tokens, special tokens left out.
  func decode(_ tokens: [Int32]) async throws -> String

  /// Samples responses: for each request as many as it has seeds, in order.
  ///
  /// What a seed gives depends neither on threads nor on time.
  /// - Parameter progress: Called now and then with the number of finished responses and of tokens so far.
  func generate(
    _ requests: [GenerationRequest], sampling: SamplingOptions,
    progress: @Sendable (GenerationProgress) -> Void
  ) async throws -> [[GeneratedResponse]]

  /// Log-probabilities of given responses: one number for each of their tokens.
  ///
  /// - Parameter temperature: Where they are taken; 0, as of a greedy response, means 1.
  func logProbs(of groups: [ResponseGroup], temperature: Double) async throws -> [[[Float]]]

  /// Adds the gradient of a loss to what ``step(_:)`` will apply.
  ///
  /// - Parameters:
  ///   - groups: A minibatch. The policy cuts it into micro-batches as its memory wants it.
  ///   - temperature: Where the log-probabilities are taken.
  ///   - gradient: Called once for each response, with its place and the log-probabilities of its tokens under the
  ///     weights of now; returns the derivative of the loss with respect to each of them.
  /// - Throws: What `gradient` throws, or what is wrong with the groups. Gradients added up since the last step are
  ///   forgotten then.
  func accumulate(
    _ groups: [ResponseGroup], temperature: Double,
    gradient: @Sendable (ResponsePlace, [Float]) throws -> [Float]
  ) async throws

  /// Applies the gradients added up since the last step, and forgets them.
  ///
  /// - Throws: When a gradient is not finite; the weights stay as they were.
  func step(_ step: OptimizerStep) async throws -> OptimizerReport

  /// Writes weights, tokenizer and the optimizer's state into a folder, atomically.
  func save(to folder: String) async throws

  /// The policy that the run began with, where this one keeps its weights; nil where it has to be opened once more.
  ///
  /// Only log-probabilities are asked of it.
  func reference() async throws -> (any Policy)?

  /// Gives back what it holds, such as a process that it started; called when nothing more will be asked.
  func close() async
}

extension Policy {
  /// Nothing to give back.
  public func close() async {}

  /// None.
  public func reference() async throws -> (any Policy)? { nil }
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

/// A prompt as a record has it.
public struct PolicyPrompt: Sendable, Hashable {
  /// Its form.
  public enum Content: Sendable, Hashable {
    /// A record's `prompt`: messages with text and image parts.
    case messages([ChatMessage])
    /// Tokens of the policy's tokenizer, image placeholders expanded, and the images' addresses in order.
    case tokens([Int32], images: [String])
  }

  /// The prompt.
  public var content: Content
  /// The folder that relative paths of images start from.
  public var folder: String

  /// A prompt.
  public init(_ content: Content, folder: String = "") {
    self.content = content
    self.folder = folder
  }

  /// A prompt as a record's `prompt` has it: text, or messages with text and image parts.
  ///
  /// - Throws: When the value is no prompt.
  public init(_ prompt: JSONValue, folder: String = "") throws {
    self.init(.messages(try ChatMessage.messages(from: prompt)), folder: folder)
  }
}

/// A prompt in tokens.
public struct EncodedPrompt: Sendable, Hashable {
  /// Token ids, image placeholders expanded.
  public var tokens: [Int32]
  /// The images' addresses, in the order of their placeholders.
  public var images: [String]
  /// The folder that relative paths of images start from.
  public var folder: String

  /// A prompt in tokens.
  public init(tokens: [Int32], images: [String] = [], folder: String = "") {
    self.tokens = tokens
    self.images = images
    self.folder = folder
  }
}

/// A prompt and responses to it: the unit that shares the computation of its prompt.
public struct ResponseGroup: Sendable, Hashable {
  /// The prompt.
  public var prompt: EncodedPrompt
  /// Responses in tokens, with the end token where one was sampled.
  public var responses: [[Int32]]

  /// A prompt and its responses.
  public init(prompt: EncodedPrompt, responses: [[Int32]]) {
    self.prompt = prompt
    self.responses = responses
  }
}

/// Which response of a minibatch.
public struct ResponsePlace: Sendable, Hashable {
  /// The index of its group.
  public var group: Int
  /// The index within the group.
  public var response: Int

  /// A place.
  public init(group: Int, response: Int) {
    self.group = group
    self.response = response
  }
}

/// How responses are sampled.
public struct SamplingOptions: ComponentOptions, Hashable {
  /// What logits are divided by; 0 takes the most probable token every time.
  public var temperature = 1.0
  /// Only the most probable tokens whose probabilities reach this sum are drawn.
  public var topP = 1.0
  /// Only so many of the most probable tokens are drawn; 0 sets no limit.
  public var topK = 0
  /// No end token is drawn before this many tokens.
  public var minTokens = 0
  /// A response ends at this many tokens.
  public var maxTokens = 256
  /// A response ends when its text holds one of these.
  public var stop: [String] = []
  /// A response ends with one of these tokens, beside the model's own end tokens.
  public var stopTokens: [Int] = []

  /// The defaults.
  public init() {}

  /// What each option means.
  public static let help = [
    "temperature": "the sampling temperature; 0 always takes the most probable token",
    "top_p": "draw only from the most probable tokens whose probabilities add up to this; 1 for all",
    "top_k": "draw only from this many of the most probable tokens; 0 for all",
    "min_tokens": "no end token is drawn before this many tokens",
    "max_tokens": "a response ends at this many tokens",
    "stop": "a response ends when its text contains one of these",
    "stop_tokens": "token ids that end a response, in addition to the model's own end tokens",
  ]

  /// What is wrong with the values.
  public func problems() -> [OptionProblem] {
    var problems: [OptionProblem] = []
    if !(temperature >= 0 && temperature.isFinite) {
      problems.append(OptionProblem("temperature", "is \(temperature), it must be 0 or more"))
    }
    if !(topP > 0 && topP <= 1) {
      problems.append(OptionProblem("top_p", "is \(topP), it must lie above 0 and up to 1"))
    }
    if topK < 0 { problems.append(OptionProblem("top_k", "is \(topK), it must be 0 or more")) }
    if maxTokens < 1 { problems.append(OptionProblem("max_tokens", "is \(maxTokens), it must be at least 1")) }
    if minTokens < 0 || minTokens > maxTokens {
      problems.append(OptionProblem("min_tokens", "is \(minTokens), it must lie in 0…max_tokens (\(maxTokens))"))
    }
    if stop.contains("") { problems.append(OptionProblem("stop", "holds an empty text, which every text holds")) }
    return problems
  }
}

/// A prompt to respond to, once for each seed.
public struct GenerationRequest: Sendable, Hashable {
  /// The prompt.
  public var prompt: EncodedPrompt
  /// The seed of each response.
  public var seeds: [UInt64]

  /// A request.
  public init(prompt: EncodedPrompt, seeds: [UInt64]) {
    self.prompt = prompt
    self.seeds = seeds
  }
}

/// A sampled response.
public struct GeneratedResponse: Sendable, Hashable {
  /// Why a response ended.
  public enum Finish: String, Sendable, CaseIterable {
    /// An end token or a stop text.
    case stop
    /// The most tokens allowed.
    case length
  }

  /// Its tokens, the end token included where one was sampled.
  public var tokens: [Int32]
  /// The log-probability of each token at the sampling temperature.
  public var logProbs: [Float]
  /// Why it ended.
  public var finish: Finish

  /// A response.
  public init(tokens: [Int32], logProbs: [Float], finish: Finish) {
    self.tokens = tokens
    self.logProbs = logProbs
    self.finish = finish
  }
}

/// How generation gets on.
public struct GenerationProgress: Sendable, Hashable {
  /// Finished responses.
  public var responses: Int
  /// Sampled tokens.
  public var tokens: Int
  /// Why it may be slow just now, in a few words, such as that a server is asked again; nil for no reason.
  public var note: String?

  /// A count.
  public init(responses: Int, tokens: Int, note: String? = nil) {
    self.responses = responses
    self.tokens = tokens
    self.note = note
  }

  /// What follows a count on a progress line: ` · NOTE`, or nothing.
  public var remark: String { note.map { " · \($0)" } ?? "" }
}

/// One step of AdamW, as in PyTorch.
public struct OptimizerStep: Sendable, Hashable {
  /// The learning rate of this step.
  public var learningRate: Double
  /// The decay of the first moment.
  public var beta1 = 0.9
  /// The decay of the second moment.
  public var beta2 = 0.999
  /// What is added to the root of the second moment.
  public var epsilon = 1e-8
  /// The decoupled weight decay.
  public var weightDecay = 0.01
  /// Which weights decay.
  public var decaying = Decaying.all
  /// What the learning rate is multiplied by for the vision tower, where it is trained.
  public var visionRateFactor = 1.0
  /// Gradients whose norm over all parameters is larger are scaled down to it; infinity for no limit.
  public var maxGradientNorm = 1.0

  /// Which weights decay.
  public enum Decaying: String, Sendable, Hashable, Codable, CaseIterable {
    /// All of them.
    case all
    /// Matrices; norms and biases do not.
    case matrices
  }

  /// A step at a learning rate.
  public init(learningRate: Double) { self.learningRate = learningRate }
}

/// What a step did.
public struct OptimizerReport: Sendable, Hashable {
  /// The norm of all gradients together, before clipping.
  public var gradientNorm: Double
  /// How many steps the optimizer has made.
  public var steps: Int

  /// A report.
  public init(gradientNorm: Double, steps: Int) {
    self.gradientNorm = gradientNorm
    self.steps = steps
  }
}
