// SPDX-License-Identifier: Apache-2.0
import PairwiseSamplePlugin
import PipelineCore
import PipelineTesting
import Testing

@Suite("pairwise-sample explains itself", .timeLimit(.minutes(15)))
struct PairwiseSampleExplanationTests {
  private func explanation(of entry: LineageEntry, among group: [LineageEntry]) -> Explanation? {
    let step = LineageStep(group: [entry] + group) { show in ([entry] + group).forEach(show) }
    return PairwiseSampleStage(options: .init(), assembly: .plain()).explanation(of: entry, in: step)
  }

  @Test("a pair is told with its place and its partner, or that the partner is gone")
  func pair() {
    let entry = LineageEntry(
      id: "a/3", group: "a", advantage: -1, pair: Pair(rank: 1, side: .low, weight: 1.5, partner: "a/2"))
    let outer = LineageEntry(
      id: "a/0", group: "a", advantage: 2, pair: Pair(rank: 0, side: .high, weight: 4, partner: "a/1"))
    let partner = LineageEntry(
      id: "a/2", group: "a", advantage: 0.5, pair: Pair(rank: 1, side: .high, weight: 1.5, partner: "a/3"))
    #expect(
      explanation(of: entry, among: [outer, partner])
        == "kept in pair 2 of 2, as the worse one; its partner a/2 has \(signed: 0.5); together they weigh \(1.5)")
    #expect(
      explanation(of: entry, among: [outer])
        == "kept in pair 2 of 2, as the worse one; its partner a/2 is not in the lineage; together they weigh \(1.5)")
  }

  @Test("among equals, the order of the input decides")
  func tie() {
    let kept = LineageEntry(
      id: "a/0", group: "a", advantage: 1, pair: Pair(rank: 0, side: .high, weight: 2, partner: "a/9"))
    func inner(_ advantage: Double) -> LineageEntry {
      LineageEntry(
        id: "a/1", group: "a", outcome: .dropped(stage: "pairwise-sample", rule: "inner-pair"), advantage: advantage)
    }
    #expect(
      explanation(of: inner(1), among: [kept])
        == "a kept rollout has the same advantage, and among equals the order of the input decides")
    #expect(explanation(of: inner(0.9), among: [kept]) == nil)
  }

  @Test("without a pair there is nothing to add")
  func unpaired() {
    #expect(explanation(of: LineageEntry(id: "a/0", group: "a", advantage: 1), among: []) == nil)
  }
}
