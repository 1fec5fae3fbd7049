// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

extension PairwiseSampleStage {
  /// The pair that a trajectory was kept in, or who was kept instead though it is as good.
  package func explanation(of trajectory: LineageEntry, in step: LineageStep) -> Explanation? {
    if case .dropped(_, "inner-pair") = trajectory.outcome { return tie(trajectory, step) }
    guard let pair = trajectory.pair else { return nil }
    let pairs = max(Set(step.group.compactMap(\.pair?.rank)).count, pair.rank + 1)
    let partner = step.group.first { ExactText($0.id) == ExactText(pair.partner) }?.advantage
    let kept: Explanation =
      "kept in pair \(pair.rank + 1) of \(pairs)\(pair.rank == 0 ? ", the outermost" : ""), as the "
    let side: Explanation = "\(pair.side == .high ? "better" : "worse") one; its partner \(pair.partner)"
    let other: Explanation = partner.map { " has \(signed: $0)" } ?? " is not in the lineage"
    return "\(kept)\(side)\(other); together they weigh \(pair.weight)"
  }

  /// Equal advantages are ranked by their order in the input.
  private func tie(_ trajectory: LineageEntry, _ step: LineageStep) -> Explanation? {
    let hasTwin = step.group.contains {
      $0.pair != nil && $0.advantage == trajectory.advantage && ExactText($0.id) != ExactText(trajectory.id)
    }
    return trajectory.advantage != nil && hasTwin
      ? "a kept rollout has the same advantage, and among equals the order of the input decides" : nil
  }
}
