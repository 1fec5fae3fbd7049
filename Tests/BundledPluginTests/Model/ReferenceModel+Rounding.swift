// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import PipelineCore
import RoundingBounds

extension ReferenceModel {
  /// A copy in which every weight is changed a little, and by what share of itself at least.
  func changed(seed: UInt64) throws -> (model: ReferenceModel, relative: Double) {
    let scratch = try Scratch()
    let copy = scratch.path + "/" + description
    try FileManager.default.copyItem(atPath: folder, toPath: copy)
    let relative = try WeightChange.apply(toFile: copy + "/model/model.safetensors", seed: seed)
    return (ReferenceModel(folder: copy, scratch: scratch), relative)
  }

  /// The longest sum over the inputs or the outputs of a layer; the vocabulary is one.
  func width() throws -> Int {
    try model().config.expectedTensors.map { max($0.shape[0], $0.count / $0.shape[0]) }.max() ?? 1
  }

  /// How far the log-probabilities of responses may lie apart that are computed in two orders.
  func logProbBound(_ groups: [ResponseGroup], temperature: Double) async throws -> Float {
    let found = try await policy().logProbs(of: groups, temperature: temperature).joined()
    var (change, relative) = (Float(0), 1.0)
    for seed in 1...2 as ClosedRange<UInt64> {
      let (model, share) = try changed(seed: seed)
      relative = share
      let moved = try await model.policy().logProbs(of: groups, temperature: temperature).joined()
      change = max(change, zip(found, moved).map { largestDifference($0, $1) }.max() ?? 0)
    }
    // Sums over a layer's inputs, over the vocabulary and over the context.
    let context = groups.map { $0.prompt.tokens.count + ($0.responses.map(\.count).max() ?? 0) }.max() ?? 0
    return RoundingBound(terms: max(try width(), context)).difference(
      change: change, relative: relative, scale: found.joined().map { abs($0) }.max() ?? 0)
  }
}
