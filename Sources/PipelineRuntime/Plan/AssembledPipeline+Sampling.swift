// SPDX-License-Identifier: Apache-2.0
package import PipelineCore
package import PipelineSpec

extension AssembledPipeline {
  /// What is sampled at a time, by each stage that makes rollouts and by the evaluation.
  package var samplingLoads: [SamplingLoad] {
    var loads = stages.compactMap { stage -> SamplingLoad? in
      guard let longest = stage.stage.longestResponse else { return nil }
      var prompts = stage.stage.promptsAtOnce ?? .max
      // Groups that have waited are sampled together with the prompts of a batch.
      let batches = stage.stage.waves?.policy.waits == true ? 2 : 1
      if case .groups(let groups) = source.batch { prompts = min(prompts, batches * groups) }
      let each = stage.stage.waves.map { max($0.plan.most, $0.besides) } ?? stage.stage.rolloutsPerPrompt ?? 1
      return SamplingLoad(prompts: prompts, responsesPerPrompt: each, longestResponse: longest)
    }
    let evaluation = training.evaluation
    if !evaluation.prompts.paths.isEmpty {
      let chunk = Evaluator.Options().chunk
      loads.append(
        SamplingLoad(
          prompts: evaluation.limit > 0 ? min(chunk, evaluation.limit) : chunk, responsesPerPrompt: evaluation.samples,
          longestResponse: evaluation.sampling.maxTokens))
    }
    return loads
  }
}
