// SPDX-License-Identifier: Apache-2.0
import ModelInput
import PipelineCore

/// Who makes tokens of prompts and responses, and gives images their size.
enum WorkerPrompts: Sendable {
  /// This side, as for the bundled policy: a family that it knows.
  case pipeline(PromptCodec)
  /// The worker, by the model's own processor.
  case worker(WorkerFacts)

  /// The name in the message `load`.
  static func name(_ codec: PromptCodec?) -> String { codec == nil ? "worker" : "pipeline" }

  /// What every policy of the model refuses.
  var limits: TokenLimits {
    switch self {
    case .pipeline(let codec): codec.limits
    case .worker(let facts): facts.limits
    }
  }

  /// The ids that end a response.
  var endTokens: [Int] {
    switch self {
    case .pipeline(let codec): codec.generation.endTokenIDs
    case .worker(let facts): facts.endTokens
    }
  }

  /// The description for the pipeline.
  func facts(parameterCount: Int) -> PolicyFacts {
    switch self {
    case .pipeline(let codec): codec.facts(parameterCount: parameterCount)
    case .worker(let facts): facts.policy
    }
  }

  /// Checks that prompt, images and responses match each other and the model, as far as this side knows.
  func check(_ group: ResponseGroup, _ pictures: [Picture]) throws {
    switch self {
    case .pipeline(let codec):
      try codec.config.check(
        prompt: group.prompt.tokens, grids: try pictures.map { try $0.knownGrid }, responses: group.responses)
    case .worker(let facts):
      try facts.limits.check(prompt: group.prompt.tokens, responses: group.responses)
      try facts.checkTakesImages(pictures.count)
    }
  }
}

extension WorkerFacts {
  /// Refuses images for a text model.
  func checkTakesImages(_ count: Int) throws {
    guard count > 0, !takesImages else { return }
    throw PipelineError(
      .invalidData,
      "the prompt has \(count) \(count == 1 ? "image" : "images"), but the model, \(architecture), takes text alone; take the "
        + "images out, or train a model that sees them")
  }

  /// Refuses to turn text into tokens without a tokenizer.
  func checkTokenizer() throws {
    guard !hasTokenizer else { return }
    throw PipelineError(
      .invalidData, "the model has no tokenizer; add its tokenizer.json, or give records 'prompt_tokens' and 'tokens'")
  }
}

extension ChatMessage {
  /// The form in requests: an image is its place alone, as chat templates see it.
  var wire: JSONValue {
    var members: [JSONValue.Member] = [.init("role", .string(role))]
    switch content {
    case .text(let text): members.append(.init("content", .string(text)))
    case .parts(let parts): members.append(.init("content", .array(parts.map(Self.wire))))
    case .none: break
    }
    return .object(members + others.filter { $0.value != .null })
  }

  private static func wire(_ part: Part) -> JSONValue {
    switch part {
    case .text(let text): ["type": "text", "text": .string(text)]
    case .image: ["type": "image"]
    }
  }
}
