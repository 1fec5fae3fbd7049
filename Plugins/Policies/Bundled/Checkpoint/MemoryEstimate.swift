// SPDX-License-Identifier: Apache-2.0
package import ModelInput
package import PipelineCore

/// The memory that a model takes, in bytes, estimated from its shapes.
///
/// It counts the matrices that a policy holds at a time. Responses are sampled when there are no activations, so that the larger of
/// the two counts.
package struct MemoryEstimate: Sendable {
  /// For inference, matrices that stay in the mapped files: those in bfloat16.
  package let mappedWeights: Int
  /// For inference, weights that are converted to single precision.
  package let widenedWeights: Int
  /// Keys and values of 1,000 tokens during generation.
  package let cachePerThousandTokens: Int
  /// For training, all weights in single precision.
  package let trainingWeights: Int
  /// The packed form of the matrices that are kept in rows too: for inference an output layer that is also the embedding, for
  /// adapters those that are not mapped, for training all.
  package let packedWeights: (inference: Int, adapters: Int, training: Int)
  /// Weights of the decoder's linear layers.
  package let decoderMatrices: Int
  /// Gradients and two moments of the trainable weights.
  package func gradientsAndMoments(_ vision: VisionUse) -> Int {
    let counts = checkpoint.parameterCounts
    return switch vision {
    case .frozen: 12 * (counts.language + counts.embeddings)
    case .projector:
      12 * (counts.language + counts.embeddings + config.projectorTensors.reduce(0) { $0 + $1.count })
    case .trained: 12 * checkpoint.parameterCount
    }
  }
  /// What the decoder keeps for the backward pass of 1,000 rows (tokens of prompts and responses).
  package var activationsPerThousandRows: Int { activations(1000) }
  /// What the vision tower keeps for 1,000 patches.
  package let activationsPerThousandPatches: Int

  private let checkpoint: Checkpoint
  var config: ModelConfig { checkpoint.config }

  /// What a policy is opened for.
  package enum Use {
    /// Responses and log-probabilities.
    case inference
    /// Adapters are trained.
    case adapters(AdapterOptions)
    /// Weights are trained.
    case training(vision: VisionUse)

    /// Whether something is kept for a backward pass; it is the last part.
    var hasActivations: Bool { if case .inference = self { false } else { true } }
  }

  /// What a policy takes, and what to change where that is too much.
  ///
  /// - Parameter sampling: What is sampled at a time, one load after the other.
  package func memory(_ use: Use, rowsPerMicroBatch rows: Int, sampling: [SamplingLoad] = []) -> PolicyMemory {
    var memory = matrices(use, rows)
    if let part = samplingPart(sampling) { memory.add(part, besideActivations: use.hasActivations) }
    // The pool rounds sizes up by at most an eighth.
    memory.parts.append(.init("rounding of sizes", byteCount: memory.byteCount / 16))
    return memory
  }

  private func matrices(_ use: Use, _ rows: Int) -> PolicyMemory {
    let atATime = "up to \(rows) rows at a time"
    switch use {
    case .inference:
      return PolicyMemory(
        parts: [.init("weights", byteCount: widenedWeights + packedWeights.inference)],
        remedies: mappedWeights == 0
          ? ["save the weights in BF16, which stay in the files", Self.another] : [Self.another])
    case .adapters(let options):
      return PolicyMemory(
        parts: [
          .init("weights", byteCount: widenedWeights + packedWeights.adapters),
          .init("adapters, gradients and moments", byteCount: adapters(options)),
          .init(atATime, byteCount: activations(rows) + 4 * rows * adapted(options).count * options.rank),
        ], remedies: [Self.fewerRows, Self.another])
    case .training(let vision):
      return PolicyMemory(
        parts: [
          .init("weights", byteCount: trainingWeights),
          .init("their packed form", byteCount: packedWeights.training),
          .init("gradients and moments", byteCount: gradientsAndMoments(vision)),
          .init(atATime, byteCount: activations(rows)),
        ], remedies: ["set 'lora', which trains adapters", Self.fewerRows, Self.another])
    }
  }

  private static let fewerRows = "lower 'rows_per_micro_batch'"
  private static let another = "take a smaller model, or the policy \"worker\" on a machine with more"

  /// Adapters with their gradients and two moments, in bytes.
  package func adapters(_ options: AdapterOptions) -> Int {
    16 * max(1, options.rank) * adapted(options).reduce(0) { $0 + $1.shape[0] + $1.shape[1] }
  }

  /// The matrices that get adapters.
  private func adapted(_ options: AdapterOptions) -> [TensorDeclaration] {
    let settings = AdapterSettings(rank: max(1, options.rank), alpha: options.alpha, targets: options.targets)
    return checkpoint.config.expectedTensors.filter(settings.covers)
  }

  /// What the decoder keeps for the backward pass of some rows, with what else is there at the same time, in bytes.
  ///
  /// As if every row predicted a token: those of prompts predict none.
  package func activations(_ rows: Int) -> Int {
    let text = checkpoint.config.text
    let kept = rows * Self.keptPerRow(text, normsHeads: checkpoint.config.family.decoder.normsHeads)
    // Logits are in memory for as many rows at a time as fit in 32 MB, beside the predicting rows, their norm and its gradient.
    let logits = min(rows * text.vocabularySize, max(text.vocabularySize, 8 << 20)) + rows * 3 * text.hiddenSize
    // Then there are gradients, at most those in the last layer: of its output, and of gate, up and their product.
    let gradients = rows * (text.hiddenSize + 3 * text.intermediateSize)
    return 4 * (kept + max(logits, gradients))
  }

  /// How the activations are estimated, in a sentence.
  package static let method =
    "the results of every operation of every layer in single precision, and logits or the gradients of one layer"

  /// Computes the estimate.
  package init(_ checkpoint: Checkpoint) {
    self.checkpoint = checkpoint
    let config = checkpoint.config
    let tensors = checkpoint.tensors
    let isMapped = { (tensor: StoredTensor) in tensor.dtype == .bfloat16 && tensor.shape.count > 1 }
    mappedWeights = tensors.filter(isMapped).reduce(0) { $0 + 2 * $1.count }
    widenedWeights = tensors.filter { !isMapped($0) }.reduce(0) { $0 + 4 * $1.count }
    trainingWeights = 4 * checkpoint.parameterCount
    let isTied = config.outputEmbedding == .tied
    let products = tensors.filter { $0.shape.count > 1 && (isTied || $0.name != "model.embed_tokens.weight") }
    let widened = products.filter { !isMapped($0) }
    packedWeights = (
      widened.filter { isTied && $0.name == "model.embed_tokens.weight" }.reduce(0) { $0 + 4 * $1.count },
      widened.reduce(0) { $0 + 4 * $1.count }, products.reduce(0) { $0 + 4 * $1.count }
    )
    decoderMatrices = products.filter { !TensorDeclaration($0.name, $0.shape).isOfTower }.reduce(0) { $0 + $1.count }
    let (text, vision) = (config.text, config.vision)
    cachePerThousandTokens = 4 * 1000 * text.layerCount * 2 * text.keyValueWidth
    activationsPerThousandPatches = vision.map(Self.perThousandPatches) ?? 0
  }

  /// The elements that are kept for a row of the decoder.
  private static func keptPerRow(_ text: ModelConfig.Text, normsHeads: Bool) -> Int {
    let (queries, keysAndValues) = (text.queryWidth, 2 * text.keyValueWidth)
    // Two norms, two residual sums; attention; queries, keys and values; gate, up and their product; log-sums.
    var layer =
      4 * text.hiddenSize + queries + (queries + keysAndValues) + 3 * text.intermediateSize + text.headCount + 2
    // Queries and keys as they were before their norms.
    if normsHeads { layer += queries + keysAndValues / 2 + text.headCount + text.keyValueHeadCount }
    // In addition to the layers: embeddings, rotary angles.
    return text.layerCount * layer + text.hiddenSize + text.headSize
  }

  private static func perThousandPatches(_ vision: ModelConfig.Vision) -> Int {
    // A gated feed-forward part keeps gate, up and their product, a plain one what goes into its function and out of it.
    let inner = (vision.activation == .silu ? 3 : 2) * vision.intermediateSize
    let block = 8 * vision.hiddenSize + inner + vision.headCount + 2
    let square = vision.spatialMergeSize * vision.spatialMergeSize
    // In addition to the blocks: the patches, their embedding before and after sorting, and the mergers' results.
    let others =
      vision.patchValueCount + 5 * vision.hiddenSize + vision.headSize + 2 * vision.outputSize / square
      + vision.deepstackBlocks.count * (3 * vision.hiddenSize + vision.outputSize / square)
    return 4 * 1000 * ((vision.depth + 1) * block + others)
  }
}

extension PolicyMemory {
  /// Adds what sampling takes; where activations are the last part, the larger of the two counts.
  fileprivate mutating func add(_ sampling: Part, besideActivations: Bool) {
    if besideActivations, let activations = parts.last {
      if activations.byteCount >= sampling.byteCount { return }
      parts.removeLast()
    }
    parts.append(sampling)
    remedies.insert("lower 'max_tokens', or sample fewer responses at a time", at: 0)
  }
}

extension Checkpoint {
  /// The number of weights by part: vision tower, decoder without embeddings, input and output embeddings.
  package var parameterCounts: (vision: Int, language: Int, embeddings: Int) {
    var counts = (vision: 0, language: 0, embeddings: 0)
    for tensor in tensors {
      if TensorDeclaration(tensor.name, tensor.shape).isOfTower {
        counts.vision += tensor.count
      } else if tensor.name == "model.embed_tokens.weight" || tensor.name == "lm_head.weight" {
        counts.embeddings += tensor.count
      } else {
        counts.language += tensor.count
      }
    }
    return counts
  }
}
