// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// What a step of a pipeline is expected to make, as far as the spec tells, and what a sampler remembers.
package struct StepExpectation: Sendable {
  private let pipeline: AssembledPipeline

  /// Looks at a pipeline.
  package init(_ pipeline: AssembledPipeline) { self.pipeline = pipeline }

  /// A sentence for the rollouts and updates of a step, for what chooses prompts, for what makes rollouts in waves, and for each
  /// store of trajectories; none where the spec names none of them.
  package var sentences: [String] { [rollouts, sampler, waves].compactMap { $0 } + stores }

  /// The rollouts and updates of a step, and how many groups can be expected to have something to compare.
  private var rollouts: String? {
    guard case .groups(let groups) = pipeline.source.batch,
      let making = pipeline.stages.first(where: { $0.stage.rolloutsPerPrompt != nil }), making.stage.waves == nil,
      let each = making.stage.rolloutsPerPrompt
    else { return nil }
    let updates = pipeline.stages.compactMap(\.stage.updatesPerStep).reduce(0, +)
    let count = updates == 0 ? "" : updates == 1 ? " and 1 update" : " and \(updates) updates"
    let start =
      "a step makes \(groups * each) rollouts, \(each) of each of \(groups) prompts\(count.isEmpty ? "" : "," + count)"
    guard each > 1 else { return start }
    let rates = [0.1, 0.25, 0.5]
    let shares = rates.map { Self.percent(Self.contrast(successRate: $0, rollouts: each)) }
    return start
      + "; where 10, 25 or 50 % of the rollouts are right, \(Self.list(shares)) % of the groups have right and wrong ones"
  }

  /// The share of groups with right and wrong rollouts: 1 − pⁿ − (1 − p)ⁿ.
  package static func contrast(successRate p: Double, rollouts n: Int) -> Double {
    func power(_ base: Double) -> Double { (0..<n).reduce(1) { product, _ in product * base } }
    return 1 - power(p) - power(1 - p)
  }

  private static func percent(_ share: Double) -> String { String(Int((share * 100).rounded())) }

  private static func list(_ texts: [String]) -> String {
    texts.dropLast().joined(separator: ", ") + " or " + (texts.last ?? "")
  }

  private var stores: [String] {
    pipeline.stages.enumerated().compactMap { index, stage in
      guard let store = stage.stage.replay?.store else { return nil }
      let name = type(of: store).name
      let start = "the store '\(name)' of stage '\(stage.name)' keeps at most "
      let batch = rollouts(before: index)
      let capacity = store.capacity(ofBatch: batch ?? 0)
      let each = capacity.perPrompt.map { ", of each prompt at most \($0)" } ?? ""
      // A capacity that goes by the batch is known with it.
      if batch == nil, store.capacity(ofBatch: 2) != store.capacity(ofBatch: 1 << 20) {
        return start + "so many trajectories as it says of the batch that comes first\(each)"
      }
      let megabytes = Double(capacity.total * ReplayIndex.bytesPerEntry) / 1e6
      let size = megabytes < 1 ? "1" : String(Int(megabytes.rounded(.up)))
      return start + "\(capacity.total) trajectories\(each); its index takes at most \(size) MB of memory"
    }
  }

  /// The rollouts of a step that come to a stage, if none leaves before; nil where the spec does not tell.
  private func rollouts(before index: Int) -> Int? {
    guard case .groups(let groups) = pipeline.source.batch,
      let each = pipeline.stages[..<index].compactMap(\.stage.rolloutsPerPrompt).last
    else { return nil }
    return groups * each
  }

  private var sampler: String? {
    guard let sampler = pipeline.sampler else { return nil }
    let name = type(of: sampler).name
    let bytes = sampler.bytesPerPrompt
    return "the sampler '\(name)' chooses the prompts, and remembers "
      + (bytes == 0 ? "no number for each of them" : "at most \(bytes) bytes of each")
  }

  private var waves: String? {
    guard let stage = pipeline.stages.first(where: { $0.stage.waves != nil }), let waves = stage.stage.waves else {
      return nil
    }
    let name = type(of: waves.policy).name
    let noisy = waves.besides > 0 ? ", and \(waves.besides) of noisy images of each that is admitted" : ""
    let most = waves.plan.most + waves.besides
    let each = "\(waves.plan.first) to \(waves.plan.most) rollouts of each prompt by the waves of '\(name)'\(noisy)"
    let attempts = pipeline.stages.compactMap(\.stage.refill?.maxAttempts).max() ?? 1
    guard case .groups(let groups) = pipeline.source.batch else {
      return "a step makes \(each)" + (waves.policy.waits ? waiting(of: nil, attempts) : "")
    }
    let more =
      attempts > 1 ? ", and as many again each time that it takes further prompts, at most \(attempts - 1) times" : ""
    return "a step makes \(each): \(groups * waves.plan.first) to \(groups * most) of \(groups)\(more)"
      + (waves.policy.waits ? waiting(of: groups, attempts) : "")
  }

  /// What there is to know of a policy that lets groups wait.
  private func waiting(of groups: Int?, _ attempts: Int) -> String {
    let bound = groups.map { "at most \($0) groups" } ?? "groups"
    let first =
      attempts > 1
      ? "made with the prompts that come next" : "made in the next step, so that the first one trains on none"
    return "; \(bound) wait for the rest of their rollouts, \(first), and what is complete goes on first in, first out"
  }
}
