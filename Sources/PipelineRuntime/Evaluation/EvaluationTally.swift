// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Collects scored responses, in any order, and sums them up.
///
/// Responses of one group answer one question. Keeps some tens of bytes for each response.
package struct EvaluationTally: Sendable {
  /// What a response amounts to.
  private struct Observation {
    /// The score that was asked for, or `rewards.accuracy`.
    var part: Double?
    /// The weighted sum.
    var reward: Double?
    var status: RewardStatus?
    var length: Int?
    var finish: Finish

    enum Finish { case unknown, stopped, cut }
  }

  /// A question and its responses.
  private struct Question {
    var category: String?
    var observations: [Observation] = []
  }

  private let score: EvaluationScore
  private let threshold: Double
  private let category: Field?
  private var questions: [Question] = []
  private var indexOfGroup: [ExactText: Int] = [:]
  private var hasPart = false

  /// Prompts that the policy could not respond to.
  package var failedPrompts = 0
  /// Prompts that were left out because they are too long.
  package var skippedPrompts = 0

  /// An empty tally.
  ///
  /// - Parameters:
  ///   - score: Which score counts.
  ///   - threshold: From which score on a response is right.
  ///   - category: The field whose values are categories, or nil for none.
  package init(score: EvaluationScore = .automatic, threshold: Double = 1, category: Field? = nil) {
    self.score = score
    self.threshold = threshold
    self.category = category
  }

  /// Adds scored responses.
  ///
  /// - Throws: When a record can no longer be read.
  package mutating func add(_ rollouts: [Trajectory]) throws {
    for rollout in rollouts {
      let group = ExactText(rollout.group)
      let index = indexOfGroup[group] ?? questions.count
      if index == questions.count {
        indexOfGroup[group] = index
        questions.append(Question(category: try category.flatMap { try Self.name(of: $0, in: rollout) }))
      }
      let observation = try observation(of: rollout)
      hasPart = hasPart || observation.part != nil
      questions[index].observations.append(observation)
    }
  }

  /// The mean of what is there so far, for a person who waits; nil where nothing is scored.
  package var mean: Double? {
    let read = reader
    return questions.compactMap { $0.observations.compactMap(read).mean }.mean
  }

  /// The figures of all that was added.
  package var summary: EvaluationSummary {
    var summary = EvaluationSummary(
      score: scoreName, threshold: threshold, categoryField: category, overall: figures(of: questions), categories: [])
    if category != nil {
      let byName = Dictionary(grouping: questions) { $0.category.map(ExactText.init) }
      let names = byName.keys.compactMap { $0?.text }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      summary.categories = names.map { .init(name: $0, figures: figures(of: byName[ExactText($0)] ?? [])) }
      if let others = byName[nil] { summary.categories.append(.init(name: nil, figures: figures(of: others))) }
    }
    (summary.failedPrompts, summary.skippedPrompts) = (failedPrompts, skippedPrompts)
    return summary
  }

  private var scoreName: String {
    switch score {
    case .automatic: hasPart ? EvaluationScore.usualPart : Field.reward.rawValue
    case .reward: Field.reward.rawValue
    case .part(let name): name
    }
  }

  /// What takes the score from an observation.
  private var reader: (Observation) -> Double? {
    let isReward = score == .reward || score == .automatic && !hasPart
    return { isReward ? $0.reward : $0.part }
  }

  private func observation(of rollout: Trajectory) throws -> Observation {
    let name =
      switch score {
      case .automatic: EvaluationScore.usualPart
      case .reward: ""
      case .part(let name): name
      }
    let part = score == .reward ? nil : rollout.rewards?.first { ExactText($0.name) == ExactText(name) }?.score
    let finish: Observation.Finish =
      switch try rollout.finish {
      case nil: .unknown
      case GeneratedResponse.Finish.length.rawValue: .cut
      default: .stopped
      }
    return Observation(
      part: part, reward: rollout.reward, status: rollout.rewardStatus, length: try rollout.tokenCount, finish: finish)
  }

  /// The text of a category, or nil where a record has none.
  private static func name(of field: Field, in rollout: Trajectory) throws -> String? {
    guard let value = try rollout.value(of: field), value != .null else { return nil }
    return value.scalarText ?? value.json
  }

  private func figures(of questions: [Question]) -> EvaluationFigures {
    let read = reader
    var figures = EvaluationFigures()
    var lengths: [Double] = []
    var ends: [Double] = []
    var scores: [[Double]] = []
    for question in questions {
      var known: [Double] = []
      for observation in question.observations {
        if let length = observation.length { lengths.append(Double(length)) }
        if observation.finish != .unknown { ends.append(observation.finish == .cut ? 1 : 0) }
        if let score = read(observation) { known.append(score) }
        figures.outcomes.count(observation.status, hasScore: read(observation) != nil)
      }
      figures.questions += 1
      figures.responses += question.observations.count
      if known.isEmpty { figures.unscoredQuestions += 1 } else { scores.append(known) }
    }
    let means = scores.compactMap(\.mean)
    figures.mean = means.mean
    figures.interval = ConfidenceInterval(ofMeans: means, responses: figures.outcomes.scored)
    if !means.isEmpty, means.allSatisfy({ (0...1).contains($0) }) {
      figures.effectiveResponses = ConfidenceInterval.effectiveCount(
        ofMeans: means, responses: figures.outcomes.scored)
    }
    let counts = scores.map { known in (responses: known.count, right: known.count { $0 >= threshold }) }
    figures.passAtK = PassAtK.sizes(upTo: counts.map(\.responses).max() ?? 0).compactMap { PassAtK($0, of: counts) }
    figures.responseLength = lengths.mean
    figures.clipRatio = ends.mean
    return figures
  }
}

extension EvaluationFigures.Outcomes {
  fileprivate mutating func count(_ status: RewardStatus?, hasScore: Bool) {
    if hasScore {
      scored += 1
      return
    }
    switch status {
    case .abstained: abstained += 1
    case .failed: failed += 1
    case .timedOut: timedOut += 1
    case .scored, nil: absent += 1
    }
  }
}
