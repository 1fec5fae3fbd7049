// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Scores every trajectory with reward functions; the reward is the weighted sum of their scores.
///
/// The raw scores are kept in `rewards` under each function's name, and a function's own parts as
/// `function/part`. A function that throws, that gives a score which is not finite, or that lacks a field it
/// reads, fails that trajectory; one may abstain, or not answer in time. Where any function with a weight does
/// not score, the trajectory has no reward, which is not a reward of 0; scores of the others stay in `rewards`.
/// `reward_status` says which it was: failed before timed out before abstained. Nothing is dropped here.
///
/// Metrics, named as in EasyR1: the means `reward/overall` and `reward/<part>` over the trajectories with that score,
/// `critic/score/mean`, `max` and `min`, and under `reward_status` how many were `scored`, `abstained`, `failed`,
/// `timed_out` and `already_scored`.
public struct RewardStage: Stage {
  /// `reward`.
  public static let name = "reward"
  /// What `describe` says.
  public static let summary = "Scores trajectories with the weighted sum of reward functions"

  /// The scores, and what became of them.
  public let writes: Set<Field> = [.reward, .rewards, .rewardStatus]
  private let functions: [WeightedReward]
  private let existing: Existing

  /// Makes the stage and its reward functions.
  public init(options: Options = Options(), assembly: Assembly) throws {
    functions = try PipelineErrors.gather(options.functions) { function in
      WeightedReward(
        name: function.partName, weight: function.weight, reward: try assembly.reward(function.reference))
    }
    existing = options.existing
  }

  /// What the functions read.
  public var reads: Set<Field> { functions.reduce(into: []) { $0.formUnion($1.reward.reads) } }

  /// `reward`, where existing ones are kept.
  public var readsIfPresent: Set<Field> { existing == .keep ? [.reward] : [] }

  /// Scores the batch, on as many threads as the context allows.
  ///
  /// - Throws: When the run is cancelled.
  public func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {
    let judged = try await judgements(of: batch, context)
    var tally = RewardTally(functions: functions.map(\.name))
    for (position, judgement) in judged.enumerated() {
      guard let judgement else {
        tally.keep(batch[position].reward)
        continue
      }
      tally.add(judgement, of: batch[position].id)
      batch[position].reward = judgement.reward
      batch[position].rewards = judgement.parts.isEmpty ? nil : judgement.parts
      batch[position].rewardStatus = judgement.status
    }
    tally.write(to: context.report)
  }

  /// Closes the functions.
  public func close() async {
    for function in functions { await function.reward.close() }
  }

  private func judgements(of batch: TrajectoryBatch, _ context: StageContext) async throws -> [Judgement?] {
    let judged = batch.trajectories.indices.filter { existing == .replace || batch[$0].reward == nil }
    var known: [Int: [WeightedReward.Verdict]] = [:]
    for (index, function) in functions.enumerated() {
      known[index] = try await function.judge(judged.map { batch[$0] }, in: context)
    }
    var judgements = [Judgement?](repeating: nil, count: batch.count)
    let made = try await context.concurrentMap(count: judged.count) { [functions, known] number in
      var judgement = Judgement()
      for (index, function) in functions.enumerated() {
        let verdict =
          if let known = known[index] { known[number] } else { try await function.judge(batch[judged[number]]) }
        judgement.add(verdict, of: function, index: index)
      }
      return judgement
    }
    for (position, judgement) in zip(judged, made) { judgements[position] = judgement }
    return judgements
  }
}

/// A reward function and its part of the sum.
struct WeightedReward: Sendable {
  let name: String
  let weight: Double
  let reward: any RewardFunction
  private let reads: [Field]

  init(name: String, weight: Double, reward: any RewardFunction) {
    self.name = name
    self.weight = weight
    self.reward = reward
    self.reads = reward.reads.sorted { $0.rawValue < $1.rawValue }
  }

  /// What a function made of a trajectory.
  enum Verdict: Sendable {
    case scored(Double, [RewardPart])
    case unscored(RewardStatus, reason: String)
  }

  /// Judges a trajectory; throws only when the run is cancelled.
  func judge(_ trajectory: Trajectory) async throws -> Verdict {
    if let gap = gap(in: trajectory) { return gap }
    do {
      let outcome = try await reward.score(trajectory)
      return try verdict(.success(outcome))
    } catch {
      return try verdict(.failure(error))
    }
  }

  /// Judges many at once; nil for a function that judges one at a time.
  ///
  /// - Throws: When the run is cancelled, or the function says that it must end.
  func judge(_ trajectories: [Trajectory], in context: StageContext) async throws -> [Verdict]? {
    guard let reward = reward as? any BatchRewardFunction else { return nil }
    var verdicts = trajectories.map { gap(in: $0) }
    let asked = verdicts.indices.filter { verdicts[$0] == nil }
    let outcomes = try await reward.scores(of: asked.map { trajectories[$0] }, in: context)
    guard outcomes.count == asked.count else {
      throw PipelineError(
        .plugIn, "reward '\(name)' returned \(outcomes.count) outcomes for \(asked.count) trajectories")
    }
    for (position, outcome) in zip(asked, outcomes) { verdicts[position] = try verdict(outcome) }
    return verdicts.compactMap { $0 }
  }

  /// The verdict on a trajectory that lacks something; nil where it has all.
  private func gap(in trajectory: Trajectory) -> Verdict? {
    reads.first { !trajectory.has($0) }.map { .unscored(.failed, reason: "has no '\($0)'") }
  }

  private func verdict(_ outcome: Result<RewardOutcome, any Error>) throws -> Verdict {
    do {
      switch try outcome.get() {
      case .scored(let score, let parts):
        guard score.isFinite, parts.allSatisfy(\.score.isFinite) else {
          return .unscored(.failed, reason: "scored \(score), or a part of it, which is not finite")
        }
        return .scored(score, parts)
      case .abstained(let reason): return .unscored(.abstained, reason: reason)
      }
    } catch let error as CancellationError {
      throw error
    } catch let timeout as RewardTimeout {
      return .unscored(.timedOut, reason: timeout.description)
    } catch {
      return .unscored(.failed, reason: "\(error)")
    }
  }
}

/// What all functions together made of a trajectory.
struct Judgement: Sendable {
  /// A function that did not score.
  struct Gap: Sendable {
    let function: Int
    let status: RewardStatus
    let reason: String
  }

  private(set) var parts: [RewardPart] = []
  private(set) var gaps: [Gap] = []
  private(set) var status = RewardStatus.scored
  private var sum = 0.0

  /// The weighted sum, where every function that counts has scored.
  var reward: Double? { status == .scored ? sum : nil }

  mutating func add(_ verdict: WeightedReward.Verdict, of function: WeightedReward, index: Int) {
    switch verdict {
    case .scored(let score, let own):
      sum += function.weight * score
      parts.append(RewardPart(function.name, score))
      parts += own.map { RewardPart("\(function.name)/\($0.name)", $0.score) }
      if !sum.isFinite { status = .failed }
    case .unscored(let status, let reason):
      gaps.append(Gap(function: index, status: status, reason: reason))
      if function.weight != 0, Self.severity(status) > Self.severity(self.status) { self.status = status }
    }
  }

  private static func severity(_ status: RewardStatus) -> Int {
    switch status {
    case .scored: 0
    case .abstained: 1
    case .timedOut: 2
    case .failed: 3
    }
  }
}
