// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Checks what chooses prompts, and what decides how many rollouts each gets.
struct SamplingUse {
  let assembly: Assembly
  let spec: PipelineSpec
  let tree: OptionTree

  /// The sampler that the source names; nil for none, or for one that cannot be used.
  func sampler() -> (sampler: (any PromptSampler)?, errors: [PipelineError]) {
    let reference = spec.source.sampler
    if reference.use.isEmpty { return (nil, []) }
    let location = reference.location ?? tree.place(of: ["source", "sampler"])
    do {
      let sampler = try assembly.sampler(reference)
      let missing = StageChain.ordered(sampler.reads.subtracting(spec.source.provides))
      if let field = missing.first {
        let fields = (spec.source.provides + missing).map { "\"\($0)\"" }.joined(separator: ", ")
        return (
          sampler,
          [
            PipelineError(
              .invalidSpec,
              "the sampler '\(reference.use)' chooses by '\(field)', a number that every prompt must carry; say "
                + "\"provides\": [\(fields)] in the source, and put it into the records", at: location)
          ]
        )
      }
      return (sampler, [])
    } catch {
      return (nil, PipelineChecker.pipelineErrors(error, at: location, making: "sampler"))
    }
  }

  /// Waves without rewards between them, and stages that ask for more prompts in the middle of a wave.
  func waveErrors(_ stages: [AssembledPipeline.NamedStage]) -> [PipelineError] {
    stages.enumerated().flatMap { index, stage -> [PipelineError] in
      guard stage.stage.waves != nil else { return [] }
      guard let last = stages.map(\.stage).lastOfWave(from: index) else {
        return [
          PipelineError(
            .invalidSpec,
            "the waves of stage '\(stage.name)' go by rewards, and no stage after it gives any; put reward behind it, or leave "
              + "'waves' out", at: stage.location)
        ]
      }
      return stages[(index + 1)...last].filter { ($0.stage.refill?.maxAttempts ?? 1) > 1 }.map { asking in
        PipelineError(
          .invalidSpec,
          "stage '\(asking.name)' asks for more prompts in the middle of a wave; put it behind '\(stages[last].name)', which "
            + "gives the rewards that waves go by, or leave max_attempts at 1", at: asking.location)
      }
    }
  }
}

extension [any Stage] {
  /// The last stage that works on each wave of rollouts that one makes, nil if none does.
  ///
  /// It is the last that scores responses before the policy is trained. One that changes rewards afterwards, such as kl-penalty, works on the whole groups.
  package func lastOfWave(from first: Int) -> Int? {
    let end = self[first...].firstIndex { $0.needs.contains(.training) || $0.reads.contains(.advantage) } ?? count
    return self[first..<end].indices.last { $0 > first && self[$0].scoresResponses }
  }
}
