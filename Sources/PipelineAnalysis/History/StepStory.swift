// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineRuntime

/// A step of a trajectory's history in sentences: a line or two for its reward, its group, and each stage.
struct StepStory {
  /// A paragraph with its title.
  struct Chapter {
    let title: String
    let text: String
    /// The facts behind a stage's sentence.
    var facts: [JSONValue.Member]?
    var isEnd = false
  }

  private let entry: LineageEntry
  private let facts: StepFacts
  private let stages: [ExplainedStage]
  private let explanations: [Explanation?]
  private let choice: Explanation?
  private let replays: [LineageEntry]
  private let style: TerminalStyle

  init(_ step: TrajectoryHistory.Step, _ style: TerminalStyle) {
    entry = step.entry
    facts = step.facts
    stages = step.stages
    explanations = step.explanations
    choice = step.choice
    replays = step.replays
    self.style = style
  }

  /// The reward, the group, then the stages up to the one that dropped it.
  var chapters: [Chapter] {
    var chapters = [Chapter(title: "reward", text: reward), Chapter(title: "group", text: group)]
    if let choice {
      chapters.insert(Chapter(title: "prompt", text: choice.text(style), facts: choice.facts), at: 0)
    }
    if let first = replays.first {
      let times = replays.map {
        "step \($0.step)" + ($0.timesTrainedOn == 1 ? "" : " (\(NumberText.times($0.timesTrainedOn)))")
      }
      chapters.append(
        Chapter(
          title: "later",
          text: first.hasWaited
            ? "it waited, and came again in \(times.joined(separator: ", "))"
            : "replayed in \(times.joined(separator: ", ")), as \(style.safe(first.id))",
          facts: [
            .init(
              "replayed_in",
              .array(
                replays.map {
                  ["step": .number($0.step), "id": .string($0.id), "trained_on": .number($0.timesTrainedOn)]
                }))
          ]))
    }
    if let advantage = entry.advantage, !stages.contains(where: { $0.wrote(to: entry) }) {
      chapters.append(
        Chapter(title: "advantage", text: NumberText.signed(advantage) + ", as the record has it"))
    }
    for (stage, explanation) in zip(stages, explanations) where isOnTheWay(stage) {
      if case .dropped(stage.name, let rule) = entry.outcome {
        chapters.append(
          Chapter(title: stage.name, text: dropped(rule, stage, explanation), facts: explanation?.facts, isEnd: true))
        return chapters
      }
      // A stage that says nothing of itself, such as a program: what it wrote.
      let written = stage.writesAdvantage ? entry.advantage.map { NumberText.signed($0) } : nil
      if explanation == nil, written == nil, !stage.canDrop { continue }
      chapters.append(
        Chapter(title: stage.name, text: explanation?.text(style) ?? written ?? "kept", facts: explanation?.facts))
    }
    if case .dropped(let stage, let rule) = entry.outcome {
      chapters.append(Chapter(title: stage, text: dropped(rule, nil, nil), isEnd: true))
    }
    return chapters
  }

  /// Whether the trajectory is known to have reached a stage; unknown if it was dropped by a stage that is not in the
  /// spec.
  private func isOnTheWay(_ stage: ExplainedStage) -> Bool {
    if let name = entry.origin?["stage"]?.stringValue, let first = stages.firstIndex(where: { $0.name == name }),
      let place = stages.firstIndex(where: { $0.name == stage.name }), place < first
    {
      return false
    }
    guard case .dropped(let name, _) = entry.outcome, !stages.contains(where: { $0.name == name }) else { return true }
    return stage.wrote(to: entry)
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
    let reason = entry.rewardReason.map { ": " + style.safe($0) } ?? ""
    return value + (parts.isEmpty ? "" : " (\(parts))") + (status.map { "; " + $0 + reason } ?? "")
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

  private func dropped(_ rule: String, _ stage: ExplainedStage?, _ explanation: Explanation?) -> String {
    let reason = stage?.reason(for: rule) ?? RunReference.rules.rule(rule)?.reason
    return "dropped by the rule '\(style.safe(rule))'" + (reason.map { ": " + style.safe($0) } ?? "")
      + (explanation.map { "; " + $0.text(style) } ?? "")
  }
}

extension Explanation {
  /// The sentence, with numbers formatted as in all reports, safe for a terminal.
  func text(_ style: TerminalStyle) -> String {
    parts.map { part in
      switch part {
      case .text(let text): style.safe(text)
      case .number(let number, let digits): NumberText.short(number, digits: digits)
      case .signed(let number): NumberText.signed(number)
      case .share(let share): NumberText.percent(share)
      case .count(let count, let noun): NumberText.count(count, style.safe(noun))
      case .times(let count): NumberText.times(count)
      }
    }.joined()
  }
}
