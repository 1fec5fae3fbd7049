// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineTesting
import ShufflePlugin
import Testing

@Suite("shuffle explains itself", .timeLimit(.minutes(15)))
struct ShuffleExplanationTests {
  private static let pair = Pair(rank: 0, side: .high, weight: 3, partner: "a/1")
  private static let others = [
    LineageEntry(
      id: "a/1", group: "a", advantage: -1, pair: Pair(rank: 0, side: .low, weight: 3, partner: "a/0")),
    LineageEntry(id: "b/0", group: "b", outcome: .dropped(stage: "shuffle", rule: "not-drawn"), advantage: -1),
    LineageEntry(id: "b/1", group: "b", outcome: .dropped(stage: "shuffle", rule: "no-advantage")),
  ]

  private func explanation(
    of entry: LineageEntry, _ change: (inout ShuffleStage.Options) -> Void = { _ in }
  ) -> Explanation? {
    var options = ShuffleStage.Options()
    change(&options)
    let step = LineageStep(group: [entry]) { show in ([entry] + Self.others).forEach(show) }
    return ShuffleStage(options: options, assembly: .plain()).explanation(of: entry, in: step)
  }

  @Test("a pair counts once among what is drawn from, and the rounds bound what can be expected")
  func odds() {
    let entry = LineageEntry(id: "a/0", group: "a", advantage: 2, pair: Self.pair, draws: [0])
    // Two units, of weights 3 and 1.
    #expect(
      explanation(of: entry)
        == Explanation(
          "drawn \(times: 1) (\(1.5, digits: 2) expected: its pair has \(share: 0.75) of the weight of \(2, "pair")); at position 0",
          facts: [
            .init("units", 2), .init("share", .number(0.75)), .init("expected", .number(1.5)), .init("positions", [0]),
          ]))
    let bounded = explanation(of: entry) { $0.rounds = 1 }
    #expect(bounded?.facts[2] == .init("expected", .number(1.0)))
  }

  @Test("what was not drawn is told what was to be expected; without an advantage there is nothing to add")
  func dropped() {
    let passedOver = LineageEntry(
      id: "c/0", group: "c", outcome: .dropped(stage: "shuffle", rule: "not-drawn"), advantage: -4)
    // Weights 3 and 1 of the others, and 4: half of all.
    let told = explanation(of: passedOver)
    #expect(told?.parts.first == .number(1.5, digits: 2))
    #expect(told?.parts.last == .count(3, "trajectory"))
    #expect(told?.facts.map(\.key) == ["units", "share", "expected", "positions"])
    #expect(explanation(of: Self.others[2]) == nil)
  }

  @Test("where the spec weighs otherwise, lineage does not hold the weights, and no odds are given")
  func otherWeights() {
    let entry = LineageEntry(id: "a/0", group: "a", advantage: 2, pair: Self.pair, draws: [4, 9])
    for change: (inout ShuffleStage.Options) -> Void in [
      { $0.weightBy = .max }, { $0.weighting = .softmax }, { $0.exponent = 2 },
    ] {
      #expect(explanation(of: entry, change) == "drawn \(times: 2); at positions 4, 9")
    }
  }

  @Test("a batch that is weighed and not drawn")
  func reweighted() {
    let entry = LineageEntry(id: "a/0", group: "a", advantage: 2, lossWeight: 1.5)
    #expect(explanation(of: entry) { $0.mode = .reweight } == "kept without a draw, with loss weight \(1.5)")
  }
}
