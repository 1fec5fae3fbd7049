// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// A step of a trajectory's history in plain words: a line or two for its reward, its group, and each stage.
struct StepStory {
  /// What there is to say under one title.
  struct Chapter {
    let title: String
    let text: String
    var isEnd = false
  }

  private let entry: LineageEntry
  private let facts: StepFacts
  private let stages: [RunRecords.StageEntry]
  private let style: TerminalStyle

  init(_ step: TrajectoryHistory.Step, _ style: TerminalStyle) {
    entry = step.entry
    facts = step.facts
    stages = step.stages
    self.style = style
  }

  /// The reward, the group, then the stages up to the one that dropped it.
  var chapters: [Chapter] {
    var chapters = [Chapter(title: "reward", text: reward), Chapter(title: "group", text: group)]
    if !stages.contains(where: { $0.use == "advantage" }), let advantage = entry.advantage {
      chapters.append(
        Chapter(title: "advantage", text: NumberText.signed(advantage) + ", as the record has it"))
    }
    for stage in knownWay where !["reward", "tap"].contains(stage.use) || droppedBy(stage) != nil {
      if let rule = droppedBy(stage) {
        chapters.append(Chapter(title: stage.name, text: dropped(rule, stage), isEnd: true))
        return chapters
      }
      chapters.append(Chapter(title: stage.name, text: passed(stage)))
    }
    if case .dropped(let stage, let rule) = entry.outcome {
      chapters.append(Chapter(title: stage, text: dropped(rule, nil), isEnd: true))
    }
    return chapters
  }

  /// The stages that it is known to have reached: all, unless one dropped it that the spec does not name.
  private var knownWay: [RunRecords.StageEntry] {
    guard case .dropped(let stage, _) = entry.outcome, !stages.contains(where: { $0.name == stage }) else {
      return stages
    }
    return stages.filter { $0.use == "advantage" && entry.advantage != nil }
  }

  private func droppedBy(_ stage: RunRecords.StageEntry) -> String? {
    guard case .dropped(stage.name, let rule) = entry.outcome else { return nil }
    return rule
  }

  private var reward: String {
    let parts = entry.rewards.map { "\(style.safe($0.name)) \(NumberText.short($0.score))" }.joined(
      separator: ", ")
    let status = entry.rewardStatus.flatMap { status -> String? in
      switch status {
      case RewardStatus.scored.rawValue: nil
      case RewardStatus.abstained.rawValue: "the reward function abstained"
      case RewardStatus.failed.rawValue: "the reward function failed on it"
      case RewardStatus.timedOut.rawValue: "the reward function did not answer in time"
      default: style.safe(status)
      }
    }
    let value = entry.reward.map { NumberText.short($0) } ?? "none"
    return value + (parts.isEmpty ? "" : " (\(parts))") + (status.map { "; " + $0 } ?? "")
  }

  private var group: String {
    let rewards = facts.rewards
    var text = "\(style.safe(entry.group)): \(NumberText.count(facts.members.count, "rollout"))"
    if rewards.count < facts.members.count { text += ", \(NumberText.count(rewards.count)) scored" }
    guard rewards.count > 0 else { return text }
    text += ", rewards " + NumberText.short(rewards.mean)
    if let deviation = rewards.standardDeviation {
      text += style.sign(" ± ", " +- ") + NumberText.short(deviation)
    }
    if let distinct = rewards.distinct, distinct.count > 1, distinct.count <= 4 {
      let list = distinct.reversed().map { "\($0.count)\(style.sign("×", "x"))\(NumberText.short($0.value))" }
      text += " (\(list.joined(separator: ", ")))"
    }
    guard rewards.count > 1, let reward = entry.reward else { return text }
    if rewards.least == rewards.greatest { return text + "; all the same" }
    let (rank, ties) = facts.place(of: reward)
    let place =
      rank == 1
      ? "the best" : rank + ties == rewards.count ? "the worst" : "number \(rank) of \(rewards.count)"
    return text + "; this is \(place)" + (ties > 0 ? ", level with \(NumberText.count(ties, "other"))" : "")
  }

  private func passed(_ stage: RunRecords.StageEntry) -> String {
    switch stage.use {
    case "advantage": advantage(stage)
    case "pairwise-sample": entry.pair.map(pair) ?? "kept"
    case "shuffle": drawn(stage)
    default: "kept"
    }
  }

  private func advantage(_ stage: RunRecords.StageEntry) -> String {
    guard let value = entry.advantage else { return "none" }
    let option = stage.with["estimator"]
    let name = option?.stringValue ?? option?["use"]?.stringValue
    let how = name.map { name in style.safe(name) + (RuleExplanation.estimator(name).map { ": \($0)" } ?? "")
    }
    let rewards = facts.rewards
    let isFlat = rewards.count > 1 && rewards.least == rewards.greatest && value == 0
    return NumberText.signed(value) + (how.map { " by \($0)" } ?? "")
      + (isFlat ? "; all rewards of the group are equal" : abs(value) < 0.1 ? "; hardly any gradient" : "")
  }

  private func pair(_ pair: Pair) -> String {
    let partner = facts.members.first { ExactText($0.id) == ExactText(pair.partner) }?.advantage
    let count = facts.pairCount
    let place = pair.rank == 0 ? ", the outermost" : ""
    return "kept in pair \(pair.rank + 1) of \(max(count, pair.rank + 1))\(place), as the "
      + (pair.side == .high ? "better" : "worse") + " one; its partner \(style.safe(pair.partner))"
      + (partner.map { " has \(NumberText.signed($0))" } ?? " is not in the lineage")
      + "; together they weigh \(NumberText.short(pair.weight))"
  }

  private func drawn(_ stage: RunRecords.StageEntry) -> String {
    let odds = odds(stage)
    guard let draws = entry.draws else {
      let weight = entry.lossWeight.map { ", with loss weight \(NumberText.short($0))" } ?? ""
      return "kept without a draw" + weight
    }
    let positions =
      draws.prefix(12).map(String.init).joined(separator: ", ") + (draws.count > 12 ? ", …" : "")
    return "drawn \(Self.times(draws.count))" + (odds.map { " (\($0))" } ?? "")
      + "; at position\(draws.count == 1 ? "" : "s") \(positions)"
      + (entry.lossWeight.map { "; loss weight \(NumberText.short($0))" } ?? "")
  }

  private func dropped(_ rule: String, _ stage: RunRecords.StageEntry?) -> String {
    let why = RuleExplanation.rule(rule)
    var text = "dropped by the rule '\(style.safe(rule))'" + (why.map { ": " + $0 } ?? "")
    let hasTwin = facts.members.contains {
      $0.rank != nil && $0.id != entry.id && $0.advantage == entry.advantage
    }
    if rule == "inner-pair", entry.advantage != nil, hasTwin {
      text += "; a kept rollout has the same advantage, and among equals the order of the input decides"
    }
    if rule == "not-drawn", let odds = stage.flatMap(odds) { text += " (\(odds))" }
    return text
  }

  /// What the draw could be expected to do.
  private func odds(_ stage: RunRecords.StageEntry) -> String? {
    guard let (share, expected) = Self.expectation(entry, facts, stage) else { return nil }
    let (owner, unit) = entry.pair == nil ? ("it", "trajectory") : ("its pair", "pair")
    return
      "\(NumberText.short(expected, digits: 2)) expected: \(owner) has \(NumberText.percent(share)) of the weight of "
      + NumberText.count(facts.unitCount, unit)
  }

  /// The share Φ of all weight, and the draws that it lets expect: |B|·Φ, at most one in each round.
  ///
  /// Nil where the spec weighs otherwise than by |A| + |A|, since lineage does not hold those weights.
  static func expectation(
    _ entry: LineageEntry, _ facts: StepFacts, _ stage: RunRecords.StageEntry?
  ) -> (share: Double, draws: Double)? {
    guard facts.unitWeight > 0, facts.unitCount > 0, let options = stage?.with else { return nil }
    let usual: KeyValuePairs<String, JSONValue> = [
      "weight_by": "sum", "weighting": "power", "mode": "resample",
    ]
    guard usual.allSatisfy({ options[$0.key] == nil || options[$0.key] == $0.value }),
      (options["exponent"]?.doubleValue ?? 1) == 1
    else { return nil }
    let share = (entry.pair?.weight ?? abs(entry.advantage ?? 0)) / facts.unitWeight
    let draws = share * Double(facts.unitCount)
    return (share, min(draws, options["rounds"]?.doubleValue ?? draws))
  }

  /// `once`, `twice`, `3 times`.
  static func times(_ count: Int) -> String {
    switch count {
    case 0: "never"
    case 1: "once"
    case 2: "twice"
    default: "\(NumberText.count(count)) times"
    }
  }
}
