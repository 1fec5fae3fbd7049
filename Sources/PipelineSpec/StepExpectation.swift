// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// What a step of a pipeline is expected to make, as far as the spec tells, and what a sampler remembers.
package struct StepExpectation: Sendable {
  private let pipeline: AssembledPipeline

  /// Looks at a pipeline.
  package init(_ pipeline: AssembledPipeline) { self.pipeline = pipeline }

  /// A sentence for what chooses prompts and for what makes rollouts in waves; none where the spec names neither.
  package var sentences: [String] { [sampler, waves].compactMap { $0 } }

  private var sampler: String? {
    guard let sampler = pipeline.sampler else { return nil }
    let name = type(of: sampler).name
    let bytes = sampler.bytesPerPrompt
    return "the sampler '\(name)' chooses the prompts, and remembers "
      + (bytes == 0 ? "no number for each of them" : "at most \(bytes) bytes of each")
  }

  private var waves: String? {
    guard let stage = pipeline.stages.first(where: { $0.stage.waves != nil }), let waves = stage.stage.waves else {
      return nil
    }
    let name = type(of: waves.policy).name
    let each = "\(waves.plan.first) to \(waves.plan.most) rollouts of each prompt by the waves of '\(name)'"
    guard case .groups(let groups) = pipeline.source.batch else { return "a step makes \(each)" }
    let attempts = pipeline.stages.compactMap(\.stage.refill?.maxAttempts).max() ?? 1
    let more =
      attempts > 1 ? ", and as many again each time that it takes further prompts, at most \(attempts - 1) times" : ""
    return "a step makes \(each): \(groups * waves.plan.first) to \(groups * waves.plan.most) of \(groups)\(more)"
  }
}
