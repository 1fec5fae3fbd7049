// SPDX-License-Identifier: Apache-2.0
public import PipelineCore
public import PipelineIO

/// Hears how a run gets on.
public protocol RunObserver: Sendable {
  /// Something was read or done.
  ///
  /// - Parameter share: The share of the run that is done, or nil when it is unknown.
  func progressed(step: Int, activity: String, share: Double?)
  /// A stage has something to say that a person would want to know.
  func warned(step: Int, stage: String, _ warning: StageReport.Warning)
  /// A line of the input cannot be used.
  func found(_ badRecord: BadRecord)
  /// A step has ended.
  func stepEnded(_ report: StepReport)
  /// The policy was evaluated, before the first step or after one.
  func evaluated(steps: Int, _ metrics: [StageReport.Metric])
  /// A checkpoint was saved.
  func saved(checkpoint: String)
}

/// Hears nothing.
public struct SilentObserver: RunObserver {
  /// An observer.
  public init() {}
}

extension RunObserver {
  /// Nothing.
  public func progressed(step: Int, activity: String, share: Double?) {}
  /// Nothing.
  public func warned(step: Int, stage: String, _ warning: StageReport.Warning) {}
  /// Nothing.
  public func found(_ badRecord: BadRecord) {}
  /// Nothing.
  public func stepEnded(_ report: StepReport) {}
  /// Nothing.
  public func evaluated(steps: Int, _ metrics: [StageReport.Metric]) {}
  /// Nothing.
  public func saved(checkpoint: String) {}
}

/// A step that has ended.
public struct StepReport: Sendable {
  /// The step, from 0.
  public let step: Int
  /// How many steps there will be; nil when nobody knows.
  public let steps: Int?
  /// The numbers of its line in `metrics.jsonl`.
  public let metrics: [String: Double]
  /// How long it took.
  public let seconds: Double
}

/// What a run did.
public struct RunSummary: Sendable {
  /// One stage's share in it.
  public struct StageCount: Sendable {
    /// The stage's name.
    public let name: String
    /// Trajectories that arrived.
    public var arrived = 0
    /// Trajectories that left.
    public var left = 0
    /// How many each rule dropped.
    public var dropped: [String: Int] = [:]
    /// How many trajectories got no reward because a reward function failed or was too late.
    public var failed = 0
    /// What it said about the first of them; nil where there was none.
    public var firstFailure: String?
    /// Time spent, in seconds.
    public var seconds = 0.0
  }

  /// The steps, those of an earlier part of the run included.
  public var steps = 0
  /// The steps that were complete before this part of the run.
  public var stepsBefore = 0
  /// What the reader counted.
  public var counts = TrajectoryReader.Counts()
  /// The stages, in order.
  public var stages: [StageCount]
  /// The newest checkpoint's folder; nil for a run that trains nothing.
  public var checkpoint: String?
  /// The folder of the checkpoint that evaluated best; nil where none was evaluated.
  public var bestCheckpoint: String?
  /// The evaluations of this part of the run, in order.
  public var evaluations: [Evaluation] = []

  /// An evaluation on prompts that are not trained on.
  public struct Evaluation: Sendable, Hashable {
    /// The steps behind the policy.
    public let steps: Int
    /// The figures: `val/accuracy`, `val/accuracy_low`, ….
    public let metrics: [StageReport.Metric]
  }
}
