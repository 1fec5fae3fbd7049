// SPDX-License-Identifier: Apache-2.0

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
  /// The most tokens that a prompt may have; 0 for as many as the model's context has room for.
  ///
  /// No option itself: the `rollout` stage has it beside `too_long`.
  public var maxPromptTokens = 0
  /// How the user writes the option ``maxTokens``, for messages; no option itself.
  public var nameOfMaxTokens = "sampling.max_tokens"

  private enum CodingKeys: String, CodingKey {
    case temperature, topP, topK, minTokens, maxTokens, stop, stopTokens
  }

  /// The defaults.
  public init() {}

  /// What each option means.
  public static let help = [
    "temperature": "what logits are divided by; 0 takes the most probable token every time",
    "top_p": "only the most probable tokens whose probabilities reach this sum are drawn; 1 for all",
    "top_k": "draw only from this many of the most probable tokens; 0 for all",
    "min_tokens": "no end token is drawn before this many tokens",
    "max_tokens": "a response ends at this many tokens",
    "stop": "a response ends when its text holds one of these",
    "stop_tokens": "token ids that end a response, beside the model's own end tokens",
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
