// SPDX-License-Identifier: Apache-2.0
package import PipelineCore
import PipelineIO
import PipelineRuntime

extension SelectionComparison {
  /// Everything that ``text(style:)`` shows, as JSON.
  package var json: JSONValue {
    [
      "files": .array(files.map { .string($0) }),
      "batches": .number(batches),
      "bad_records": .number(counts.badRecords),
      "seed": .number(String(seed)),
      "input": [
        "trajectories": .number(tallies.first?.input ?? 0),
        "groups": .number(tallies.first?.inputGroups ?? 0),
      ],
      "chains": .array(
        chains.indices.map { Self.json(chains[$0], tallies[$0], gradients?.figures[$0]) }),
      "overlap": .array(overlapsJSON),
      "identical": .array(identical.map { .array($0.map { .string(chains[$0].label) }) }),
    ]
  }

  private var overlapsJSON: [JSONValue] {
    chains.indices.flatMap { first in
      chains.indices.filter { $0 > first }.map { second in
        let overlap = overlap(first, second)
        return [
          "chains": [.string(chains[first].label), .string(chains[second].label)],
          "shared_trajectories": .number(overlap.shared), "trajectories": .number(overlap.ofTrajectories),
          "shared_draws": .number(overlap.sharedDraws), "draws": .number(overlap.ofDraws),
          "weighted_differently": .number(overlap.weightedDifferently),
        ]
      }
    }
  }

  private static func json(
    _ chain: SelectionChain, _ tally: SelectionTally, _ gradient: SelectionGradients.Figures?
  ) -> JSONValue {
    func share(_ part: Int, _ whole: Int) -> JSONValue {
      whole == 0 ? .null : .number(Double(part) / Double(whole))
    }
    let hasAdvantages = tally.inputAdvantages.count > 0
    return [
      "label": .string(chain.label),
      "stages": .array(chain.stages.map { .string($0.name) }),
      "trained_on": .number(tally.draws),
      "distinct": .number(tally.distinct),
      "share_of_input": share(tally.kept, tally.input), "replayed_draws": .number(tally.replayedDraws),
      "groups": .number(tally.groups),
      "group_coverage": share(tally.groups, tally.inputGroups),
      "tokens": .number(tally.tokens),
      "characters": .number(tally.characters),
      "effective_sample_size": .number(tally.effectiveSampleSize),
      "largest_exposure": .number(tally.largestExposure),
      "advantage_mass": hasAdvantages
        ? [
          "input": .number(tally.mass.input), "kept": .number(tally.mass.distinct),
          "trained": .number(tally.mass.draws),
          "share_kept": tally.mass.input > 0 ? .number(tally.mass.distinct / tally.mass.input) : .null,
          "per_trajectory": tally.draws > 0 ? .number(tally.mass.draws / Double(tally.draws)) : .null,
        ] : .null,
      "collapsed_before": share(tally.inputAdvantages.collapsed, tally.inputAdvantages.count),
      "collapsed_after": share(tally.drawnAdvantages.collapsed, tally.drawnAdvantages.count),
      "positive": .number(tally.drawnAdvantages.positive),
      "negative": .number(tally.drawnAdvantages.negative),
      "zero_variance_share": share(tally.zeroVarianceDraws, tally.draws),
      "gradient": gradient.map { figures in
        [
          "norm": figures.norm.map { .number($0) } ?? .null, "cosine": figures.cosine.map { .number($0) } ?? .null,
          "batches": .number(figures.batches),
        ]
      } ?? .null,
      "dropped": .array(
        tally.drops.map {
          ["stage": .string($0.stage), "rule": .string($0.rule), "count": .number($0.count)]
        }),
    ]
  }
}
