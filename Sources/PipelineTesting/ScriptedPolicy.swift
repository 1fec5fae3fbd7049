// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

/// A policy without a model: it gives prepared answers, and records the calls.
///
/// For tests of everything that works with a policy, from a prompt record to an optimizer's step:
/// ```swift
/// let policy = ScriptedPolicy(answers: ["What is 3 + 4?": ["\\boxed{7}", "\\boxed{8}"]], otherwise: ["no idea"])
/// var options = RolloutSampler.Options()
/// options.count = 4
/// let sampler = RolloutSampler(sampler: policy.sampler, options: options)
/// let outcomes = try await sampler.rollouts(of: prompts)
/// // Rollouts 0 and 2 say 7, rollouts 1 and 3 say 8.
/// let steps = await policy.calls.compactMap { if case .step(let step) = $0 { step.learningRate } else { nil } }
/// ```
/// A stage works with it as with any other policy: `TrainingContext(policy: policy.policy)`.
///
/// The responses to a prompt are its answers in turn, independent of the seeds. Tokens are the bytes of UTF-8, with
/// ``endToken`` after an answer and ``imageToken`` for each image. Log-probabilities are made up: they lie in −4…0,
/// depend on the prompt and on what is done to its images, on the tokens so far and on the number of steps, and are the same for generated and for given
/// responses.
public actor ScriptedPolicy: TokenCodec, TokenGenerator, LogProbSource, EntropyTrainablePolicy, EntropySource,
  ImageChangingPolicy
{
  /// A call of a policy, in order.
  public enum Call: Sendable {
    /// See ``TokenGenerator/generate(_:sampling:progress:)``.
    case generate([GenerationRequest], sampling: SamplingOptions)
    /// See ``LogProbSource/logProbs(of:temperature:)``.
    case logProbs([ResponseGroup], temperature: Double)
    /// See ``TrainablePolicy/accumulate(_:temperature:gradient:)``; `gradients` are what the closure gave.
    case accumulate([ResponseGroup], temperature: Double, gradients: [[[Float]]])
    /// See ``EntropyTrainablePolicy/accumulateWithEntropy(_:temperature:gradient:)``; what the closure gave.
    case accumulateWithEntropy([ResponseGroup], temperature: Double, gradients: [[TokenFigures]])
    /// See ``EntropySource/entropies(of:)``.
    case entropies([ResponseGroup])
    /// See ``TrainablePolicy/step(_:)``.
    case step(OptimizerStep)
    /// See ``TrainablePolicy/save(to:)``. Nothing is written.
    case save(folder: String)
  }

  /// The token that ends an answer.
  public static let endToken: Int32 = 256
  /// The token that stands for an image in a prompt.
  public static let imageToken: Int32 = 257

  /// What the policy is.
  public let facts: PolicyFacts
  /// The calls so far.
  public private(set) var calls: [Call] = []
  /// The number of steps.
  public private(set) var steps = 0

  private let answers: [String: [String]]
  private let otherwise: [String]
  private let failures: [String: String]
  private var squares = 0.0

  /// A policy that knows some prompts.
  ///
  /// - Parameters:
  ///   - answers: The answers to each prompt, by the prompt's text: the texts of all its messages, one after the other.
  ///   - otherwise: The answers to every other prompt.
  ///   - failures: Prompts that cannot be used, with the reason.
  ///   - contextLength: The most tokens of prompt and response together.
  public init(
    answers: [String: [String]] = [:], otherwise: [String] = ["ok"], failures: [String: String] = [:],
    contextLength: Int = 4096
  ) {
    precondition(!otherwise.isEmpty && answers.values.allSatisfy { !$0.isEmpty }, "every prompt has an answer")
    self.answers = answers
    self.otherwise = otherwise
    self.failures = failures
    facts = PolicyFacts(
      architecture: "scripted", parameterCount: 0, vocabularySize: 258, contextLength: contextLength,
      markTokens: [Self.endToken, Self.imageToken])
  }

  /// The policy as stages get it, without a reference; set another scripted policy as its reference if one is needed.
  nonisolated public var policy: Policy { Policy(self) }

  /// Samples its answers.
  nonisolated public var sampler: any ResponseSampler { TokenResponseSampler(codec: self, generator: self) }

  /// The bytes of the prompt's text, and a token for each image.
  public func encode(_ prompt: PolicyPrompt) throws -> EncodedPrompt {
    let encoded =
      switch prompt.content {
      case .tokens(let tokens, let images): EncodedPrompt(tokens: tokens, images: images, folder: prompt.folder)
      case .messages(let messages): try Self.encode(messages, folder: prompt.folder)
      }
    if let reason = failures[Self.text(encoded.tokens)] { throw PipelineError(.invalidData, reason) }
    return prompt.changed(encoded)
  }

  /// The bytes of the text, and the end token after a finished response.
  public func encode(response: String, finish: GeneratedResponse.Finish) -> [Int32] {
    response.utf8.map { Int32($0) } + (finish == .stop ? [Self.endToken] : [])
  }

  /// The text of bytes; other tokens are left out.
  public func decode(_ tokens: [Int32]) -> String { Self.text(tokens) }

  /// The prepared answers, in turn.
  public func generate(
    _ requests: [GenerationRequest], sampling: SamplingOptions,
    progress: @Sendable (GenerationProgress) -> Void
  ) throws -> [[GeneratedResponse]] {
    calls.append(.generate(requests, sampling: sampling))
    var done = GenerationProgress(responses: 0, tokens: 0)
    return requests.map { request in
      let known = answers[Self.text(request.prompt.tokens)] ?? otherwise
      return request.seeds.indices.map { index in
        let (tokens, finish) = Self.response(known[index % known.count], sampling)
        done.responses += 1
        done.tokens += tokens.count
        progress(done)
        return GeneratedResponse(
          tokens: tokens, logProbs: logProbs(request.prompt, tokens, sampling.temperature), finish: finish)
      }
    }
  }

  /// The made-up log-probabilities.
  public func logProbs(of groups: [ResponseGroup], temperature: Double) -> [[[Float]]] {
    calls.append(.logProbs(groups, temperature: temperature))
    return groups.map { group in group.responses.map { logProbs(group.prompt, $0, temperature) } }
  }

  /// Asks for the gradient of each response, in order, and records it.
  public func accumulate(
    _ groups: [ResponseGroup], temperature: Double,
    gradient: @Sendable (ResponsePlace, [Float]) throws -> [Float]
  ) throws {
    let gradients = try groups.enumerated().map { number, group in
      try group.responses.enumerated().map { index, response in
        let values = try gradient(
          ResponsePlace(group: number, response: index), logProbs(group.prompt, response, temperature))
        precondition(values.count == response.count, "a gradient for each token of the response")
        return values
      }
    }
    for value in gradients.joined().joined() { squares += Double(value) * Double(value) }
    calls.append(.accumulate(groups, temperature: temperature, gradients: gradients))
  }

  /// The same with entropies, which are made up: half the negative log-probabilities.
  public func accumulateWithEntropy(
    _ groups: [ResponseGroup], temperature: Double,
    gradient: @Sendable (ResponsePlace, TokenFigures) throws -> TokenFigures
  ) throws {
    let gradients = try groups.enumerated().map { number, group in
      try group.responses.enumerated().map { index, response in
        let values = logProbs(group.prompt, response, temperature)
        return try gradient(
          ResponsePlace(group: number, response: index),
          TokenFigures(logProbs: values, entropies: values.map { -$0 / 2 }))
      }
    }
    for value in gradients.joined().flatMap({ $0.logProbs + $0.entropies }) { squares += Double(value) * Double(value) }
    calls.append(.accumulateWithEntropy(groups, temperature: temperature, gradients: gradients))
  }

  /// The made-up entropies: half the negative log-probabilities at temperature 1.
  public func entropies(of groups: [ResponseGroup]) -> [[[Float]]] {
    calls.append(.entropies(groups))
    return groups.map { group in group.responses.map { logProbs(group.prompt, $0, 1).map { -$0 / 2 } } }
  }

  /// Counts the step, which changes log-probabilities; reports the norm of the recorded gradients.
  public func step(_ step: OptimizerStep) throws -> OptimizerReport {
    defer { squares = 0 }
    guard squares.isFinite else {
      throw PipelineError(.invalidData, "a gradient is not finite; the step is not applied")
    }
    calls.append(.step(step))
    steps += 1
    return OptimizerReport(gradientNorm: squares.squareRoot(), steps: steps)
  }

  /// Records the folder, and writes nothing.
  public func save(to folder: String) { calls.append(.save(folder: folder)) }

  private static func encode(_ messages: [ChatMessage], folder: String) throws -> EncodedPrompt {
    var encoded = EncodedPrompt(tokens: [], folder: folder)
    for part in messages.flatMap(\.parts) {
      switch part {
      case .text(let text): encoded.tokens += text.utf8.map { Int32($0) }
      case .image(let image):
        encoded.images.append(try image.reference)
        encoded.tokens.append(imageToken)
      }
    }
    return encoded
  }

  private static func text(_ tokens: [Int32]) -> String {
    String(decoding: tokens.compactMap { UInt8(exactly: $0) }, as: UTF8.self)
  }

  private static func response(_ answer: String, _ sampling: SamplingOptions) -> ([Int32], GeneratedResponse.Finish) {
    var tokens: [Int32] = []
    for byte in answer.utf8 {
      if tokens.count == sampling.maxTokens { return (tokens, .length) }
      tokens.append(Int32(byte))
      if sampling.stopTokens.contains(Int(byte)) { return (tokens, .stop) }
      let text = text(tokens)
      if sampling.stop.contains(where: { text.hasSuffix($0) }) { return (tokens, .stop) }
    }
    return tokens.count < sampling.maxTokens ? (tokens + [endToken], .stop) : (tokens, .length)
  }

  private func logProbs(_ prompt: EncodedPrompt, _ tokens: [Int32], _ temperature: Double) -> [Float] {
    var state = prompt.tokens.reduce(UInt64(bitPattern: Int64(steps))) { Self.mixed($0, $1) }
    for image in prompt.images { state = Self.mixed(state, image.change) }
    return tokens.map { token in
      state = Self.mixed(state, token)
      let uniform = PhiloxGenerator.uniform(from: state)
      // A higher temperature flattens: values are nearer to each other.
      return Float(-4 * uniform / (temperature > 0 ? max(1, temperature) : 1))
    }
  }

  private static func mixed(_ state: UInt64, _ change: ImageChange) -> UInt64 {
    switch change {
    case .none: state
    case .blackPatches(_, let seed), .noise(_, let seed): state ^ seed
    }
  }

  private static func mixed(_ state: UInt64, _ token: Int32) -> UInt64 {
    var random = PhiloxGenerator(seed: state, purpose: "scripted", position: (UInt64(UInt32(bitPattern: token)), 0, 0))
    return random.next()
  }
}
