// SPDX-License-Identifier: Apache-2.0

package import ModelInput

/// A tensor that a model has: its canonical name and its shape.
package struct TensorDeclaration: Sendable, Hashable {
  /// The name, as in the published checkpoints: `model.layers.0.mlp.up_proj.weight`, `visual.…`.
  package let name: String
  /// The shape, outermost first; `[output, input]` for the matrix of a linear map.
  package let shape: [Int]

  /// Declares a tensor.
  package init(_ name: String, _ shape: [Int]) {
    self.name = name
    self.shape = shape
  }

  /// The number of elements.
  package var count: Int { shape.reduce(1, *) }
}

extension QwenVLConfig {
  /// Every tensor of the architecture: the decoder from input to output, then the vision tower from input to output.
  ///
  /// `lm_head.weight` is included only if it is a separate matrix.
  package var expectedTensors: [TensorDeclaration] { text.tensors(output: outputEmbedding) + vision.tensors }
}

extension QwenVLConfig.Text {
  fileprivate func tensors(output: QwenVLConfig.OutputEmbedding) -> [TensorDeclaration] {
    var list = [TensorDeclaration("model.embed_tokens.weight", [vocabularySize, hiddenSize])]
    func linear(_ name: String, _ rows: Int, _ columns: Int, hasBias: Bool) {
      list.append(TensorDeclaration(name + ".weight", [rows, columns]))
      if hasBias { list.append(TensorDeclaration(name + ".bias", [rows])) }
    }
    for layer in 0..<layerCount {
      let prefix = "model.layers.\(layer)."
      list.append(TensorDeclaration(prefix + "input_layernorm.weight", [hiddenSize]))
      linear(prefix + "self_attn.q_proj", hiddenSize, hiddenSize, hasBias: true)
      linear(prefix + "self_attn.k_proj", keyValueHeadCount * headSize, hiddenSize, hasBias: true)
      linear(prefix + "self_attn.v_proj", keyValueHeadCount * headSize, hiddenSize, hasBias: true)
      linear(prefix + "self_attn.o_proj", hiddenSize, hiddenSize, hasBias: false)
      list.append(TensorDeclaration(prefix + "post_attention_layernorm.weight", [hiddenSize]))
      linear(prefix + "mlp.gate_proj", intermediateSize, hiddenSize, hasBias: false)
      linear(prefix + "mlp.up_proj", intermediateSize, hiddenSize, hasBias: false)
      linear(prefix + "mlp.down_proj", hiddenSize, intermediateSize, hasBias: false)
    }
    list.append(TensorDeclaration("model.norm.weight", [hiddenSize]))
    if output == .untied { linear("lm_head", vocabularySize, hiddenSize, hasBias: false) }
    return list
  }
}

extension QwenVLConfig.Vision {
  fileprivate var tensors: [TensorDeclaration] {
    var list = [
      TensorDeclaration(
        "visual.patch_embed.proj.weight", [hiddenSize, channelCount, temporalPatchSize, patchSize, patchSize])
    ]
    func linear(_ name: String, _ rows: Int, _ columns: Int) {
      list.append(TensorDeclaration(name + ".weight", [rows, columns]))
      list.append(TensorDeclaration(name + ".bias", [rows]))
    }
    for block in 0..<depth {
      let prefix = "visual.blocks.\(block)."
      list.append(TensorDeclaration(prefix + "norm1.weight", [hiddenSize]))
      linear(prefix + "attn.qkv", 3 * hiddenSize, hiddenSize)
      linear(prefix + "attn.proj", hiddenSize, hiddenSize)
      list.append(TensorDeclaration(prefix + "norm2.weight", [hiddenSize]))
      linear(prefix + "mlp.gate_proj", intermediateSize, hiddenSize)
      linear(prefix + "mlp.up_proj", intermediateSize, hiddenSize)
      linear(prefix + "mlp.down_proj", hiddenSize, intermediateSize)
    }
    let merged = hiddenSize * spatialMergeSize * spatialMergeSize
    list.append(TensorDeclaration("visual.merger.ln_q.weight", [hiddenSize]))
    linear("visual.merger.mlp.0", merged, merged)
    linear("visual.merger.mlp.2", outputSize, merged)
    return list
  }
}
