// SPDX-License-Identifier: Apache-2.0
import ModelInput
package import PipelineCore

/// Low-rank adapters: the trainable part is `B · A`, scaled by alpha / rank, added to the weights.
///
/// Source: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models" (arXiv 2106.09685).
package struct AdapterOptions: ComponentOptions, Hashable {
  package var rank = 0
  package var alpha = 16.0
  package var targets = AdapterSettings.matrices

  /// None.
  package init() {}

  /// The help for each option.
  package static let help = [
    "rank": "the rank of the adapters; 0 trains the weights themselves",
    "alpha": "adapters are scaled by alpha / rank",
    "targets": "the matrices of the decoder's layers that get adapters",
  ]

  /// The problems of the values.
  package func problems() -> [OptionProblem] {
    var problems: [OptionProblem] = []
    if !(0...1024).contains(rank) { problems.append(OptionProblem("rank", "is \(rank), it must be in 0...1024")) }
    if !(alpha > 0 && alpha.isFinite) { problems.append(OptionProblem("alpha", "is \(alpha), it must be more than 0")) }
    let known = AdapterSettings.matrices.joined(separator: ", ")
    if let odd = targets.first(where: { !AdapterSettings.matrices.contains($0) }) {
      problems.append(OptionProblem("targets", "has \(odd.quotedForMessage), it may have \(known)"))
    }
    if targets.isEmpty { problems.append(OptionProblem("targets", "is empty; name some of \(known)")) }
    return problems
  }
}

/// The adapters that a model gets.
package struct AdapterSettings: Sendable, Hashable {
  /// The width between the two matrices of an adapter.
  package var rank: Int
  /// Adapters are scaled by alpha / rank.
  package var alpha: Double
  /// The matrices that get adapters, by their names in a layer.
  package var targets: [String]
  /// A checkpoint whose adapters to go on with; without one they begin by changing nothing.
  package var checkpoint: String?

  /// All matrices of a decoder's layers, as the authors of QLoRA advise (arXiv 2305.14314).
  package static let matrices = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

  /// Settings.
  package init(rank: Int, alpha: Double, targets: [String] = matrices, checkpoint: String? = nil) {
    self.rank = rank
    self.alpha = alpha
    self.targets = targets
    self.checkpoint = checkpoint
  }

  /// What an adapter's product is multiplied by.
  var scale: Double { alpha / Double(rank) }

  /// Whether a matrix gets an adapter.
  func covers(_ declaration: TensorDeclaration) -> Bool {
    guard !declaration.isOfTower, declaration.name.hasSuffix(".weight") else { return false }
    return targets.contains { declaration.name.hasSuffix(".\($0).weight") }
  }

  func noneFits(_ config: ModelConfig) -> PipelineError {
    PipelineError(.invalidSpec, "'lora.targets' names no matrix of \(config.family.title)")
  }
}
