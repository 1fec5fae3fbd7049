// SPDX-License-Identifier: Apache-2.0
package import PipelineCore
import PipelineSpec

/// A request to a model.
package struct ChatRequest: Sendable {
  /// The messages, images in them as data URLs.
  package var messages: JSONValue
  /// How tokens are drawn.
  package var sampling: SamplingOptions
  /// The seed of the draws; nil where none is sent.
  package var seed: UInt64?
  /// Distinguishes requests that are otherwise equal but need draws of their own.
  package var draw: UInt64 = 0
  /// How many responses.
  package var count = 1
  /// Whether log-probabilities are asked for.
  package var wantsLogProbs = false
  /// Whether token ids are asked for.
  package var wantsTokens = false
  /// Whether the response continues the last message; vLLM and SGLang do so when asked; others may refuse or ignore it.
  package var continuesLastMessage = false

  /// A request for one response.
  package init(messages: JSONValue, sampling: SamplingOptions) {
    self.messages = messages
    self.sampling = sampling
  }

  /// Members of a request that `extra` must not set.
  package static let ownMembers = [
    "model", "messages", "n", "seed", "temperature", "top_p", "top_k", "min_tokens", "max_tokens", "stop",
    "stop_token_ids", "logprobs", "return_token_ids", "stream", "api_key",
  ]

  /// The longest answer that can be valid, in bytes: what surrounds the responses, plus a number of bytes for each
  /// token.
  ///
  /// If `extra` adds members to a request, the length cannot be predicted, and only ``HTTPClient/Limits/answer``
  /// applies.
  package func longestAnswer(extra: OptionTree) -> Int {
    let most = HTTPClient.Limits().answer
    if !(extra.json.objectValue ?? []).isEmpty { return most }
    // A token is a few bytes, six times as many if they are escaped; a log-probability repeats the token and its bytes.
    let tokens = Double(count) * Double(sampling.maxTokens) * (wantsLogProbs ? 512 : 64)
    return min(most, (4 << 20) + (Int(min(tokens, Double(most))) >> 20) << 20)
  }

  /// The body to send; beyond the common members it contains only what differs from a server's default.
  package func body(model: String, extra: OptionTree) -> JSONValue {
    var members: [JSONValue.Member] = [.init("model", .string(model)), .init("messages", messages)]
    if count != 1 { members.append(.init("n", .number(count))) }
    if let seed { members.append(.init("seed", .number(String(seed)))) }
    members.append(.init("temperature", .number(sampling.temperature)))
    // Always sent, because servers take their own defaults from the model's generation_config.json.
    members.append(.init("top_p", .number(sampling.topP)))
    if sampling.topK != 0 { members.append(.init("top_k", .number(sampling.topK))) }
    if sampling.minTokens != 0 { members.append(.init("min_tokens", .number(sampling.minTokens))) }
    // Newer models of some servers use another name for it, which is then in `extra`.
    if extra["max_completion_tokens"] == nil { members.append(.init("max_tokens", .number(sampling.maxTokens))) }
    if !sampling.stop.isEmpty { members.append(.init("stop", .array(sampling.stop.map { .string($0) }))) }
    if !sampling.stopTokens.isEmpty {
      members.append(.init("stop_token_ids", .array(sampling.stopTokens.map { .number($0) })))
    }
    if wantsLogProbs { members.append(.init("logprobs", true)) }
    if wantsTokens { members.append(.init("return_token_ids", true)) }
    if continuesLastMessage, extra["continue_final_message"] == nil, extra["add_generation_prompt"] == nil {
      members += [.init("continue_final_message", true), .init("add_generation_prompt", false)]
    }
    return .object(members + (extra.json.objectValue ?? []))
  }
}

/// What a model answered.
package struct ChatAnswer: Sendable, Hashable {
  /// One response.
  package struct Choice: Sendable, Hashable {
    package var text: String
    /// Why it ended, as the server states it.
    package var finish: String
    package var reasoning: String?
    package var tokens: [Int32]?
    package var logProbs: [Float]?
  }

  package var choices: [Choice]
  package var promptTokens: [Int32]?
  /// The number of tokens of all responses, as the server counts them; 0 if it does not.
  package var tokenCount = 0

  /// Reads an answer of a server, or a stored one.
  ///
  /// - Throws: ``Fault`` that says what is missing.
  package init(_ value: JSONValue) throws(Fault) {
    guard let choices = value["choices"]?.arrayValue else { throw Fault("it has no 'choices'") }
    if choices.isEmpty { throw Fault("its 'choices' are empty") }
    var read: [Choice] = []
    for choice in Self.inOrder(choices) { read.append(try Self.choice(choice)) }
    self.choices = read
    promptTokens = try Self.tokens(value["prompt_token_ids"])
    tokenCount = value["usage"]?["completion_tokens"]?.intValue ?? 0
  }

  /// The choices by their `index` if each has one, otherwise in the order in which they came.
  private static func inOrder(_ choices: [JSONValue]) -> [JSONValue] {
    let numbered = choices.compactMap { choice in choice["index"]?.intValue.map { (number: $0, choice: choice) } }
    if numbered.count < choices.count { return choices }
    return numbered.enumerated().sorted { ($0.element.number, $0.offset) < ($1.element.number, $1.offset) }
      .map(\.element.choice)
  }

  private static func choice(_ value: JSONValue) throws(Fault) -> Choice {
    guard let message = value["message"], message.objectValue != nil else { throw Fault("a choice has no 'message'") }
    let text =
      message["content"]?.stringValue
      ?? (message["content"]?.arrayValue ?? []).compactMap { $0["text"]?.stringValue }.joined()
    var choice = Choice(text: text, finish: value["finish_reason"]?.stringValue ?? "")
    choice.reasoning = [message["reasoning_content"], message["reasoning"]].compactMap { $0?.stringValue }
      .first { !$0.isEmpty }
    choice.tokens = try tokens(value["token_ids"])
    if let listed = value["logprobs"]?["content"]?.arrayValue {
      var numbers: [Float] = []
      for entry in listed {
        guard let number = entry["logprob"]?.doubleValue else { throw Fault("a token has no 'logprob'") }
        // A number with few bits can lie slightly above the largest value.
        guard number <= 0.01 else { throw Fault("a token's 'logprob' is \(number), above 0") }
        numbers.append(Float(number))
      }
      choice.logProbs = numbers
    }
    return choice
  }

  private static func tokens(_ value: JSONValue?) throws(Fault) -> [Int32]? {
    guard let listed = value?.arrayValue else { return nil }
    var tokens: [Int32] = []
    for entry in listed {
      guard let token = entry.intValue.flatMap(Int32.init(exactly:)), token >= 0 else {
        throw Fault("a token id is \(entry.json.shortenedForMessage)")
      }
      tokens.append(token)
    }
    return tokens
  }

  /// What is stored of it, in the form in which it came.
  package var json: JSONValue {
    let listed = choices.map { choice -> JSONValue in
      var message: [JSONValue.Member] = [.init("content", .string(choice.text))]
      if let reasoning = choice.reasoning { message.append(.init("reasoning_content", .string(reasoning))) }
      var members: [JSONValue.Member] = [
        .init("message", .object(message)), .init("finish_reason", .string(choice.finish)),
      ]
      if let tokens = choice.tokens { members.append(.init("token_ids", .array(tokens.map { .number(Int($0)) }))) }
      if let logProbs = choice.logProbs {
        let content = logProbs.map { JSONValue.object([.init("logprob", .number($0.description))]) }
        members.append(.init("logprobs", ["content": .array(content)]))
      }
      return .object(members)
    }
    var members: [JSONValue.Member] = [.init("choices", .array(listed))]
    if let tokens = promptTokens { members.append(.init("prompt_token_ids", .array(tokens.map { .number(Int($0)) }))) }
    if tokenCount > 0 { members.append(.init("usage", ["completion_tokens": .number(tokenCount)])) }
    return .object(members)
  }

  /// What is wrong with an answer.
  package struct Fault: Error {
    package let message: String
    package init(_ message: String) { self.message = message }
  }
}
