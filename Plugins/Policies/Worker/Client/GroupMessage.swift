// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore

/// Prompts and responses as members of a header, and arrays.
struct GroupMessage {
  var members: [JSONValue.Member]
  var payloads: [(String, WirePayload)]

  /// Prompts, with the names of their images.
  static func prompts(_ prompts: [EncodedPrompt], images: [[String]]) -> GroupMessage {
    GroupMessage(
      members: [.init("images", .array(images.map { .array($0.map { .string($0) }) }))],
      payloads: [
        ("prompt_tokens", WirePayload(prompts.flatMap(\.tokens))),
        ("prompt_lengths", WirePayload(prompts.map { Int32($0.tokens.count) })),
      ])
  }

  /// The responses of groups.
  static func responses(_ groups: [ResponseGroup]) -> [(String, WirePayload)] {
    let responses = groups.flatMap(\.responses)
    return [
      ("response_tokens", WirePayload(responses.flatMap { $0 })),
      ("response_lengths", WirePayload(responses.map { Int32($0.count) })),
      ("response_counts", WirePayload(groups.map { Int32($0.responses.count) })),
    ]
  }
}

extension [ResponseGroup] {
  /// The tokens of all responses.
  var tokenCount: Int { reduce(0) { $0 + $1.responses.reduce(0) { $0 + $1.count } } }

  /// Values of all tokens, concatenated, response by response.
  func cut(_ values: [Float]) -> [[[Float]]] {
    var start = 0
    return map { group in
      group.responses.map { response in
        defer { start += response.count }
        return [Float](values[start..<start + response.count])
      }
    }
  }
}

extension SamplingOptions {
  /// The form in requests.
  func wire(endTokens: [Int]) -> JSONValue {
    [
      "temperature": .number(temperature), "top_p": .number(topP), "top_k": .number(topK),
      "min_tokens": .number(minTokens), "max_tokens": .number(maxTokens), "stop": .array(stop.map { .string($0) }),
      "end_tokens": .array(endTokens.map { .number($0) }),
    ]
  }
}

extension OptimizerStep {
  /// The form in requests; no limit of the gradient's norm is null.
  var wire: JSONValue {
    [
      "learning_rate": .number(learningRate), "beta1": .number(beta1), "beta2": .number(beta2),
      "epsilon": .number(epsilon), "weight_decay": .number(weightDecay), "decaying": .string(decaying.rawValue),
      "vision_rate_factor": .number(visionRateFactor), "max_gradient_norm": .number(maxGradientNorm),
    ]
  }
}

extension String {
  /// The absolute path, which a process with another working folder understands too.
  var absolutePath: String { URL(fileURLWithPath: self).path }
}
