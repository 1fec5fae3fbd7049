// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore

/// A checkpoint with random weights for the configuration in a folder.
enum FreshCheckpoint {
  /// Writes `model.safetensors` beside the `config.json` in a folder.
  ///
  /// Norms are 1 and biases 0. A matrix is normal with deviation 1/√inputs, so that what it gives has the size of what
  /// it gets; those that add to the residual stream are smaller by the root of how many there are, and the embedding has
  /// ``embeddingDeviation``. Each tensor's draws depend on the seed and its name alone.
  static func write(to folder: String, seed: UInt64) throws {
    let config = try ModelConfig(folder: folder)
    let path = folder + "/model.safetensors"
    let partial = folder + "/.model.safetensors.partial"
    try? FileManager.default.removeItem(atPath: partial)
    let tensors = config.expectedTensors
    let writer = try SafetensorsWriter(
      path: partial, tensors: tensors.map { .init($0.name, shape: $0.shape, dtype: .float32) })
    for tensor in tensors {
      try values(of: tensor, config: config, seed: seed).withUnsafeBufferPointer {
        try writer.write(tensor.name, floats: $0)
      }
    }
    try writer.finish()
    guard rename(partial, path) == 0 else { throw PipelineError(.inputOutput, "cannot write \(path)") }
  }

  /// Writes random weights for one tensor.
  static func write(_ name: String, of config: ModelConfig, seed: UInt64, with writer: CheckpointWriter) throws {
    guard let tensor = config.expectedTensors.first(where: { $0.name == name }) else { return }
    try values(of: tensor, config: config, seed: seed).withUnsafeBufferPointer { try writer.write(name, floats: $0) }
  }

  private static let embeddingDeviation = 0.05

  private static func values(of tensor: TensorDeclaration, config: ModelConfig, seed: UInt64) -> [Float] {
    if tensor.shape.count == 1 {
      let value: Float = tensor.name.hasSuffix(".bias") ? 0 : 1
      return [Float](repeating: value, count: tensor.count)
    }
    let deviation = deviation(of: tensor, config: config)
    var random = PhiloxGenerator(seed: seed, purpose: tensor.name)
    return (0..<tensor.count).map { _ in Float(deviation * normal(&random)) }
  }

  private static func deviation(of tensor: TensorDeclaration, config: ModelConfig) -> Double {
    if tensor.name == "model.embed_tokens.weight" { return embeddingDeviation }
    let inputs = Double(tensor.count / tensor.shape[0])
    let addsToResidual = ["o_proj.weight", "attn.proj.weight", "down_proj.weight"].contains(
      where: tensor.name.hasSuffix)
    let layers = tensor.name.hasPrefix("visual.") ? (config.vision?.depth ?? 0) : config.text.layerCount
    return (addsToResidual ? 1 / Double(2 * layers).squareRoot() : 1) / inputs.squareRoot()
  }

  /// A draw of the normal distribution, by Box and Muller's transform.
  private static func normal(_ random: inout PhiloxGenerator) -> Double {
    let (radius, angle) = (random.uniform(), random.uniform())
    return (-2 * log(radius)).squareRoot() * cos(2 * .pi * angle)
  }
}
