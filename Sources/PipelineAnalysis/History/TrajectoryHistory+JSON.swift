// SPDX-License-Identifier: Apache-2.0
package import PipelineCore
import PipelineRuntime

extension TrajectoryHistory {
  /// The facts and the sentences of ``text(style:)``, as JSON.
  package var json: JSONValue {
    [
      "id": .string(id), "run": .string(run), "trained_on": .number(timesTrainedOn),
      "steps": .array(steps.map { Self.json($0, glances[$0.step]) }),
      "bad_records": .array(
        badRecords.map {
          [
            "file": .string($0.location.file), "line": .number($0.location.line),
            "column": .number($0.location.column), "reason": .string($0.reason),
          ]
        }), "unexplained": .array(unexplained.map { .string($0) }),
    ]
  }

  private static func json(_ step: Step, _ rollout: RolloutGlance?) -> JSONValue {
    let entry = step.entry
    let rewards = step.facts.rewards
    let place = entry.reward.map { step.facts.place(of: $0) }
    var members: [JSONValue.Member] = [
      .init("step", .number(step.step)), .init("trained_on", .number(step.timesTrainedOn)),
      .init("reward", number(entry.reward)),
      .init("reward_status", entry.rewardStatus.map { .string($0) } ?? .null),
      .init("rewards", .object(entry.rewards.map { .init($0.name, .number($0.score)) })),
      .init(
        "group",
        [
          "name": .string(entry.group), "size": .number(step.facts.members.count),
          "scored": .number(rewards.count),
          "mean": rewards.count > 0 ? .number(rewards.mean) : .null, "std": number(rewards.standardDeviation),
          "rank": place.map { .number($0.rank) } ?? .null,
          "tied_with": place.map { .number($0.tiedWith) } ?? .null,
        ]), .init("advantage", number(entry.advantage)),
    ]
    if let reason = entry.rewardReason { members.append(.init("reward_reason", .string(reason))) }
    if let pair = entry.pair {
      members.append(
        .init(
          "pair",
          [
            "rank": .number(pair.rank), "pairs": .number(step.facts.pairCount),
            "side": .string(pair.side.rawValue),
            "partner": .string(pair.partner),
            "partner_advantage": number(
              step.facts.members.first { ExactText($0.id) == ExactText(pair.partner) }?.advantage),
            "weight": .number(pair.weight),
          ]))
    }
    if let weight = entry.lossWeight { members.append(.init("loss_weight", .number(weight))) }
    if case .dropped(let stage, let rule) = entry.outcome {
      members.append(
        .init(
          "dropped",
          [
            "stage": .string(stage), "rule": .string(rule),
            "because": because(rule, stage, step).map { .string($0) } ?? .null,
          ]))
    }
    if let rollout { members.append(.init("rollout", rollout.json)) }
    let style = TerminalStyle()
    members.append(
      .init(
        "story",
        .array(
          StepStory(step, style).chapters.map { chapter in
            let facts = chapter.facts ?? []
            return .object(
              [.init("stage", .string(chapter.title)), .init("text", .string(chapter.text))]
                + (facts.isEmpty ? [] : [.init("facts", .object(facts))]))
          })))
    return .object(members)
  }

  private static func because(_ rule: String, _ stage: String, _ step: Step) -> String? {
    step.stages.first { $0.name == stage }?.reason(for: rule) ?? RunReference.rules.rule(rule)?.reason
  }

  private static func number(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }
}
