// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// How well a policy answers a set of questions: over all of them, and by category.
package struct EvaluationSummary: Sendable, Hashable {
  /// The name of the score: `accuracy`, `reward` or another part of the rewards.
  package var score: String
  /// A response counts as right, for ``PassAtK``, from this score on.
  package var threshold: Double
  /// The field that categories are values of, or nil where nobody asked for any.
  package var categoryField: Field?
  /// The figures of all questions.
  package var overall: EvaluationFigures
  /// The figures of each category, sorted by name; the questions without the field come last.
  package var categories: [Category]
  /// Prompts that the policy could not respond to: they, or an image of theirs, cannot be used.
  package var failedPrompts = 0
  /// Prompts that were left out because they are too long.
  package var skippedPrompts = 0

  /// The questions whose category field has one value.
  package struct Category: Sendable, Hashable {
    /// The value as text; nil for questions without the field.
    package var name: String?
    /// Their figures.
    package var figures: EvaluationFigures

    /// A category.
    package init(name: String?, figures: EvaluationFigures) {
      self.name = name
      self.figures = figures
    }
  }

  /// A summary.
  package init(
    score: String, threshold: Double, categoryField: Field?, overall: EvaluationFigures, categories: [Category]
  ) {
    self.score = score
    self.threshold = threshold
    self.categoryField = categoryField
    self.overall = overall
    self.categories = categories
  }

  /// The figures by the names that metrics have: `val/accuracy`, `val/pass@4`, `val/CATEGORY/accuracy`, ….
  ///
  /// The score's name stands where `accuracy` does. A figure that is unknown is left out; questions without a category
  /// are under `none`.
  /// - Parameter prefix: What every name starts with.
  package func metrics(prefix: String = "val") -> [StageReport.Metric] {
    let prompts = [
      StageReport.Metric(name: "\(prefix)/failed_prompts", value: Double(failedPrompts)),
      StageReport.Metric(name: "\(prefix)/skipped_prompts", value: Double(skippedPrompts)),
    ]
    return overall.metrics(prefix: prefix, score: score) + prompts
      + categories.flatMap { $0.figures.metrics(prefix: "\(prefix)/\($0.name ?? "none")", score: score) }
  }
}

/// What an evaluation found out about some questions.
package struct EvaluationFigures: Sendable, Hashable {
  /// Questions with a response.
  package var questions = 0
  /// Questions none of whose responses is scored; they count in no share and in no mean of scores.
  package var unscoredQuestions = 0
  /// Responses.
  package var responses = 0
  /// What became of scoring the responses.
  package var outcomes = Outcomes()
  /// The mean over questions of each question's mean score; nil where nothing is scored.
  package var mean: Double?
  /// The 95 % interval of the mean; nil where nothing is scored, or where a single question has scores outside 0…1.
  package var interval: ConfidenceInterval?
  /// How many independent responses would tell as much; see ``ConfidenceInterval/effectiveCount(ofMeans:responses:)``.
  ///
  /// Nil where scores lie outside 0…1.
  package var effectiveResponses: Double?
  /// For k = 1, 2, 4, … and the most scored responses of a question.
  package var passAtK: [PassAtK] = []
  /// The mean number of tokens of the responses that have tokens; nil where none has.
  package var responseLength: Double?
  /// The share of responses that were cut off at the length limit, of those that say how they ended; nil where none does.
  package var clipRatio: Double?

  /// How many responses have the score, and why the others do not.
  package struct Outcomes: Sendable, Hashable {
    /// They have it.
    package var scored = 0
    /// A reward function abstained.
    package var abstained = 0
    /// A reward function failed.
    package var failed = 0
    /// A reward function did not answer in time.
    package var timedOut = 0
    /// Nothing says why.
    package var absent = 0

    /// Nothing counted.
    package init() {}

    /// Responses without the score.
    package var unscored: Int { abstained + failed + timedOut + absent }
  }

  /// Figures of nothing.
  package init() {}

  func metrics(prefix: String, score: String) -> [StageReport.Metric] {
    var metrics: [StageReport.Metric] = []
    func add(_ name: String, _ value: Double?) {
      if let value { metrics.append(.init(name: "\(prefix)/\(name)", value: value)) }
    }
    add(score, mean)
    add("\(score)_low", interval?.low)
    add("\(score)_high", interval?.high)
    for pass in passAtK { add("pass@\(pass.k)", pass.share) }
    add("response_length", responseLength)
    add("clip_ratio", clipRatio)
    add("questions", Double(questions))
    add("unscored_questions", Double(unscoredQuestions))
    add("unscored_responses", Double(outcomes.unscored))
    return metrics
  }
}
