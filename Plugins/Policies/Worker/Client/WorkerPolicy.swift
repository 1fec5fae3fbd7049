// SPDX-License-Identifier: Apache-2.0
import ModelInput
package import PipelineCore

/// A policy whose weights are in another process: this side converts text and images to tokens and pixels, the worker
/// computes.
///
/// Tokens and pixels come from the same code as in the bundled policy, so that a spec gives the same prompts with
/// either policy, and faulty records are found before anything is computed.
package actor WorkerPolicy: TokenCodec, TokenGenerator, LogProbSource, EntropyTrainablePolicy, EntropySource,
  ImageChangingPolicy
{
  private let connection: WorkerConnection
  private let codec: PromptCodec
  private let limits: WorkerLimits
  private let known: PolicyFacts
  private var shelf: PictureShelf

  /// Wraps a worker that has loaded its model.
  init(
    _ connection: WorkerConnection, codec: PromptCodec, limits: WorkerLimits, parameterCount: Int, media: MediaAccess
  ) {
    self.connection = connection
    self.codec = codec
    self.limits = limits
    known = codec.facts(parameterCount: parameterCount)
    shelf = PictureShelf(codec.images, access: media)
  }

  /// What the policy is.
  package var facts: PolicyFacts { known }

  /// The traffic between pipeline and worker.
  package var traffic: WorkerTraffic { get async { await connection.traffic } }

  /// Converts a prompt to tokens.
  package func encode(_ prompt: PolicyPrompt) throws -> EncodedPrompt {
    try codec.encode(prompt) { try shelf.picture($0, $1).grid }
  }

  /// Converts a response's text to tokens.
  package func encode(response: String, finish: GeneratedResponse.Finish) throws -> [Int32] {
    try codec.encode(response: response, finish: finish)
  }

  /// The text of tokens, without special tokens.
  package func decode(_ tokens: [Int32]) throws -> String { try codec.decode(tokens) }

  /// Samples responses.
  package func generate(
    _ requests: [GenerationRequest], sampling: SamplingOptions, progress: @Sendable (GenerationProgress) -> Void
  ) async throws -> [[GeneratedResponse]] {
    try codec.check(sampling)
    for request in requests { try codec.checkRoom(after: request.prompt) }
    let images = try await send(requests.map { ResponseGroup(prompt: $0.prompt, responses: []) })
    var message = GroupMessage.prompts(requests.map(\.prompt), images: images)
    message.payloads += [
      ("seeds", WirePayload(requests.flatMap(\.seeds))),
      ("seed_counts", WirePayload(requests.map { Int32($0.seeds.count) })),
    ]
    let ends = codec.generation.endTokenIDs + sampling.stopTokens
    message.members.append(.init("sampling", sampling.wire(endTokens: ends)))
    if !sampling.stop.isEmpty { message.payloads += try tokenBytes() }
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
    return OptimizerReport(gradientNorm: norm, steps: steps)
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
    let temperature = try PromptCodec.divisor(temperature)
    for group in groups { try codec.checkRoom(for: group) }
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
      try codec.config.check(prompt: group.prompt.tokens, grids: own.map(\.grid), responses: group.responses)
      pictures += own
      names.append(own.map(\.name))
    }
    for message in shelf.messages(toHold: pictures) { _ = try await connection.ask(message) }
    return names
  }

  /// The bytes of every token, for stop texts.
  private func tokenBytes() throws -> [(String, WirePayload)] {
    let tokenizer = try codec.knownTokenizer()
    var bytes: [UInt8] = []
    var ends: [Int32] = []
    for token in 0..<known.vocabularySize {
      // Special tokens are not part of a response's text.
      bytes += tokenizer.bytes(of: token, specialTokens: .skip)
      ends.append(Int32(bytes.count))
    }
    return [("token_bytes", WirePayload(bytes: bytes, shape: [bytes.count])), ("token_ends", WirePayload(ends))]
  }
}
