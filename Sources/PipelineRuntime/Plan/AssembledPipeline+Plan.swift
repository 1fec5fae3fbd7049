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
  ///
  /// - Throws: When a system or format prompt cannot be used.
  package func readerOptions(threads: Int) throws -> TrajectoryReader.Options {
    var options = TrajectoryReader.Options(paths: source.paths.map { $0.resolved(in: folder) })
    options.kind = source.prompts.paths.isEmpty ? .trajectories : .prompts
    options.format = source.format == "auto" ? nil : source.format
    options.importing.columns = Self.entries(source.columns)
    for (column, weight) in source.rewards.sorted(by: { $0.key < $1.key }) {
      options.importing.rewardColumns.append(column)
      options.importing.rewardWeights[column] = weight
    }
    options.importing.turns = source.turns == .every ? .every : .last
    options.importing.groupSize = source.groupSize
    options.shape = try promptShape()
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

  /// What is put around every prompt, in training and evaluation; nil for nothing.
  ///
  /// - Throws: When a file cannot be read, or a template is none.
  package func promptShape() throws -> PromptShape? {
    try PromptShape(
      system: source.systemPrompt.read(in: folder, key: "source.system_prompt"),
      format: source.formatPrompt.read(in: folder, key: "source.format_prompt"), key: "source.format_prompt")
  }

  private static func entries(_ columns: [String: String]) -> [ColumnMap.Entry] {
    columns.sorted { $0.key < $1.key }.map { ColumnMap.Entry(Field($0.key), column: $0.value) }
  }

  /// How to read the prompts that the policy is evaluated on; nil where the spec names none.
  ///
  /// - Throws: When a system or format prompt cannot be used.
  package func evaluationReaderOptions(threads: Int) throws -> TrajectoryReader.Options? {
    let prompts = training.evaluation.prompts.paths
    if prompts.isEmpty { return nil }
    var options = TrajectoryReader.Options(paths: prompts.map { $0.resolved(in: folder) })
    options.kind = .prompts
    try readEvaluation(with: &options)
    options.cut = .all
    options.required = source.provides
    options.requiredBy = "the source provides, so that evaluation needs them too"
    options.maxBadRecords = 0
    options.threads = threads
    return options
  }

  /// How prompts are read and asked in an evaluation.
  ///
  /// - Throws: When a system or format prompt cannot be used.
  package func readEvaluation(with options: inout TrajectoryReader.Options) throws {
    let evaluation = training.evaluation
    if evaluation.format != "auto" {
      options.format = evaluation.format
    } else {
      options.importing.columns = Self.entries(evaluation.columns.isEmpty ? source.columns : evaluation.columns)
    }
    options.shape = try promptShape()
  }

  /// Whether a run writes events for TensorBoard.
  package var writesTensorBoard: Bool {
    switch output.tensorboard {
    case .auto: needs.contains(.training)
    case .on: true
    case .off: false
    }
  }

  /// Every so many steps, a run keeps all rollouts; nil for never.
  package var keepsAllRolloutsEvery: Int? {
    switch output.allRollouts {
    case .auto: needs.contains(.generation) ? 1 : nil
    case .off: nil
    case .every(let steps): steps
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
  ///
  /// - Throws: When a system or format prompt cannot be used.
  package func trainingPlan(threads: Int) throws -> TrainingPlan? {
    guard let policy else { return nil }
    let evaluation = try evaluationReaderOptions(threads: threads).map {
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
