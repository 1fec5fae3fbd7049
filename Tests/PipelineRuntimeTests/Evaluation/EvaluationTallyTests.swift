// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineRuntime
import Testing

@Suite("Summing up an evaluation", .timeLimit(.minutes(15)))
struct EvaluationTallyTests {
  /// A response with an accuracy, or without one and why.
  private func response(
    _ group: String, _ index: Int, accuracy: Double?, status: RewardStatus = .scored, tokens: Int = 2,
    finish: String? = "stop", fields: KeyValuePairs<Field, JSONValue> = [:]
  ) -> Trajectory {
    var response = Trajectory(id: "\(group)/\(index)", group: group, fields: fields)
    if let accuracy {
      response.rewards = [RewardPart("accuracy", accuracy), RewardPart("format", 1)]
      response.reward = 0.9 * accuracy + 0.1
    }
    response.rewardStatus = status
    response.set(.tokens, to: .array((0..<tokens).map { .number($0) }))
    if let finish { response.set(.finish, to: .string(finish)) }
    return response
  }

  /// The responses of questions with given means, eight each.
  private func responses(means: [Double]) -> [Trajectory] {
    means.enumerated().flatMap { question, mean in
      (0..<8).map { response("q\(question)", $0, accuracy: Double($0) < mean * 8 ? 1 : 0) }
    }
  }

  private func figures(_ responses: [Trajectory], score: EvaluationScore = .automatic) throws -> EvaluationFigures {
    var tally = EvaluationTally(score: score)
    try tally.add(responses)
    return tally.summary.overall
  }

  @Test("accuracy, interval and pass@k of ten questions with eight responses each")
  func example() throws {
    let figures = try figures(responses(means: EvaluationStatisticsTests.means))
    #expect(figures.questions == 10)
    #expect(figures.responses == 80)
    #expect(figures.outcomes.scored == 80)
    #expect(figures.mean == 0.5375)
    #expect(figures.passAtK.map(\.k) == [1, 2, 4, 8])
    #expect(figures.passAtK.map(\.questions) == [10, 10, 10, 10])
    // NumPy and math.comb; the intervals are statsmodels' Wilson at min(max(Q p (1 − p) / s², Q), Q (8 / k)).
    let expected = [
      (0.5375, 0.32814989627647356, 0.734413016953336), (0.6892857142857143, 0.45560447940592275, 0.854658411992297),
      (0.8185714285714287, 0.5559231582531627, 0.942065666562901), (0.9, 0.5958499732047614, 0.982123786904927),
    ]
    for (pass, (share, low, high)) in zip(figures.passAtK, expected) {
      #expect(abs(pass.share - share) < 1e-12)
      #expect(abs(pass.interval.low - low) < 1e-12)
      #expect(abs(pass.interval.high - high) < 1e-12)
    }
    #expect(figures.interval == figures.passAtK[0].interval)
  }

  @Test("a response without a score is counted as what it is, and never as 0")
  func unscored() throws {
    let figures = try figures([
      response("a", 0, accuracy: 1), response("a", 1, accuracy: nil, status: .failed),
      response("a", 2, accuracy: nil, status: .abstained), response("b", 0, accuracy: 0),
      response("b", 1, accuracy: 1), response("b", 2, accuracy: 0), response("c", 0, accuracy: nil, status: .timedOut),
      response("c", 1, accuracy: nil),
    ])
    #expect(figures.questions == 3)
    #expect(figures.unscoredQuestions == 1)
    #expect(figures.responses == 8)
    #expect(figures.outcomes.scored == 4)
    #expect(figures.outcomes.failed == 1)
    #expect(figures.outcomes.abstained == 1)
    #expect(figures.outcomes.timedOut == 1)
    #expect(figures.outcomes.absent == 1)
    #expect(figures.outcomes.unscored == 4)
    // The mean over questions, not over responses: (1 + 1/3) / 2.
    #expect(abs((figures.mean ?? 0) - 2.0 / 3) < 1e-12)
    #expect(figures.passAtK.map(\.k) == [1, 2, 3])
    #expect(figures.passAtK.map(\.questions) == [2, 1, 1])
    #expect(abs(figures.passAtK[1].share - 2.0 / 3) < 1e-12)
    let nothing = try self.figures([response("a", 0, accuracy: nil, status: .failed)])
    #expect(nothing.mean == nil)
    #expect(nothing.interval == nil)
    #expect(nothing.passAtK == [])
    #expect(try self.figures([]) == EvaluationFigures())
  }

  @Test("lengths and cut-off responses")
  func lengths() throws {
    let found = try figures([
      response("a", 0, accuracy: 1, tokens: 4, finish: "length"), response("a", 1, accuracy: 1, tokens: 1),
      response("b", 0, accuracy: nil, tokens: 4, finish: "length"), response("b", 1, accuracy: 1, tokens: 2),
      response("b", 2, accuracy: 1, tokens: 9, finish: nil),
    ])
    #expect(found.responseLength == 4)
    #expect(found.clipRatio == 0.5)
    let bare = try figures([Trajectory(id: "a/0", group: "a", reward: 1)])
    #expect(bare.responseLength == nil)
    #expect(bare.clipRatio == nil)
  }

  @Test("the score is accuracy where there is one, else the reward, or the one asked for")
  func scores() throws {
    func score(_ score: EvaluationScore, _ responses: [Trajectory]) throws -> String {
      var tally = EvaluationTally(score: score)
      try tally.add(responses)
      #expect(tally.mean == tally.summary.overall.mean)
      return "\(tally.summary.score) \(tally.mean.map { "\($0)" } ?? "unknown")"
    }
    let both = [response("a", 0, accuracy: 0), response("b", 0, accuracy: 1)]
    #expect(try score(.automatic, both) == "accuracy 0.5")
    #expect(try score(.reward, both) == "reward 0.55")
    #expect(try score(EvaluationScore(name: "reward"), both) == "reward 0.55")
    #expect(try score(EvaluationScore(name: "format"), both) == "format 1.0")
    #expect(try score(EvaluationScore(name: "formal"), both) == "formal unknown")
    let plain = [Trajectory(id: "a/0", group: "a", reward: 3), Trajectory(id: "b/0", group: "b", reward: 1)]
    #expect(try score(.automatic, plain) == "reward 2.0")
  }

  @Test("right is what reaches the threshold")
  func threshold() throws {
    let responses = [response("a", 0, accuracy: 0.5), response("a", 1, accuracy: 0.25)]
    var tally = EvaluationTally(threshold: 0.5)
    try tally.add(responses)
    #expect(tally.summary.overall.passAtK.map(\.share) == [0.5, 1])
    #expect(try figures(responses).passAtK.map(\.share) == [0, 0])
    #expect(try figures(responses).mean == 0.375)
  }

  @Test("each category has its own figures, those without one come last, and metrics are named after them")
  func categories() throws {
    var tally = EvaluationTally(category: Field("kind"))
    try tally.add([
      response("a", 0, accuracy: 1, fields: [Field("kind"): "open"]), response("b", 0, accuracy: 0),
      response("c", 0, accuracy: 1, fields: [Field("kind"): 7]),
      response("d", 0, accuracy: 0, fields: [Field("kind"): "open"]),
      response("e", 0, accuracy: 0, fields: [Field("kind"): .null]),
    ])
    try tally.add([response("a", 1, accuracy: 1, fields: [Field("kind"): "open"])])
    tally.skippedPrompts = 2
    let summary = tally.summary
    #expect(summary.categories.map(\.name) == ["7", "open", nil])
    #expect(summary.categories.map(\.figures.questions) == [1, 2, 2])
    #expect(summary.categories.map(\.figures.mean) == [1, 0.5, 0])
    #expect(summary.overall.questions == 5)
    #expect(summary.overall.mean == 0.4)
    let metrics = summary.metrics()
    #expect(
      metrics.prefix(11).map(\.name) == [
        "val/accuracy", "val/accuracy_low", "val/accuracy_high", "val/pass@1", "val/pass@2", "val/response_length",
        "val/clip_ratio", "val/questions", "val/unscored_questions", "val/unscored_responses", "val/failed_prompts",
      ])
    let values = Dictionary(uniqueKeysWithValues: metrics.map { ($0.name, $0.value) })
    #expect(values["val/accuracy"] == 0.4)
    #expect(values["val/open/accuracy"] == 0.5)
    #expect(values["val/7/accuracy"] == 1)
    #expect(values["val/none/accuracy"] == 0)
    #expect(values["val/open/pass@2"] == 1)
    #expect(values["val/skipped_prompts"] == 2)
    #expect(values["val/response_length"] == 2)
    #expect(summary.metrics(prefix: "test").first?.name == "test/accuracy")
  }
}
