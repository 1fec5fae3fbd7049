// SPDX-License-Identifier: Apache-2.0
import PipelineAnalysis
import PipelineCore
import PipelineRuntime
import Testing

@Suite("The report of an evaluation", .timeLimit(.minutes(15)))
struct EvaluationReportTests {
  /// Questions with the right responses among four, and a kind.
  private func summary(
    _ questions: [(right: Int, kind: String?)], score: Double = 1, _ change: (inout EvaluationTally) -> Void = { _ in }
  ) throws -> EvaluationSummary {
    var tally = EvaluationTally(category: Field("kind"))
    for (number, question) in questions.enumerated() {
      for index in 0..<4 {
        var response = Trajectory(id: "q\(number)/\(index)", group: "q\(number)")
        if let kind = question.kind { response.set(Field("kind"), to: .string(kind)) }
        response.set(.tokens, to: [1, 2, 3])
        response.set(.finish, to: index == 3 ? "length" : "stop")
        response.rewards = [RewardPart("accuracy", index < question.right ? score : 0)]
        try tally.add([response])
      }
    }
    change(&tally)
    return tally.summary
  }

  @Test("a row for all and one for each category")
  func table() throws {
    let summary = try summary([(4, "yes/no"), (2, "open"), (0, "open"), (1, nil)])
    #expect(
      summary.text(title: "model on test.jsonl", remark: "4 responses each, temperature 0.5, seed 1")
        == """
        model on test.jsonl  4 responses each, temperature 0.5, seed 1
          4 questions, 16 responses

                     questions  accuracy     95 % interval   pass@2   pass@4
          all                4    43.8 %   14.3 % … 78.4 %   58.3 %   75.0 %
          open               2    25.0 %    3.7 % … 74.4 %   41.7 %   50.0 %
          yes/no             1   100.0 %  20.7 % … 100.0 %  100.0 %  100.0 %
          (no kind)          1    25.0 %    1.5 % … 88.2 %   50.0 %  100.0 %

          responses: mean length 3 tokens, 25 % cut off at the limit

        """)
  }

  @Test("what has no score, or was left out, is said")
  func missing() throws {
    let summary = try summary([(4, nil), (2, nil)]) { tally in
      tally.failedPrompts = 1
      tally.skippedPrompts = 2
      for status in [RewardStatus.failed, .abstained, .abstained, .timedOut] {
        var response = Trajectory(id: "\(status)", group: "without")
        response.rewardStatus = status
        try? tally.add([response])
      }
    }
    #expect(
      summary.text(title: "m")
        == """
        m
          3 questions, 12 responses

                     questions  accuracy    95 % interval  pass@2   pass@4
          all                3    75.0 %  25.6 % … 96.3 %  91.7 %  100.0 %
          (no kind)          3    75.0 %  25.6 % … 96.3 %  91.7 %  100.0 %

          responses: mean length 3 tokens, 25 % cut off at the limit
          ▲ 4 responses without a score, which is not a score of 0: 2 abstained, 1
            failed, 1 timed out
          ▲ 1 question without any scored response, left out of accuracy and pass@k
          ▲ 1 prompt could not be used
          ▲ 2 prompts too long, left out

        """)
  }

  @Test("a narrow terminal shows what fits, and scores beyond 0…1 are plain numbers")
  func narrow() throws {
    let summary = try summary([(4, "a category with a rather long name"), (2, "b")], score: 3)
    #expect(
      summary.text(title: "m", style: TerminalStyle(width: 48, unicode: false))
        == """
        m
          2 questions, 8 responses

                            questions  accuracy  95 % interval   pass@4
          all                       2      2.25   0.78 to 3.72  100.0 %
          a categ..ng name          1         3              -  100.0 %
          b                         1       1.5              -  100.0 %
          this terminal is too narrow for all columns;
          --json has every pass@k

          responses: mean length 3 tokens, 25 % cut off
          at the limit

        """)
  }

  @Test("JSON has every figure")
  func json() throws {
    let json = try summary([(4, "yes/no"), (0, nil)]).json
    #expect(json["score"] == "accuracy")
    #expect(json["by"] == "kind")
    #expect(json["overall"]?["mean"]?.doubleValue == 0.5)
    #expect(json["overall"]?["questions"] == 2)
    #expect(json["overall"]?["clip_ratio"] == 0.25)
    #expect(json["overall"]?["pass_at_k"]?.arrayValue?.map { $0["k"] } == [1, 2, 4])
    #expect(json["categories"]?.arrayValue?.map { $0["value"] } == ["yes/no", .null])
    #expect(json["categories"]?.arrayValue?.map { $0["mean"]?.doubleValue } == [1, 0])
    #expect(try EvaluationTally().summary.json["overall"]?["mean"] == .null)
  }
}
