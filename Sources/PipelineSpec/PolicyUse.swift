// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Checks what a run would refuse only once its model is open: rollouts of rollouts, evaluations that nothing scores,
/// responses that are longer than the model's context.
struct PolicyUse {
  let stages: [AssembledPipeline.NamedStage]
  let policy: (any PolicyBackend)?
  let spec: PipelineSpec
  let tree: OptionTree
  let folder: String

  private var evaluates: Bool { !spec.training.evaluation.prompts.paths.isEmpty }
  private var evaluationPlace: SourceLocation { tree.place(of: ["training", "evaluation"]) }

  /// All that is wrong.
  var errors: [PipelineError] { rollouts + scoring + scoreNames + lengths }

  /// A second stage that makes rollouts.
  private var rollouts: [PipelineError] {
    let making = stages.filter { $0.stage.needs.contains(.generation) && $0.stage.writes.contains(.response) }
    return making.dropFirst().map { second in
      PipelineError(
        .invalidSpec,
        "stage '\(second.name)' makes rollouts of prompts, but '\(making[0].name)' before it has made rollouts of them already; "
          + "leave one of the two out; a first and a second part of each group are one stage with 'waves'",
        at: second.location)
    }
  }

  /// An evaluation without a stage that scores.
  private var scoring: [PipelineError] {
    guard evaluates, !stages.contains(where: { $0.stage.scoresResponses }) else { return [] }
    return [
      PipelineError(
        .invalidSpec,
        "'training.evaluation' has nothing to score responses with; add a stage that writes 'reward' and needs no policy, such "
          + "as reward", at: evaluationPlace)
    ]
  }

  /// The score of an evaluation that no stage writes.
  private var scoreNames: [PipelineError] {
    let score = spec.training.evaluation.score
    guard evaluates, !score.isEmpty, score != Field.reward.rawValue else { return [] }
    let scoring = stages.map(\.stage).filter(\.scoresResponses)
    guard !scoring.isEmpty, let known = StageChain.scores(of: scoring), !StageChain.names(score, in: known) else {
      return []
    }
    return [
      PipelineError(
        .invalidSpec, "'training.evaluation.score': " + StageChain.unknown(score, known: known), at: evaluationPlace)
    ]
  }

  /// Responses that leave no room for a prompt.
  private var lengths: [PipelineError] {
    guard let policy, let context = policy.contextLength(in: folder) else { return [] }
    func fault(_ length: Int, _ option: String, at place: SourceLocation) -> PipelineError? {
      if length < context { return nil }
      return PipelineError(
        .invalidSpec,
        "responses of \(length) tokens leave no room for a prompt in the model's context of \(context); lower \(option)",
        at: place)
    }
    var errors = stages.compactMap { stage in
      stage.stage.longestResponse.flatMap { fault($0, "stages.\(stage.name).sampling.max_tokens", at: stage.location) }
    }
    if evaluates,
      let error = fault(
        spec.training.evaluation.sampling.maxTokens, "training.evaluation.sampling.max_tokens", at: evaluationPlace)
    {
      errors.append(error)
    }
    return errors
  }
}

extension Stage {
  /// Whether the stage scores the responses of an evaluation: it writes rewards, and needs neither any nor a policy.
  package var scoresResponses: Bool {
    writes.contains(.reward) && needs.isEmpty && reads.isDisjoint(with: [.reward, .advantage])
  }
}
