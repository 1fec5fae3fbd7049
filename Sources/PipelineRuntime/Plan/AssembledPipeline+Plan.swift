// SPDX-License-Identifier: Apache-2.0
package import PipelineCore
package import PipelineIO
package import PipelineSpec

extension AssembledPipeline {
  /// The stages under their names.
  package var namedStages: [PipelineRuntime.NamedStage] { stages.map { .init(name: $0.name, stage: $0.stage) } }

  /// Which images records may name.
  package var mediaAccess: MediaAccess {
    MediaAccess(roots: source.imageRoots.map { $0.resolved(in: folder) }, hosts: source.imageHosts)
  }

  /// How to read the source, from the working folder.
  package func readerOptions(threads: Int) -> TrajectoryReader.Options {
    var options = TrajectoryReader.Options(paths: source.paths.map { $0.resolved(in: folder) })
    options.kind = source.prompts.paths.isEmpty ? .trajectories : .prompts
    options.format = source.format == "auto" ? nil : source.format
    options.cut =
      switch source.batch {
      case .auto: .automatic
      case .all: .all
      case .groups(let count): .groups(count)
      case .by(let field): .field(field)
      }
    options.firstBatch = source.firstBatch
    options.groupBy = source.groupBy
    options.required = source.provides
    if case .atMost(let limit) = source.maxBadRecords {
      options.maxBadRecords = limit
    } else {
      options.maxBadRecords = nil
    }
    options.threads = threads
    return options
  }

  /// How to read the prompts that the policy is evaluated on; nil where the spec names none.
  package func evaluationReaderOptions(threads: Int) -> TrajectoryReader.Options? {
    let prompts = training.evaluation.prompts.paths
    if prompts.isEmpty { return nil }
    var options = TrajectoryReader.Options(paths: prompts.map { $0.resolved(in: folder) })
    options.kind = .prompts
    options.cut = .all
    options.required = source.provides
    options.requiredBy = "the source provides, so that evaluation needs them too"
    options.maxBadRecords = 0
    options.threads = threads
    return options
  }

  /// Whether a run writes events for TensorBoard.
  package var writesTensorBoard: Bool {
    switch output.tensorboard {
    case .auto: needs.contains(.training)
    case .on: true
    case .off: false
    }
  }

  /// How to go through the records; nil to take them as they come.
  package var poolPlan: PoolPlan? {
    guard source.isPooled else { return nil }
    var groups: Int?
    if case .groups(let count) = source.batch { groups = count }
    let epochs = source.epochs > 0 ? source.epochs : training.steps > 0 ? nil : 1
    return PoolPlan(groups: groups, isShuffled: source.isShuffled, epochs: epochs)
  }

  /// How the policy is trained and evaluated; nil where the spec names none.
  package func trainingPlan(threads: Int) -> TrainingPlan? {
    guard let policy else { return nil }
    let evaluation = evaluationReaderOptions(threads: threads).map {
      EvaluationPlan(options: training.evaluation, reader: $0, scoring: scoringStages)
    }
    return TrainingPlan(
      policy: policy, folder: folder, steps: training.steps > 0 ? training.steps : nil,
      checkpoints: training.checkpoints, evaluation: evaluation)
  }

  /// The stages that score responses: those that write rewards and need none.
  package var scoringStages: [PipelineRuntime.NamedStage] {
    namedStages.filter(\.stage.scoresResponses)
  }
}
