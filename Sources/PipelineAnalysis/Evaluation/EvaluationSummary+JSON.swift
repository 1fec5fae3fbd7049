// SPDX-License-Identifier: Apache-2.0
package import PipelineCore
package import PipelineRuntime

extension EvaluationSummary {
  /// Everything that ``text(title:style:)`` shows, and more, as JSON; unknown values are `null`.
  package var json: JSONValue {
    var members: [JSONValue.Member] = [
      .init("score", .string(score)), .init("threshold", .number(threshold)),
      .init("failed_prompts", .number(failedPrompts)), .init("skipped_prompts", .number(skippedPrompts)),
      .init("overall", overall.json(score: score)),
    ]
    if let categoryField {
      members.append(.init("by", .string(categoryField.rawValue)))
      members.append(
        .init(
          "categories",
          .array(
            categories.map { category in
              let name: JSONValue.Member = .init("value", category.name.map { .string($0) } ?? .null)
              return .object([name] + (category.figures.json(score: score).objectValue ?? []))
            })))
    }
    return .object(members)
  }
}

extension EvaluationFigures {
  fileprivate func json(score: String) -> JSONValue {
    func number(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }
    return [
      "questions": .number(questions),
      "unscored_questions": .number(unscoredQuestions),
      "responses": .number(responses),
      "scored": .number(outcomes.scored),
      "abstained": .number(outcomes.abstained),
      "failed": .number(outcomes.failed),
      "timed_out": .number(outcomes.timedOut),
      "without_score": .number(outcomes.absent),
      "mean": number(mean),
      "low": number(interval?.low),
      "high": number(interval?.high),
      "effective_responses": number(effectiveResponses),
      "pass_at_k": .array(
        passAtK.map {
          [
            "k": .number($0.k), "share": .number($0.share), "low": .number($0.interval.low),
            "high": .number($0.interval.high), "questions": .number($0.questions),
          ]
        }),
      "response_length": number(responseLength),
      "clip_ratio": number(clipRatio),
    ]
  }
}
