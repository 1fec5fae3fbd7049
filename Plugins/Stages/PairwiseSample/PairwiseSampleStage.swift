// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

// Differs from Shuffle-R1: an odd group leaves its median unpaired; the original asserts that the size is even.
/// Pairs the best rollout of a prompt with its worst, the second best with the second worst, and keeps the outermost
/// pairs.
///
/// A group of `n` rollouts has `N = floor(n / 2)` pairs, of which the first `M = floor(keep · N + 1e-9)` in rank order
/// are kept: 8 of 16 rollouts for `keep: 0.5`. Ties keep the order of the input. Advantages are those of the whole
/// group and do not change. Rank order is not the order of |A| + |A| once both members have the same sign.
///
/// The strategies other than `max-min` keep the same number `2M` of each group but form no pairs, so that a shuffle after
/// them draws single trajectories.
package struct PairwiseSampleStage: Stage {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "pairwise-sample", summary: "Keeps the pairs of best and worst rollouts of every prompt, the outermost first",
    papers: [Paper("Shuffle-R1, Pairwise Trajectory Sampling", arXiv: "2508.05612")],
    rules: [
      DropRule("no-advantage", because: "it has no advantage to be selected by"),
      DropRule("group-too-small", because: "its group is too small to give a pair"),
      DropRule(
        "unpaired-median",
        because: "its group has an odd number of rollouts, and the one in the middle stays without a partner"),
      DropRule(
        "inner-pair",
        because: "only the outermost pairs of a group are kept, best with worst, and it lies nearer the middle"),
      DropRule(
        "zero-variance",
        because: "all advantages of its group are equal, so there is nothing to learn from comparing them"),
      DropRule("not-selected", because: "the stage keeps a part of each group, and chose others"),
    ],
    metrics: [
      MetricAbout("pairs", unit: "pairs", "pairs that were kept", combining: .sum),
      MetricAbout("small_groups", unit: "groups", "groups too small to keep anything of", combining: .sum),
      MetricAbout("zero_variance_groups", unit: "groups", "groups whose advantages are all equal", combining: .sum),
    ])

  /// Which rollouts of a group to keep.
  package enum Strategy: String, Codable, Sendable, CaseIterable {
    /// The outermost pairs of best and worst.
    case maxMin = "max-min"
    /// The highest advantages.
    case top
    /// The lowest advantages.
    case bottom
    /// Any, equally likely.
    case random
    /// The largest absolute advantages.
    case largestMagnitude = "largest-magnitude"
  }

  /// What to do with a group whose advantages are all equal.
  package enum ZeroVariance: String, Codable, Sendable, CaseIterable {
    /// It is treated like any other.
    case keep
    /// It is dropped.
    case drop
  }

  /// What to do if nothing of a batch can be kept.
  package enum NothingKept: String, Codable, Sendable, CaseIterable {
    /// It is an error: `keep` does not suit the groups.
    case refuse
    /// It is a warning: the batch may be a small part of a larger one, or one of many.
    case warn
  }

  /// The options.
  package struct Options: ComponentOptions {
    package var keep = 0.5
    package var strategy = Strategy.maxMin
    package var zeroVariance = ZeroVariance.keep
    package var nothingKept = NothingKept.refuse

    /// The defaults.
    package init() {}

    /// The help for each option.
    package static let help = [
      "keep": "fraction of each group's pairs to keep (the paper's alpha), above 0 and up to 1",
      "strategy":
        "max-min pairs best with worst (the method); top, bottom, random and largest-magnitude keep as many, unpaired",
      "zero_variance": "whether groups whose advantages are all equal are kept or dropped",
      "nothing_kept": "whether a batch all of whose groups are too small is an error (refuse) or a warning (warn)",
    ]

    /// The problems of the values.
    package func problems() -> [OptionProblem] {
      keep > 0 && keep <= 1 ? [] : [OptionProblem("keep", "is \(keep), it must lie above 0 and up to 1")]
    }
  }

  /// `advantage`.
  package let reads: Set<Field> = [.advantage]
  private let options: Options

  /// Makes the stage.
  package init(options: Options = Options(), assembly: Assembly) { self.options = options }

  /// `pair`, where the strategy forms pairs.
  package var writes: Set<Field> { options.strategy == .maxMin ? [.pair] : [] }

  /// Keeps the same fraction of every group.
  ///
  /// - Throws: When every group is too small to keep anything of it, unless the options allow that.
  package func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {
    var rules = [String?](repeating: nil, count: batch.count)
    var tally = Tally()
    for group in batch.groups {
      let outputs = try SessionOutputs(group, of: batch)
      let ranked = rank(outputs.counting, of: batch, rules: &rules)
      defer { for (last, earlier) in outputs.earlier { for position in earlier { rules[position] = rules[last] } } }
      guard let best = ranked.first, let worst = ranked.last else { continue }
      tally.groups += 1
      let kept = Int((options.keep * Double(ranked.count / 2) + 1e-9).rounded(.down))
      if kept == 0 {
        tally.tooSmall[ranked.count, default: 0] += 1
        for member in ranked { rules[member.position] = "group-too-small" }
        continue
      }
      if best.advantage == worst.advantage {
        tally.zeroVariance += 1
        if options.zeroVariance == .drop {
          for member in ranked { rules[member.position] = "zero-variance" }
          continue
        }
      }
      if options.strategy == .maxMin {
        pair(ranked, keeping: kept, in: &batch, rules: &rules)
        tally.pairs += kept
      } else {
        select(from: ranked, count: 2 * kept, of: group, in: &batch, rules: &rules, context)
      }
    }
    try refuseIfNothingFits(tally)
    batch.drop(stage: context.stage) { rules[$0] }
    report(tally, batch, to: context.report)
  }

  private struct Member {
    let position: Int
    let advantage: Double
  }

  private struct Tally {
    var groups = 0
    var pairs = 0
    var zeroVariance = 0
    /// How many groups of each size were too small.
    var tooSmall: [Int: Int] = [:]
    var tooSmallCount: Int { tooSmall.values.reduce(0, +) }

    /// `2 × 12, 3 × 1`, by size.
    var tooSmallSizes: String {
      tooSmall.sorted { $0.key < $1.key }.map { "\($0.value) of size \($0.key)" }.joined(separator: ", ")
    }
  }

  /// The members with an advantage, highest first; ties keep input order.
  private func rank(_ positions: [Int], of batch: TrajectoryBatch, rules: inout [String?]) -> [Member] {
    var members: [Member] = []
    members.reserveCapacity(positions.count)
    for position in positions {
      if let advantage = batch[position].advantage, advantage.isFinite {
        members.append(Member(position: position, advantage: advantage))
      } else {
        rules[position] = "no-advantage"
      }
    }
    members.sort { ($0.advantage, $1.position) > ($1.advantage, $0.position) }
    return members
  }

  private func pair(
    _ ranked: [Member], keeping kept: Int, in batch: inout TrajectoryBatch, rules: inout [String?]
  ) {
    let pairs = ranked.count / 2
    if !ranked.count.isMultiple(of: 2) { rules[ranked[pairs].position] = "unpaired-median" }
    for rank in 0..<pairs {
      let high = ranked[rank]
      let low = ranked[ranked.count - 1 - rank]
      guard rank < kept else {
        rules[high.position] = "inner-pair"
        rules[low.position] = "inner-pair"
        continue
      }
      let weight = abs(high.advantage) + abs(low.advantage)
      let highID = batch[high.position].id
      let lowID = batch[low.position].id
      batch[high.position].pair = Pair(rank: rank, side: .high, weight: weight, partner: lowID)
      batch[low.position].pair = Pair(rank: rank, side: .low, weight: weight, partner: highID)
    }
  }

  private func select(
    from ranked: [Member], count: Int, of group: TrajectoryGroup, in batch: inout TrajectoryBatch,
    rules: inout [String?], _ context: StageContext
  ) {
    var order = ranked
    switch options.strategy {
    case .maxMin, .top: break
    case .bottom: order.sort { ($0.advantage, $0.position) < ($1.advantage, $1.position) }
    case .largestMagnitude:
      order.sort { (abs($0.advantage), $1.position) > (abs($1.advantage), $0.position) }
    case .random:
      // One draw for each member in input order; the smallest draws are kept.
      var random = context.random(context.groupKey(group.name))
      order.sort { $0.position < $1.position }
      order = order.map { ($0, random.next()) }.sorted { ($0.1, $0.0.position) < ($1.1, $1.0.position) }.map(
        \.0)
    }
    for member in order.dropFirst(count) { rules[member.position] = "not-selected" }
    // A later shuffle would draw the pair of an earlier pass.
    for member in order.prefix(count) where batch[member.position].pair != nil {
      batch[member.position].pair = nil
    }
  }

  private func refuseIfNothingFits(_ tally: Tally) throws {
    guard options.nothingKept == .refuse, tally.groups > 0, tally.tooSmallCount == tally.groups else { return }
    throw PipelineError(
      .invalidData,
      "keep = \(options.keep) keeps no pair of any group (\(tally.tooSmallSizes)); raise keep, or sample more "
        + "rollouts for each query")
  }

  private func report(_ tally: Tally, _ batch: TrajectoryBatch, to report: StageReport) {
    report.metric("pairs", Double(tally.pairs), combining: .sum)
    report.metric("small_groups", Double(tally.tooSmallCount), combining: .sum)
    report.metric("zero_variance_groups", Double(tally.zeroVariance), combining: .sum)
    if tally.tooSmallCount > 0 {
      report.warn(
        "group-too-small",
        "\(tally.tooSmallCount) of \(tally.groups) groups leave since keep = \(options.keep) keeps no pair of them "
          + "(\(tally.tooSmallSizes))", count: tally.tooSmallCount)
    }
  }
}
