// SPDX-License-Identifier: Apache-2.0
package import PipelineCore
package import PipelineIO

/// What several selections would train on, given the same rollouts: no model, no training.
///
/// Every chain sees the same batches and draws with the same seed, exactly as in a run. Chains may compute advantages
/// differently; each chain's figures about |A| are its own.
package struct SelectionComparison: Sendable {
  /// The chains, in the order given.
  package let chains: [SelectionChain]
  /// The result of each chain.
  package private(set) var tallies: [SelectionTally]
  /// The reader's counts, if the input was read by ``read(_:chains:seed:threads:)``.
  package private(set) var counts = TrajectoryReader.Counts()
  /// The batches that were compared.
  package private(set) var batches = 0
  /// The selections' gradients; nil without a model to take them at.
  package private(set) var gradients: SelectionGradients?
  /// The seed of every draw.
  package let seed: UInt64
  let files: [String]
  private let threads: Int
  private var overlaps: [SelectionOverlap]

  /// Nothing has been compared yet.
  ///
  /// - Parameter policy: The model at whose weights gradients are compared; nil for none.
  /// - Throws: When the policy is not one that learns.
  package init(
    chains: [SelectionChain], files: [String] = [], seed: UInt64 = 1, threads: Int = 1, policy: Policy? = nil
  ) throws {
    // What stages remember begins anew with each comparison.
    self.chains = chains.map { SelectionChain(label: $0.label, stages: $0.stages) }
    gradients = try policy.map {
      SelectionGradients(
        policy: try $0.required(.training, \.trainable), codec: try $0.required(.training, \.codec), count: chains.count
      )
    }
    self.files = files
    self.seed = seed
    self.threads = threads
    self.tallies = chains.map { _ in SelectionTally() }
    self.overlaps = Array(repeating: SelectionOverlap(), count: chains.count * chains.count)
  }

  /// Reads rollouts to their end and compares the chains on every batch.
  ///
  /// - Throws: Errors of reading or of a stage; also when there is nothing to compare on.
  package static func read(
    _ options: TrajectoryReader.Options, chains: [SelectionChain], seed: UInt64, threads: Int, policy: Policy? = nil,
    progressed: (_ batches: Int) -> Void = { _ in }
  ) async throws -> Self {
    var comparison = try SelectionComparison(
      chains: chains, files: options.paths, seed: seed, threads: threads, policy: policy)
    let reader = TrajectoryReader(options)
    while let batch = try await reader.next() {
      try Task.checkCancellation()
      try await comparison.add(batch)
      progressed(comparison.batches)
    }
    comparison.counts = await reader.counts
    guard comparison.batches > 0 else {
      let bad = comparison.counts.badRecords
      throw PipelineError(
        .invalidData,
        "\(options.paths.joined(separator: ", ")) holds no trajectories to compare on"
          + (bad > 0 ? " (\(NumberText.count(bad, "bad record")))" : "") + "; look at it with inspect")
    }
    return comparison
  }

  /// Passes a batch to every chain.
  ///
  /// - Throws: Errors of a stage, with the chain's name.
  package mutating func add(_ batch: TrajectoryBatch) async throws {
    var exposures: [[ExactText: Exposure]] = []
    var outputs: [TrajectoryBatch] = []
    for (index, chain) in chains.enumerated() {
      let output = try await chain.run(batch, seed: seed, threads: threads)
      exposures.append(try tallies[index].add(output, of: batch))
      if gradients != nil { outputs.append(output) }
    }
    try await gradients?.add(outputs)
    for first in chains.indices {
      for second in chains.indices {
        overlaps[first * chains.count + second].add(exposures[first], exposures[second])
      }
    }
    batches += 1
  }

  /// How much two chains, given by position, train on the same trajectories.
  package func overlap(_ first: Int, _ second: Int) -> SelectionOverlap {
    overlaps[first * chains.count + second]
  }

  /// Chains that train on the same trajectories equally often, in lists of two or more.
  package var identical: [[Int]] {
    var runs: [[Int]] = []
    for index in chains.indices {
      if let run = runs.firstIndex(where: { overlap($0[0], index).isIdentical }) {
        runs[run].append(index)
      } else {
        runs.append([index])
      }
    }
    return runs.filter { $0.count > 1 }
  }
}
