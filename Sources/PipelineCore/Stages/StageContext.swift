// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// What a stage may use from its environment while it works on a batch.
public struct StageContext: Sendable {
  /// The stage's name in the spec, which is its registered name unless the spec gives another.
  public let stage: String
  /// The number of the batch; in a run, the step.
  public let step: Int
  /// The seed of the run.
  public let seed: UInt64
  /// The maximum number of threads; results must not depend on it.
  public let threads: Int
  /// Collects metrics and warnings.
  public private(set) var report: StageReport
  /// What stages that work with a policy need in addition.
  public private(set) var training: TrainingContext
  /// A folder for data that outlives a run that is killed, such as answers that cost money; nil if there is none.
  ///
  /// The output of a run must not depend on its contents.
  public let cacheFolder: String?
  /// Which images records may name.
  public let media: MediaAccess
  /// Which rollouts of each prompt to make now; nil for all, outside of waves.
  public let wave: RolloutWave?
  /// Keeps trajectories from step to step.
  public let archive: any TrajectoryArchive
  /// What the stage has begun before its turn; see ``EarlyStage``.
  package private(set) var early: (any EarlyWork)?
  /// Takes the rollouts of a prompt, by its position, as soon as they are made; nil where nobody waits for them.
  package private(set) var made: (@Sendable (_ prompt: Int, _ rollouts: [Trajectory]) -> Void)?
  private let sink: any BatchSink

  /// A context for one stage and one batch.
  public init(
    stage: String, step: Int = 0, seed: UInt64 = 1, threads: Int = 1, report: StageReport = StageReport(),
    training: TrainingContext = TrainingContext(), cacheFolder: String? = nil,
    media: MediaAccess = MediaAccess(), wave: RolloutWave? = nil,
    archive: any TrajectoryArchive = MemoryArchive(), sink: any BatchSink = DiscardingBatchSink()
  ) {
    self.wave = wave
    self.archive = archive
    self.stage = stage
    self.step = step
    self.seed = seed
    self.threads = threads
    self.report = report
    self.training = training
    self.cacheFolder = cacheFolder
    self.media = media
    self.sink = sink
  }

  /// The same with what the stage has begun before its turn.
  package func with(early: any EarlyWork) -> StageContext { changed { $0.early = early } }

  /// The same, with someone who waits for rollouts.
  package func with(made: @escaping @Sendable (_ prompt: Int, _ rollouts: [Trajectory]) -> Void) -> StageContext {
    changed { $0.made = made }
  }

  /// The same with a report of its own, for work that goes on beside other work of the stage.
  package func with(report: StageReport) -> StageContext { changed { $0.report = report } }

  /// The same without progress that anybody sees, for work before the stage's turn.
  package var unobserved: StageContext { changed { $0.training = $0.training.unobserved } }

  private func changed(_ change: (inout StageContext) -> Void) -> StageContext {
    var context = self
    change(&context)
    return context
  }

  /// Random draws that belong to this stage, step and position, independent of when they are made.
  ///
  /// - Parameters:
  ///   - first: A coordinate within the step, for example a round or a group's ``groupKey(_:)``.
  ///   - second: A second coordinate.
  public func random(_ first: UInt64 = 0, _ second: UInt64 = 0) -> PhiloxGenerator {
    PhiloxGenerator(seed: seed, purpose: stage, position: (UInt64(bitPattern: Int64(step)), first, second))
  }

  /// A group's name as a coordinate of random draws, independent of the group's position in the input.
  public func groupKey(_ group: String) -> UInt64 { PhiloxGenerator.hash(group) }

  /// Writes the batch in its present state next to the run, for people to read; the stage `tap` does only this.
  public func tap(_ batch: TrajectoryBatch, name: String) async throws {
    try await sink.write(batch, name: name)
  }

  /// Keeps lines that another program wrote to its standard error, in the run's `logs`.
  ///
  /// They are not part of the reproducible output.
  public func log(_ lines: [String], name: String) async throws {
    if !lines.isEmpty { try await sink.log(lines, name: name) }
  }

  /// Applies `transform` to `0 ..< count` on up to ``threads`` threads and returns the results in order.
  ///
  /// Work is divided into chunks of a fixed size, so that nothing depends on the number of threads.
  public func concurrentMap<Result: Sendable>(
    count: Int, chunk: Int = 64, _ transform: @escaping @Sendable (Int) async throws -> Result
  ) async throws -> [Result] {
    let ranges = stride(from: 0, to: count, by: chunk).map { $0..<min($0 + chunk, count) }
    if threads == 1 || ranges.count == 1 {
      var results: [Result] = []
      results.reserveCapacity(count)
      for index in 0..<count {
        if index % chunk == 0 { try Task.checkCancellation() }
        results.append(try await transform(index))
      }
      return results
    }
    return try await withThrowingTaskGroup(of: (Int, [Result]).self) { tasks in
      var finished = [[Result]](repeating: [], count: ranges.count)
      for (position, range) in ranges.enumerated() {
        if position >= threads, let (done, results) = try await tasks.next() { finished[done] = results }
        tasks.addTask {
          try Task.checkCancellation()
          var results: [Result] = []
          for index in range { results.append(try await transform(index)) }
          return (position, results)
        }
      }
      for try await (done, results) in tasks { finished[done] = results }
      return finished.flatMap { $0 }
    }
  }
}

/// Receives batches that a stage wants to be written.
public protocol BatchSink: Sendable {
  /// Writes a batch under a name.
  func write(_ batch: TrajectoryBatch, name: String) async throws

  /// Keeps lines of a program's standard error under a name.
  func log(_ lines: [String], name: String) async throws
}

extension BatchSink {
  /// Discards them.
  public func log(_ lines: [String], name: String) async throws {}
}

/// Writes nothing.
public struct DiscardingBatchSink: BatchSink {
  /// Makes one.
  public init() {}
  /// Does nothing.
  public func write(_ batch: TrajectoryBatch, name: String) async throws {}
}

/// What a stage reports about a batch in addition to the batch: figures and warnings.
public final class StageReport: Sendable {
  /// A figure.
  public struct Metric: Sendable, Hashable {
    /// The metric's name: `area/name` as in EasyR1 and verl, or a bare name, which a run writes as `STAGE/name`.
    public let name: String
    /// Its value.
    public let value: Double
    /// How the values of several batches are combined, if a step takes several batches of prompts.
    public let combining: Combining

    /// Names a value.
    public init(name: String, value: Double, combining: Combining = .mean) {
      self.name = name
      self.value = value
      self.combining = combining
    }
  }

  /// What the figures of several batches make together.
  public enum Combining: String, Sendable, Hashable, CaseIterable {
    /// Their mean, each counting as often as trajectories arrived.
    case mean
    /// Their sum: counts.
    case sum
    /// The minimum.
    case minimum
    /// The maximum.
    case maximum
  }

  /// Something that the user should know, and what to do about it.
  public struct Warning: Sendable, Hashable {
    /// The kind of warning, in kebab-case.
    public let code: String
    /// The sentence to show.
    public let message: String
    /// How many groups or trajectories it concerns.
    public let count: Int

    /// A warning.
    public init(code: String, message: String, count: Int) {
      self.code = code
      self.message = message
      self.count = count
    }
  }

  private struct State {
    var metrics: [Metric] = []
    var warnings: [Warning] = []
  }
  private let state = Mutex(State())

  /// An empty report.
  public init() {}

  /// Adds a figure; a second one of the same name replaces the first.
  public func metric(_ name: String, _ value: Double, combining: Combining = .mean) {
    state.withLock { state in
      state.metrics.removeAll { $0.name == name }
      state.metrics.append(Metric(name: name, value: value, combining: combining))
    }
  }

  /// Adds a warning that concerns `count` things.
  public func warn(_ code: String, _ message: String, count: Int = 1) {
    state.withLock { $0.warnings.append(Warning(code: code, message: message, count: count)) }
  }

  /// Adds the figures and warnings of another report behind its own.
  package func add(_ other: StageReport) {
    for metric in other.metrics { self.metric(metric.name, metric.value, combining: metric.combining) }
    for warning in other.warnings { warn(warning.code, warning.message, count: warning.count) }
  }

  /// The figures, in the order in which they were added.
  public var metrics: [Metric] { state.withLock { $0.metrics } }

  /// The warnings, in the order in which they were added.
  public var warnings: [Warning] { state.withLock { $0.warnings } }
}
