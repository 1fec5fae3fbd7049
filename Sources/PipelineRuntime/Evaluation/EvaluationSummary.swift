// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

/// How well a policy answers a set of questions: over all of them, and by category.
public struct EvaluationSummary: Sendable, Hashable {
  /// The name of the score: `accuracy`, `reward` or another part of the rewards.
  public var score: String
  /// A response counts as right, for ``PassAtK``, from this score on.
  public var threshold: Double
  /// The field that categories are values of, or nil where nobody asked for any.
  public var categoryField: Field?
  /// The figures of all questions.
  public var overall: EvaluationFigures
  /// The figures of each category, sorted by name; the questions without the field come last.
  public var categories: [Category]
  /// Prompts that the policy could not respond to: they, or an image of theirs, cannot be used.
  public var failedPrompts = 0
  /// Prompts that were left out because they are too long.
  public var skippedPrompts = 0

  /// The questions whose category field has one value.
  public struct Category: Sendable, Hashable {
    /// The value as text; nil for questions without the field.
    public var name: String?
    /// Their figures.
    public var figures: EvaluationFigures

    /// A category.
    public init(name: String?, figures: EvaluationFigures) {
      self.name = name
      self.figures = figures
    }
  }

  /// A summary.
  public init(
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
  public func metrics(prefix: String = "val") -> [StageReport.Metric] {
    let prompts = [
      StageReport.Metric(name: "\(prefix)/failed_prompts", value: Double(failedPrompts)),
      StageReport.Metric(name: "\(prefix)/skipped_prompts", value: Double(skippedPrompts)),
    ]
    return overall.metrics(prefix: prefix, score: score) + prompts
      + categories.flatMap { $0.figures.metrics(prefix: "\(prefix)/\($0.name ?? "none")", score: score) }
  }
}

/// What an evaluation found out about some questions.
public struct EvaluationFigures: Sendable, Hashable {
  /// Questions with a response.
  public var questions = 0
  /// Questions none of whose responses is scored; they count in no share and in no mean of scores.
  public var unscoredQuestions = 0
  /// Responses.
  public var responses = 0
  /// What became of scoring the responses.
  public var outcomes = Outcomes()
  /// The mean over questions of each question's mean score; nil where nothing is scored.
  public var mean: Double?
  /// The 95 % interval of the mean; nil where nothing is scored, or where a single question has scores outside 0…1.
  public var interval: ConfidenceInterval?
  /// How many independent responses would tell as much; see ``ConfidenceInterval/effectiveCount(ofMeans:responses:)``.
  ///
  /// Nil where scores lie outside 0…1.
  public var effectiveResponses: Double?
  /// For k = 1, 2, 4, … and the most scored responses of a question.
  public var passAtK: [PassAtK] = []
  /// The mean number of tokens of the responses that have tokens; nil where none has.
  public var responseLength: Double?
  /// The share of responses that were cut off at the length limit, of those that say how they ended; nil where none does.
  public var clipRatio: Double?

  /// How many responses have the score, and why the others do not.
  public struct Outcomes: Sendable, Hashable {
    /// They have it.
    public var scored = 0
    /// A reward function abstained.
    public var abstained = 0
    /// A reward function failed.
    public var failed = 0
    /// A reward function did not answer in time.
    public var timedOut = 0
    /// Nothing says why.
    public var absent = 0

    /// Nothing counted.
    public init() {}

    /// Responses without the score.
    public var unscored: Int { abstained + failed + timedOut + absent }
  }

  /// Figures of nothing.
  public init() {}

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
