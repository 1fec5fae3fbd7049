// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// The order of the source, epoch after epoch: what a spec without a sampler gets.
///
/// An epoch's last prompts are left out where they do not make a whole batch.
package struct EpochsSampler: PromptSampler {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "epochs", summary: "The order of the source, epoch after epoch, as without a sampler")

  /// The place in the pool.
  package let bytesPerPrompt = 0

  /// Makes the sampler; it has no options.
  package init(options: NoOptions = NoOptions(), assembly: Assembly) {}

  /// The next prompts.
  package func choose(
    _ count: Int, excluding excluded: Set<Int>, from pool: PromptPool, memory: inout SamplerMemory,
    in context: SamplerContext
  ) -> [PromptChoice] {
    var walk = PoolWalk(pool, memory: memory)
    if context.attempt == 0, walk.left < count { walk.beginEpoch() }
    let found = walk.next(count, excluding: excluded)
    walk.save(to: &memory)
    return found.map { PromptChoice($0) }
  }

  /// Learns nothing.
  package func observe(
    _ results: [GroupResult], of pool: PromptPool, memory: inout SamplerMemory, in context: SamplerContext
  ) {}
}
