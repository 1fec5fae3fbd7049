// SPDX-License-Identifier: Apache-2.0
package import ModelInput
import PipelineCore
package import Tensor

/// Qwen2.5-VL: a vision tower and a decoder, with the weights of a checkpoint.
///
/// Not safe to use from several threads at once; the work of each call is shared among its own.
package final class QwenVLModel {
  /// The architecture.
  package let config: QwenVLConfig
  /// All weights in single precision, in a fixed order.
  package let parameters: [Parameter]
  /// The threads that compute.
  package let workers: Workers
  /// The memory of matrices.
  package let pool: MemoryPool
  let vision: VisionTower
  let decoder: Decoder

  /// Loads a model.
  ///
  /// - Throws: When a tensor is not finite, or the environment names kernels that this machine does not have.
  package init(_ checkpoint: Checkpoint, use: WeightUse, threads: Int) throws {
    if let refusal = InstructionSets.refusal { throw PipelineError(.invalidSpec, refusal) }
    config = checkpoint.config
    workers = Workers(threads: threads)
    pool = MemoryPool()
    let weights = ModelWeights(checkpoint, use: use, pool: pool)
    decoder = try Self.decoder(checkpoint.config, weights)
    vision = try Self.vision(checkpoint.config.vision, weights)
    parameters = weights.parameters
  }

  /// A tape for one computation.
  package func tape(isRecording: Bool) -> Tape<Float> { Tape(workers: workers, pool: pool, isRecording: isRecording) }

  private static func decoder(_ config: QwenVLConfig, _ weights: ModelWeights) throws -> Decoder {
    let embedding = try weights.weight("model.embed_tokens.weight")
    let layers = try (0..<config.text.layerCount).map { index in
      let prefix = "model.layers.\(index)."
      let attention = prefix + "self_attn."
      return TransformerLayer(
        firstNorm: try weights.vector(prefix + "input_layernorm.weight"),
        projection: LinearLayer(
          weight: try weights.weight(
            attention + "q_proj.weight", attention + "k_proj.weight", attention + "v_proj.weight"),
          bias: try weights.vector(attention + "q_proj.bias", attention + "k_proj.bias", attention + "v_proj.bias")),
        output: LinearLayer(weight: try weights.weight(attention + "o_proj.weight"), bias: nil),
        secondNorm: try weights.vector(prefix + "post_attention_layernorm.weight"),
        gateAndUp: LinearLayer(
          weight: try weights.weight(prefix + "mlp.gate_proj.weight", prefix + "mlp.up_proj.weight"), bias: nil),
        down: LinearLayer(weight: try weights.weight(prefix + "mlp.down_proj.weight"), bias: nil),
        normEpsilon: config.text.normEpsilon)
    }
    return Decoder(
      config: config.text, embedding: EmbeddingLayer(weight: embedding), layers: layers,
      finalNorm: try weights.vector("model.norm.weight"),
      outputWeight: config.outputEmbedding == .tied ? embedding : try weights.weight("lm_head.weight"))
  }

  private static func vision(_ config: QwenVLConfig.Vision, _ weights: ModelWeights) throws -> VisionTower {
    func linear(_ name: String) throws -> LinearLayer {
      LinearLayer(weight: try weights.weight(name + ".weight"), bias: try weights.vector(name + ".bias"))
    }
    let patchEmbedding = LinearLayer(weight: try weights.weight("visual.patch_embed.proj.weight"), bias: nil)
    let blocks = try (0..<config.depth).map { index in
      let prefix = "visual.blocks.\(index)."
      return TransformerLayer(
        firstNorm: try weights.vector(prefix + "norm1.weight"), projection: try linear(prefix + "attn.qkv"),
        output: try linear(prefix + "attn.proj"), secondNorm: try weights.vector(prefix + "norm2.weight"),
        gateAndUp: LinearLayer(
          weight: try weights.weight(prefix + "mlp.gate_proj.weight", prefix + "mlp.up_proj.weight"),
          bias: try weights.vector(prefix + "mlp.gate_proj.bias", prefix + "mlp.up_proj.bias")),
        down: try linear(prefix + "mlp.down_proj"), normEpsilon: config.normEpsilon)
    }
    return VisionTower(
      config: config, patchEmbedding: patchEmbedding, blocks: blocks,
      mergerNorm: try weights.vector("visual.merger.ln_q.weight"), mergerFirst: try linear("visual.merger.mlp.0"),
      mergerSecond: try linear("visual.merger.mlp.2"))
  }
}
