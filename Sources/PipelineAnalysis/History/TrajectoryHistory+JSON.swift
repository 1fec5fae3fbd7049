// SPDX-License-Identifier: Apache-2.0
import PipelineCore

extension TrajectoryHistory {
  /// The facts and the sentences of ``text(style:)``, as JSON.
  public var json: JSONValue {
    [
      "id": .string(id), "run": .string(run), "trained_on": .number(timesTrainedOn),
      "steps": .array(steps.map(Self.json)),
      "bad_records": .array(
        badRecords.map {
          [
            "file": .string($0.location.file), "line": .number($0.location.line),
            "column": .number($0.location.column), "reason": .string($0.reason),
          ]
        }),
    ]
  }

  private static func json(_ step: Step) -> JSONValue {
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
    let shuffle = step.stages.first { $0.use == "shuffle" }
    if step.facts.unitCount > 0, let odds = StepStory.expectation(entry, step.facts, shuffle) {
      members.append(
        .init(
          "draw",
          [
            "units": .number(step.facts.unitCount), "share": .number(odds.share),
            "expected": .number(odds.draws),
            "positions": entry.draws.map { .array($0.map { .number($0) }) } ?? .null,
          ]))
    }
    if let weight = entry.lossWeight { members.append(.init("loss_weight", .number(weight))) }
    if case .dropped(let stage, let rule) = entry.outcome {
      members.append(
        .init(
          "dropped",
          [
            "stage": .string(stage), "rule": .string(rule),
            "because": RuleExplanation.rule(rule).map { .string($0) } ?? .null,
          ]))
    }
    let style = TerminalStyle()
    members.append(
      .init(
        "story",
        .array(
          StepStory(step, style).chapters.map { ["stage": .string($0.title), "text": .string($0.text)] })))
    return .object(members)
  }

  private static func number(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }
}
