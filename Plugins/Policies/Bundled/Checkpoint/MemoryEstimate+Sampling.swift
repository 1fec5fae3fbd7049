// SPDX-License-Identifier: Apache-2.0
import ModelInput
package import PipelineCore

extension MemoryEstimate {
  /// What sampling takes beside weights when it takes most, and the responses that are then sampled together.
  ///
  /// As if every prompt of a wave were as long as it may be, and no response ended early.
  package func sampling(_ load: SamplingLoad) -> (responses: Int, promptTokens: Int, byteCount: Int) {
    let text = config.text
    let each = max(1, load.responsesPerPrompt)
    let prompts = min(max(1, load.prompts), max(1, Generator.rowsPerWave / each))
    let responses = prompts * each
    // A prompt leaves room for the longest response.
    let longestPrompt = max(1, text.contextLength - load.longestResponse)
    let (promptTokens, overflow) = prompts.multipliedReportingOverflow(by: longestPrompt)
    let tokens = overflow ? Generator.promptTokensPerWave : min(promptTokens, Generator.promptTokensPerWave)
    let width = text.layerCount * 2 * text.keyValueWidth
    let logits = responses * text.vocabularySize
    // While the prompts are computed: embeddings and rotary angles; of a layer its input, queries, keys and values, attention, the sum
    // with its input, the norm of that, gate, up and their product.
    let computingPrompts =
      tokens
      * (4 * text.hiddenSize + 2 * text.queryWidth + 2 * text.keyValueWidth + 3 * text.intermediateSize + text.headSize)
    // While responses grow: their keys and values in the smaller cache and in the larger one, and the logits that tokens were
    // drawn from; later the cache alone, and the logits before and after a step.
    let (capacity, former) = KeyValueCache.lastCapacities(limit: load.longestResponse)
    let growing = responses * (capacity + former) * width + logits
    let sampling = responses * capacity * width + 2 * logits
    return (responses, tokens, 4 * (tokens * width + max(computingPrompts, growing, sampling)))
  }

  /// The part that sampling takes, for the load that takes most; nil where nothing is sampled.
  func samplingPart(_ loads: [SamplingLoad]) -> PolicyMemory.Part? {
    let parts = loads.map { load in
      let (responses, promptTokens, byteCount) = sampling(load)
      let what = responses == 1 ? "a response" : "\(responses) responses"
      return PolicyMemory.Part(
        "sampling \(what) of up to \(load.longestResponse) tokens after prompts of up to \(promptTokens) together",
        byteCount: byteCount)
    }
    return parts.max { $0.byteCount < $1.byteCount }
  }
}
