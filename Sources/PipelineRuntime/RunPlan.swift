// SPDX-License-Identifier: Apache-2.0
public import PipelineCore
public import PipelineIO
public import PipelineSpec

/// Everything that a run needs to know.
public struct RunPlan: Sendable {
  /// The pipeline, in order.
  public var stages: [NamedStage]
  /// Where trajectories come from.
  public var reader: TrajectoryReader.Options
  /// How to go through records that are all read at the start; nil to take them as they come.
  public var pool: PoolPlan?
  /// How the policy is trained; nil for a run without one.
  public var training: TrainingPlan?
  /// The seed of every draw.
  public var seed: UInt64
  /// The file, in the run's directory, that survivors go to; nil for none.
  public var rolloutsFile: String?
  /// Whether to write what became of every trajectory.
  public var writesLineage: Bool
  /// Whether to write an event file for TensorBoard.
  public var writesTensorBoard = false
  /// The spec with every default filled in.
  public var resolved: JSONValue
  /// The places of paths in `resolved`, such as `source.prompts`: they may differ where the files are the same.
  public var pathPlaces: Set<String> = []
  /// The most threads to use.
  public var threads: Int

  /// A plan.
  public init(
    stages: [NamedStage], reader: TrajectoryReader.Options, pool: PoolPlan? = nil, training: TrainingPlan? = nil,
    seed: UInt64, rolloutsFile: String?, writesLineage: Bool, resolved: JSONValue, threads: Int
  ) {
    self.stages = stages
    self.reader = reader
    self.pool = pool
    self.training = training
    self.seed = seed
    self.rolloutsFile = rolloutsFile
    self.writesLineage = writesLineage
    self.resolved = resolved
    self.threads = threads
  }

  /// What the stages use of a policy.
  var needs: Set<PolicyAbility> { stages.reduce(into: []) { $0.formUnion($1.stage.needs) } }

  /// Whether the run ends with another policy than it began with.
  var trains: Bool { training != nil && needs.contains(.training) }
}

/// How to go through records that are all read at the start.
public struct PoolPlan: Sendable, Hashable {
  /// Groups of a batch; nil for all.
  public var groups: Int?
  /// Whether each epoch has a random order of its own.
  public var isShuffled: Bool
  /// How often the records are gone through; nil for as often as asked.
  public var epochs: Int?

  /// A way through.
  public init(groups: Int?, isShuffled: Bool, epochs: Int?) {
    self.groups = groups
    self.isShuffled = isShuffled
    self.epochs = epochs
  }
}

/// How a run works with its policy.
public struct TrainingPlan: Sendable {
  /// How the policy is opened.
  public var policy: any PolicyBackend
  /// The folder that relative paths in the policy's options start from.
  public var folder: String
  /// The most steps; nil for as many as the source gives.
  public var steps: Int?
  /// What is saved on the way.
  public var checkpoints: CheckpointOptions
  /// How the policy is evaluated on the way; nil for not at all.
  public var evaluation: EvaluationPlan?

  /// A plan.
  public init(
    policy: any PolicyBackend, folder: String, steps: Int?, checkpoints: CheckpointOptions,
    evaluation: EvaluationPlan?
  ) {
    self.policy = policy
    self.folder = folder
    self.steps = steps
    self.checkpoints = checkpoints
    self.evaluation = evaluation
  }
}

/// How a policy is evaluated while it is trained.
public struct EvaluationPlan: Sendable {
  /// What the spec says.
  public var options: EvaluationOptions
  /// Where the prompts come from.
  public var reader: TrajectoryReader.Options
  /// The stages that score responses.
  public var scoring: [NamedStage]

  /// A plan.
  public init(options: EvaluationOptions, reader: TrajectoryReader.Options, scoring: [NamedStage]) {
    self.options = options
    self.reader = reader
    self.scoring = scoring
  }
}
