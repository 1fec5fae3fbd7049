// SPDX-License-Identifier: Apache-2.0

/// A record in tokens: the start of every computation with a policy.
public struct TokenizedRecord: Sendable, Hashable {
  /// The prompt.
  public let prompt: EncodedPrompt
  /// The response, with the end token where it has one.
  public let tokens: [Int32]
  /// The temperature of its log-probabilities: that of its sampling, or 1 if it is unknown or 0.
  public let temperature: Double
}

/// Converts records to tokens, for everything that computes with a policy.
///
/// The tokens are those of `tokens`, or else those of `response`. A usable record fits the model's vocabulary and context. Each
/// prompt is encoded once.
public actor RecordTokenizer {
  /// The outcome of a record.
  public enum Outcome: Sendable {
    /// It is in tokens.
    case usable(TokenizedRecord)
    /// It cannot be used, and why.
    case unusable(String)
  }

  private let codec: any TokenCodec
  private var facts: PolicyFacts?
  private var prompts: [PolicyPrompt: Result<EncodedPrompt, PipelineError>] = [:]

  /// A tokenizer that remembers the prompts it has encoded.
  public init(codec: any TokenCodec) { self.codec = codec }

  /// Converts a record to tokens.
  ///
  /// - Parameter folder: The folder that relative paths of its images start from.
  /// - Throws: An error that is not about the record, such as cancellation.
  public func outcome(of record: Trajectory, folder: String) async throws -> Outcome {
    try Task.checkCancellation()
    do {
      return .usable(try await tokenized(record, folder))
    } catch let error as PipelineError where error.isAboutARecord {
      return .unusable(error.description)
    }
  }

  private func tokenized(_ record: Trajectory, _ folder: String) async throws -> TokenizedRecord {
    let facts = await knownFacts()
    let prompt = try PolicyPrompt(record, folder: folder)
    let tokens = try await tokens(of: record, facts)
    let encoded = try await encoded(prompt)
    if let odd = tokens.first(where: { Int($0) >= facts.vocabularySize }) {
      throw PipelineError(
        .invalidData, "the response holds the token id \(odd), but the vocabulary ends at \(facts.vocabularySize - 1)")
    }
    let length = encoded.tokens.count + tokens.count
    if length > facts.contextLength {
      throw PipelineError(
        .invalidData,
        "prompt and response have \(length) tokens, more than the model's context of \(facts.contextLength)")
    }
    let temperature = try record.samplingTemperature ?? 1
    return TokenizedRecord(prompt: encoded, tokens: tokens, temperature: temperature == 0 ? 1 : temperature)
  }

  private func knownFacts() async -> PolicyFacts {
    if let facts { return facts }
    let found = await codec.facts
    facts = found
    return found
  }

  private func encoded(_ prompt: PolicyPrompt) async throws -> EncodedPrompt {
    if let known = prompts[prompt] { return try known.get() }
    do {
      let encoded = try await codec.encode(prompt)
      prompts[prompt] = .success(encoded)
      return encoded
    } catch let error as PipelineError {
      prompts[prompt] = .failure(error)
      throw error
    }
  }

  private func tokens(of record: Trajectory, _ facts: PolicyFacts) async throws -> [Int32] {
    if let tokens = try record.tokenIDs(of: .tokens) { return tokens }
    guard let response = try record.response else {
      throw PipelineError(.invalidData, "the record has neither 'tokens' nor 'response'")
    }
    guard facts.tokenizer == .present else {
      throw PipelineError(.invalidData, "the record has no 'tokens', and the model has no tokenizer to make them with")
    }
    return try await codec.encode(response: response, finish: record.finish == "length" ? .length : .stop)
  }
}

extension Trajectory {
  /// The temperature at which it says it was sampled, or nil if it says nothing.
  ///
  /// - Throws: When that is not a temperature.
  var samplingTemperature: Double? {
    get throws {
      guard let value = try value(of: .sampling)?["temperature"], value != .null else { return nil }
      guard let number = value.doubleValue, number >= 0, number.isFinite else {
        throw PipelineError(
          .invalidData, "'sampling.temperature' is \(value.json.shortenedForMessage), it must be a number from 0 on")
      }
      return number
    }
  }
}
