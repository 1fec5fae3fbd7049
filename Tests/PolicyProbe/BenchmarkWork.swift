// SPDX-License-Identifier: Apache-2.0
import Foundation
import ModelInput
import PipelineCore

/// The prompts, responses and advantages of `work.json`, and what they take at least.
struct BenchmarkWork {
  let requests: [GenerationRequest]
  let groups: [ResponseGroup]
  let newTokens: Int
  /// Tokens of all responses.
  let tokens: Int
  let prefill: WorkCount
  let decoding: WorkCount
  let scoring: WorkCount
  let update: WorkCount
  private let advantages: [[Float]]

  init(folder: String) throws {
    let work = try JSONValue(parsing: try String(contentsOfFile: folder + "/work.json", encoding: .utf8))
    func integers(_ value: JSONValue?) -> [Int32] {
      (value?.arrayValue ?? []).compactMap(\.intValue).map { Int32($0) }
    }
    let prompts = (work["prompts"]?.arrayValue ?? []).map { prompt in
      EncodedPrompt(
        tokens: integers(prompt["tokens"]),
        images: (prompt["images"]?.arrayValue ?? []).compactMap(\.stringValue).map { ImageReference($0) },
        folder: folder)
    }
    let responses = (work["responses"]?.arrayValue ?? []).map { ($0.arrayValue ?? []).map { integers($0) } }
    groups = zip(prompts, responses).map { ResponseGroup(prompt: $0, responses: $1) }
    requests = prompts.enumerated().map { index, prompt in
      GenerationRequest(prompt: prompt, seeds: (0..<responses[index].count).map { UInt64(index * 1000 + $0) })
    }
    advantages = (work["advantages"]?.arrayValue ?? []).map {
      ($0.arrayValue ?? []).compactMap(\.doubleValue).map { Float($0) }
    }
    newTokens = work["new_tokens"]?.intValue ?? 32
    tokens = responses.reduce(0) { $0 + $1.reduce(0) { $0 + $1.count } }
    let config = try ModelConfig(folder: folder + "/model")
    (prefill, decoding) = Self.sampling(config, groups, newTokens: newTokens)
    (scoring, update) = Self.learning(config, groups)
  }

  func sampling(_ tokens: Int) -> SamplingOptions {
    var sampling = SamplingOptions()
    (sampling.minTokens, sampling.maxTokens) = (tokens, tokens)
    return sampling
  }

  /// The gradient of the clipped loss, the mean over all tokens.
  func gradient(_ place: ResponsePlace, new: [Float], old: [[[Float]]]) -> [Float] {
    let advantage = advantages[place.group][place.response]
    return zip(new, old[place.group][place.response]).map { new, old in
      let ratio = exp(new - old)
      let isClipped = advantage > 0 ? ratio > 1.2 : ratio < 0.8
      return isClipped ? 0 : -advantage * ratio / Float(tokens)
    }
  }

  /// The prompts, and then a token of each response at a time.
  private static func sampling(_ config: ModelConfig, _ groups: [ResponseGroup], newTokens: Int) -> (
    WorkCount, WorkCount
  ) {
    let model = ModelWork(config)
    var (prefill, decoding) = (model.readingWeights, Double(newTokens - 1) * model.readingWeights)
    for group in groups {
      let (prompt, responses) = (group.prompt.tokens.count, group.responses.count)
      prefill = prefill + Self.prompt(model, config, group.prompt) + model.output(rows: 1)
      let rows = responses * (newTokens - 1)
      let own = Double(responses) * model.looks(count: newTokens - 1, after: 0)
      decoding =
        decoding + model.layers(rows: rows) + model.output(rows: rows)
        + model.attention(looks: Double(rows * prompt) + own)
        // The prompt's keys and values are read once for all responses to it.
        + model.cache(looks: Double((newTokens - 1) * prompt) + own)
    }
    return (prefill, decoding)
  }

  /// All log-probabilities, and an update: three products in place of one, and seven of attention in place of two.
  private static func learning(_ config: ModelConfig, _ groups: [ResponseGroup]) -> (WorkCount, WorkCount) {
    let model = ModelWork(config)
    var (scoring, update) = (model.readingWeights, 2 * model.readingWeights + model.step)
    for group in groups {
      let prompt = group.prompt.tokens.count
      let rows = group.responses.reduce(0) { $0 + $1.count }
      let tower = model.tower(patches: patches(config, group.prompt))
      let products = model.layers(rows: prompt + rows) + model.output(rows: rows)
      let attention = model.attention(
        looks: group.responses.reduce(model.looks(count: prompt, after: 0)) {
          $0 + model.looks(count: $1.count, after: prompt)
        })
      scoring = scoring + tower + products + attention
      update = update + tower + 3 * products + 3.5 * attention
    }
    return (scoring, update)
  }

  private static func prompt(_ model: ModelWork, _ config: ModelConfig, _ prompt: EncodedPrompt) -> WorkCount {
    let count = prompt.tokens.count
    return model.tower(patches: patches(config, prompt)) + model.layers(rows: count)
      + model.attention(looks: model.looks(count: count, after: 0))
  }

  private static func patches(_ config: ModelConfig, _ prompt: EncodedPrompt) -> Int {
    guard let vision = config.vision else { return 0 }
    return prompt.tokens.count { $0 == Int32(vision.tokens.image) } * vision.spatialMergeSize * vision.spatialMergeSize
  }
}
