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

  /// A sampler that rolls prompts out to learn from them, where no stages make rollouts and score them.
  func probeErrors(_ sampler: (any PromptSampler)?, _ stages: [any Stage]) -> [PipelineError] {
    guard let sampler, sampler.probes else { return [] }
    if let first = stages.firstIndex(where: { $0.rolloutsPerPrompt != nil }), stages.lastOfWave(from: first) != nil {
      return []
    }
    return [
      PipelineError(
        .invalidSpec,
        "the sampler '\(type(of: sampler).name)' rolls prompts out to learn from them, and no stages make rollouts and score them; "
          + "put rollout and reward into the stages",
        at: spec.source.sampler.location ?? tree.place(of: ["source", "sampler"]))
    ]
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

extension SamplingUse {
  /// Replay at a place where a step would come to it several times, or where nobody would use what it brings in.
  func replayErrors(_ stages: [AssembledPipeline.NamedStage]) -> [PipelineError] {
    stages.enumerated().flatMap { index, stage -> [PipelineError] in
      guard stage.stage.replay != nil else { return [] }
      func error(_ message: String) -> PipelineError {
        PipelineError(.invalidSpec, "stage '\(stage.name)' " + message, at: stage.location)
      }
      var errors: [PipelineError] = []
      if let asking = stages[index...].first(where: { ($0.stage.refill?.maxAttempts ?? 1) > 1 }) {
        errors.append(
          error(
            "comes before '\(asking.name)', which asks for more prompts, so that a step would come to the store several times; put "
              + "it behind '\(asking.name)'"))
      }
      if let making = stages[index...].first(where: { $0.stage.needs.contains(.generation) }) {
        errors.append(
          error(
            "comes before '\(making.name)', which makes rollouts; what is replayed is one already, so put it behind"))
      }
      for (first, making) in stages[..<index].enumerated() where making.stage.waves != nil {
        guard let last = stages.map(\.stage).lastOfWave(from: first), last > index else { continue }
        errors.append(
          error(
            "stands in the middle of the waves of '\(making.name)'; put it behind '\(stages[last].name)', which gives the rewards "
              + "that waves go by"))
      }
      let trains = stages.indices.filter { stages[$0].stage.needs.contains(.training) }
      if let last = trains.last, last < index {
        errors.append(
          error(
            "comes behind '\(stages[last].name)', which trains, so that nothing that it brings in is trained on; put it before"
          ))
      }
      return errors
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
