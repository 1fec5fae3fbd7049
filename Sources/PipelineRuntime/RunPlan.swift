// SPDX-License-Identifier: Apache-2.0
package import PipelineCore
package import PipelineIO
package import PipelineSpec

/// Everything that a run needs to know.
package struct RunPlan: Sendable {
  /// The pipeline, in order.
  package var stages: [NamedStage]
  /// Where trajectories come from.
  package var reader: TrajectoryReader.Options
  /// How to go through records that are all read at the start; nil to take them as they come.
  package var pool: PoolPlan?
  /// What chooses among them; nil for their order, epoch after epoch.
  package var sampler: (any PromptSampler)?
  /// How the policy is trained; nil for a run without one.
  package var training: TrainingPlan?
  /// The seed of every draw.
  package var seed: UInt64
  /// The file, in the run's directory, that survivors go to; nil for none.
  package var rolloutsFile: String?
  /// Every so many steps, all rollouts are kept; nil for never.
  package var keepsAllRolloutsEvery: Int?
  /// Whether to write what became of every trajectory.
  package var writesLineage: Bool
  /// Whether a run that keeps nothing ends well.
  package var allowsEmpty = false
  /// Whether to write an event file for TensorBoard.
  package var writesTensorBoard = false
  /// The spec with every default filled in.
  package var resolved: JSONValue
  /// The places of paths in `resolved`, such as `source.prompts`: they may differ where the files are the same.
  package var pathPlaces: Set<String> = []
  /// Which images records may name.
  package var media = MediaAccess()
  /// The most threads to use.
  package var threads: Int

  /// A plan.
  package init(
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
package struct PoolPlan: Sendable, Hashable {
  /// Groups of a batch; nil for all.
  package var groups: Int?
  /// Whether each epoch has a random order of its own.
  package var isShuffled: Bool
  /// How often the records are gone through; nil for as often as asked.
  package var epochs: Int?

  /// A way through.
  package init(groups: Int?, isShuffled: Bool, epochs: Int?) {
    self.groups = groups
    self.isShuffled = isShuffled
    self.epochs = epochs
  }
}

/// How a run works with its policy.
package struct TrainingPlan: Sendable {
  /// How the policy is opened.
  package var policy: any PolicyBackend
  /// The folder that relative paths in the policy's options start from.
  package var folder: String
  /// The most steps; nil for as many as the source gives.
  package var steps: Int?
  /// What is saved on the way.
  package var checkpoints: CheckpointOptions
  /// How the policy is evaluated on the way; nil for not at all.
  package var evaluation: EvaluationPlan?

  /// A plan.
  package init(
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
package struct EvaluationPlan: Sendable {
  /// What the spec says.
  package var options: EvaluationOptions
  /// Where the prompts come from.
  package var reader: TrajectoryReader.Options
  /// The stages that score responses.
  package var scoring: [NamedStage]

  /// A plan.
  package init(options: EvaluationOptions, reader: TrajectoryReader.Options, scoring: [NamedStage]) {
    self.options = options
    self.reader = reader
    self.scoring = scoring
  }
}
