// SPDX-License-Identifier: Apache-2.0
import ModelInput
package import PipelineCore

/// A policy whose weights are in another process.
///
/// For a family that the bundled policy knows, this side makes tokens and pixels by the same code, so that a spec gives the same
/// prompts with either policy, and faulty records are found before anything is computed. For all others the worker makes
/// them, by the model's own processor.
package actor WorkerPolicy: TokenCodec, TokenGenerator, LogProbSource, EntropyTrainablePolicy, EntropySource,
  ImageChangingPolicy
{
  private let connection: WorkerConnection
  private let prompts: WorkerPrompts
  private let limits: WorkerLimits
  private let known: PolicyFacts
  private var shelf: PictureShelf
  /// What a person should know of it.
  package nonisolated let notes: [String]

  /// Wraps a worker that has loaded its model.
  init(
    _ connection: WorkerConnection, prompts: WorkerPrompts, limits: WorkerLimits, parameterCount: Int,
    media: MediaAccess, notes: [String] = []
  ) {
    self.notes = notes
    self.connection = connection
    self.prompts = prompts
    self.limits = limits
    known = prompts.facts(parameterCount: parameterCount)
    switch prompts {
    case .pipeline(let codec): shelf = PictureShelf(codec.images, access: media)
    case .worker: shelf = PictureShelf(nil, access: media)
    }
  }

  /// What the policy is.
  package var facts: PolicyFacts { known }

  /// The traffic between pipeline and worker.
  package var traffic: WorkerTraffic { get async { await connection.traffic } }

  /// Converts a prompt to tokens.
  package func encode(_ prompt: PolicyPrompt) async throws -> EncodedPrompt {
    switch prompts {
    case .pipeline(let codec): try codec.encode(prompt) { try shelf.picture($0, $1).knownGrid }
    case .worker(let facts): try await encode(prompt, facts)
    }
  }

  /// Lets the worker convert a prompt, or check one that is tokens already.
  private func encode(_ prompt: PolicyPrompt, _ facts: WorkerFacts) async throws -> EncodedPrompt {
    let images: [ImageReference]
    var members: [JSONValue.Member] = []
    var payloads: [(String, WirePayload)] = []
    switch prompt.content {
    case .messages(let messages):
      try facts.checkTokenizer()
      images = try ChatMessage.images(in: messages).map { try $0.reference }
      members = [.init("messages", .array(messages.map(\.wire)))]
    case .tokens(let tokens, let named):
      images = named
      try facts.limits.check(prompt: tokens, responses: [])
      payloads = [("tokens", WirePayload(tokens))]
    }
    try facts.checkTakesImages(images.count)
    let pictures = try images.map { try shelf.picture($0, prompt.folder) }
    members.append(.init("images", .array(pictures.map { .string($0.name) })))
    try await hold(pictures)
    let frame = try await connection.ask(
      .init(kind: "encode", members: members, payloads: payloads, limit: limits.compute))
    guard let tokens = frame["tokens"]?.int32s else {
      throw PipelineError(.policyWorker, "the policy's worker was given a prompt and gave no tokens")
    }
    try facts.limits.check(prompt: tokens, responses: [])
    return prompt.changed(EncodedPrompt(tokens: tokens, images: images, folder: prompt.folder))
  }

  /// Converts a response's text to tokens.
  package func encode(response: String, finish: GeneratedResponse.Finish) async throws -> [Int32] {
    switch prompts {
    case .pipeline(let codec): return try codec.encode(response: response, finish: finish)
    case .worker(let facts):
      try facts.checkTokenizer()
      let frame = try await connection.ask(
        .init(kind: "tokenize", members: [.init("text", .string(response))], limit: limits.compute))
      guard let words = frame["tokens"]?.int32s else {
        throw PipelineError(.policyWorker, "the policy's worker was given a text and gave no tokens")
      }
      return words + (finish == .stop ? facts.endTokens.prefix(1).map { Int32($0) } : [])
    }
  }

  /// The text of tokens, without special tokens.
  package func decode(_ tokens: [Int32]) async throws -> String {
    switch prompts {
    case .pipeline(let codec): return try codec.decode(tokens)
    case .worker(let facts):
      try facts.checkTokenizer()
      let frame = try await connection.ask(
        .init(kind: "decode", payloads: [("tokens", WirePayload(tokens))], limit: limits.compute))
      guard let text = frame.header["text"]?.stringValue else {
        throw PipelineError(.policyWorker, "the policy's worker was given tokens and gave no text")
      }
      return text
    }
  }

  /// Samples responses.
  package func generate(
    _ requests: [GenerationRequest], sampling: SamplingOptions, progress: @Sendable (GenerationProgress) -> Void
  ) async throws -> [[GeneratedResponse]] {
    try prompts.limits.check(sampling)
    for request in requests { try prompts.limits.checkRoom(after: request.prompt) }
    let images = try await send(requests.map { ResponseGroup(prompt: $0.prompt, responses: []) })
    var message = GroupMessage.prompts(requests.map(\.prompt), images: images)
    message.payloads += [
      ("seeds", WirePayload(requests.flatMap(\.seeds))),
      ("seed_counts", WirePayload(requests.map { Int32($0.seeds.count) })),
    ]
    let ends = prompts.endTokens + sampling.stopTokens
    message.members.append(.init("sampling", sampling.wire(endTokens: ends)))
    var collected = CollectedResponses(requests, limit: sampling.maxTokens, vocabularySize: known.vocabularySize)
    _ = try await connection.ask(
      .init(kind: "generate", members: message.members, payloads: message.payloads, limit: limits.generate)
    ) { frame in
      if frame.kind == "part" { try collected.take(frame) }
      if let responses = frame.header["responses"]?.intValue, let tokens = frame.header["tokens"]?.intValue {
        progress(GenerationProgress(responses: responses, tokens: tokens))
      }
      return nil
    }
    return try collected.responses()
  }

  /// Log-probabilities of given responses.
  package func logProbs(of groups: [ResponseGroup], temperature: Double) async throws -> [[[Float]]] {
    try await logProbs(of: groups, temperature: temperature, under: "policy")
  }

  func logProbs(of groups: [ResponseGroup], temperature: Double, under weights: String) async throws -> [[[Float]]] {
    let message = try await message(groups, temperature)
    let frame = try await connection.ask(
      .init(
        kind: "log-probs", members: message.members + [.init("of", .string(weights))], payloads: message.payloads,
        limit: limits.compute))
    guard let values = frame["log_probs"]?.floats, values.count == groups.tokenCount else {
      throw PipelineError(
        .policyWorker,
        "the policy's worker gave \(frame["log_probs"]?.floats?.count ?? 0) log-probabilities for \(groups.tokenCount) tokens"
      )
    }
    return groups.cut(values)
  }

  /// Entropies of given responses.
  package func entropies(of groups: [ResponseGroup]) async throws -> [[[Float]]] {
    let message = try await message(groups, 1)
    let frame = try await connection.ask(
      .init(
        kind: "log-probs", members: message.members + [.init("of", "policy"), .init("entropy", true)],
        payloads: message.payloads, limit: limits.compute))
    guard let values = frame["entropies"]?.floats, values.count == groups.tokenCount else {
      throw PipelineError(
        .policyWorker,
        "the policy's worker gave \(frame["entropies"]?.floats?.count ?? 0) entropies for \(groups.tokenCount) tokens")
    }
    return groups.cut(values)
  }

  /// Adds gradients: the worker computes the forward pass, the gradient of the loss is computed here, and the worker
  /// computes the backward pass.
  package func accumulate(
    _ groups: [ResponseGroup], temperature: Double, gradient: @Sendable (ResponsePlace, [Float]) throws -> [Float]
  ) async throws {
    try await accumulateAll(groups, temperature: temperature, withEntropies: false) { place, logProbs, _ in
      (try gradient(place, logProbs), [])
    }
  }

  /// Adds gradients of a loss that has entropies too.
  package func accumulateWithEntropy(
    _ groups: [ResponseGroup], temperature: Double,
    gradient: @Sendable (ResponsePlace, TokenFigures) throws -> TokenFigures
  ) async throws {
    try await accumulateAll(groups, temperature: temperature, withEntropies: true) { place, logProbs, entropies in
      let derivatives = try gradient(place, TokenFigures(logProbs: logProbs, entropies: entropies))
      return (derivatives.logProbs, derivatives.entropies)
    }
  }

  private func accumulateAll(
    _ groups: [ResponseGroup], temperature: Double, withEntropies: Bool,
    derivatives: @Sendable (ResponsePlace, _ logProbs: [Float], _ entropies: [Float]) throws -> ([Float], [Float])
  ) async throws {
    var message = try await message(groups, temperature)
    if withEntropies { message.members.append(.init("entropy", true)) }
    var seen = SeenResponses(groups)
    _ = try await connection.ask(
      .init(kind: "accumulate", members: message.members, payloads: message.payloads, limit: limits.compute)
    ) { frame in
      guard frame.kind == "forward" else { return nil }
      var (gradients, entropyGradients): ([Float], [Float]) = ([], [])
      for (place, logProbs, entropies) in try seen.take(frame, withEntropies: withEntropies) {
        let (values, entropyValues) = try derivatives(place, logProbs, entropies)
        guard values.count == logProbs.count, entropyValues.count == entropies.count else {
          throw PipelineError(
            .plugIn,
            "the loss gave \(values.count) gradients for a response of \(logProbs.count) tokens; it must give one for each"
          )
        }
        gradients += values
        entropyGradients += entropyValues
      }
      var payloads = [("gradients", WirePayload(gradients))]
      if withEntropies { payloads.append(("entropy_gradients", WirePayload(entropyGradients))) }
      return WireFrame("gradient", id: frame.id, payloads: payloads)
    }
    try seen.checkComplete()
  }

  /// Applies the accumulated gradients.
  package func step(_ step: OptimizerStep) async throws -> OptimizerReport {
    let frame = try await connection.ask(
      .init(kind: "step", members: [.init("options", step.wire)], limit: limits.compute))
    guard let norm = frame.header["gradient_norm"]?.doubleValue, let steps = frame.header["steps"]?.intValue else {
      throw PipelineError(.policyWorker, "the policy's worker made a step and does not say how large its gradient was")
    }
    let computed = frame.header["tokens_computed"]?.doubleValue ?? 0
    let padding = frame.header["tokens_of_padding"]?.doubleValue.map { $0 / max(1, computed) }
    return OptimizerReport(gradientNorm: norm, steps: steps, padding: padding)
  }

  /// Lets the worker write a checkpoint; it must see the folder under the same path.
  package func save(to folder: String) async throws {
    _ = try await connection.ask(
      .init(kind: "save", members: [.init("folder", .string(folder.absolutePath))], limit: limits.save))
  }

  /// Asks the worker to end by itself, within seconds.
  package func close() async { await connection.close() }

  // Outgoing messages.

  private func message(_ groups: [ResponseGroup], _ temperature: Double) async throws -> GroupMessage {
    let temperature = try TokenLimits.divisor(temperature)
    for group in groups { try prompts.limits.checkRoom(for: group) }
    let images = try await send(groups)
    var message = GroupMessage.prompts(groups.map(\.prompt), images: images)
    message.members.append(.init("temperature", .number(temperature)))
    message.payloads += GroupMessage.responses(groups)
    return message
  }

  /// Checks groups, and sends their images to the worker.
  ///
  /// - Returns: The names of each group's images.
  private func send(_ groups: [ResponseGroup]) async throws -> [[String]] {
    var pictures: [Picture] = []
    var names: [[String]] = []
    for group in groups {
      let own = try group.prompt.images.map { try shelf.picture($0, group.prompt.folder) }
      try prompts.check(group, own)
      pictures += own
      names.append(own.map(\.name))
    }
    try await hold(pictures)
    return names
  }

  /// Sends images that the worker does not have.
  private func hold(_ pictures: [Picture]) async throws {
    for message in shelf.messages(toHold: pictures) { _ = try await connection.ask(message) }
  }
}
