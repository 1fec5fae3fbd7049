// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineTesting
import SubsetPlugin
import Testing

@Suite("subset explains itself", .timeLimit(.minutes(15)))
struct SubsetExplanationTests {
  private static func entry(_ id: String, reward: Double? = nil, advantage: Double? = nil, rule: String? = nil)
    -> LineageEntry
  {
    LineageEntry(
      id: id, group: String(id.prefix(1)), outcome: rule.map { .dropped(stage: "subset", rule: $0) } ?? .kept,
      reward: reward, advantage: advantage)
  }

  private func explanation(
    of entry: LineageEntry, among all: [LineageEntry], _ change: (inout SubsetStage.Options) -> Void = { _ in }
  ) -> Explanation? {
    var options = SubsetStage.Options()
    change(&options)
    let step = LineageStep(group: all.filter { $0.group == entry.group }) { show in all.forEach(show) }
    return SubsetStage(options: options, assembly: .plain()).explanation(of: entry, in: step)
  }

  @Test("max-variance: the variance of the kept ones and of all")
  func variance() {
    let all = [
      Self.entry("a0", reward: 0), Self.entry("a1", reward: 1),
      Self.entry("a2", reward: 0, rule: "less-variance"), Self.entry("a3", reward: 0, rule: "less-variance"),
      Self.entry("b0", reward: 9),
    ]
    #expect(
      explanation(of: all[1], among: all)?.parts
        == ("one of the \(2, "rollout") whose rewards have the largest variance, \(0.25), where all 4 have \(0.1875); its reward "
        + "is \(1.0)" as Explanation).parts)
    #expect(explanation(of: all[2], among: all)?.parts.first == .text("not among the "))
    let unscored = Self.entry("a4", rule: "no-reward")
    #expect(explanation(of: unscored, among: all) == nil)
  }

  @Test("by |A|: the place in the batch, and the places that equals share")
  func magnitude() {
    let all = [
      Self.entry("a0", advantage: -3), Self.entry("a1", advantage: 1, rule: "smaller-magnitude"),
      Self.entry("b0", advantage: -1), Self.entry("b1", advantage: 0, rule: "smaller-magnitude"),
    ]
    let change: (inout SubsetStage.Options) -> Void = { $0.strategy = .largestMagnitude }
    #expect(
      explanation(of: all[1], among: all, change)?.parts
        == ("not among the 2 kept of \(4, "trajectory"): by |A| = \(1.0) its place is 2 to 3" as Explanation).parts)
    #expect(explanation(of: all[0], among: all, change)?.facts == [.init("place", 1), .init("equal", 1)])
  }

  @Test("by length: how many of how many")
  func length() {
    let all = [Self.entry("a0"), Self.entry("a1", rule: "longer")]
    let told = explanation(of: all[0], among: all) {
      $0.strategy = .shortest
      $0.count = 1
    }
    #expect(told == "one of the 1 kept of \(2, "rollout") of its group, by length, the shortest first")
  }
}
