// SPDX-License-Identifier: Apache-2.0
package import ModelInput
import PipelineCore
package import Tensor

/// A decoder, and a vision tower where the model has one, with the weights of a checkpoint.
///
/// Not safe to use from several threads at once; the work of each call is shared among its own.
package final class LanguageModel {
  /// The architecture.
  package let config: ModelConfig
  /// All weights in single precision, in a fixed order.
  package let parameters: [Parameter]
  /// The threads that compute.
  package let workers: Workers
  /// The memory of matrices.
  package let pool: MemoryPool
  /// The adapters, where they are trained in place of the weights.
  let adapters: [Adapter]
  /// Whether adapters count.
  let adapterSwitch: AdapterSwitch
  /// The format of the decoder's weights when responses are sampled.
  let rolloutWeights: WeightFormat
  let vision: (any VisionTower)?
  let decoder: Decoder

  /// Loads a model.
  ///
  /// - Throws: When a tensor is not finite, or the environment names kernels that this machine does not have.
  package init(
    _ checkpoint: Checkpoint, use: WeightUse, rolloutWeights: WeightFormat = .float32, threads: Int
  ) throws {
    self.rolloutWeights = rolloutWeights
    if let refusal = InstructionSets.refusal { throw PipelineError(.invalidSpec, refusal) }
    config = checkpoint.config
    workers = Workers(threads: threads)
    pool = MemoryPool()
    let weights = try ModelWeights(checkpoint, use: use, sampling: rolloutWeights, pool: pool)
    decoder = try Decoder(checkpoint.config, weights)
    vision = try checkpoint.config.vision.flatMap { try checkpoint.config.family.tower?.init($0, weights) }
    parameters = weights.parameters
    (adapters, adapterSwitch) = (weights.adapters, weights.adapterSwitch)
    if case .adapters(let settings) = use, adapters.isEmpty { throw settings.noneFits(config) }
    releaseUnusedMemory()
  }

  /// A tape for sampling, with weights in a format of its own.
  package func samplingTape() -> Tape<Float> {
    Tape(workers: workers, pool: pool, isRecording: false, weights: rolloutWeights)
  }

  /// A tape for one computation.
  package func tape(isRecording: Bool) -> Tape<Float> { Tape(workers: workers, pool: pool, isRecording: isRecording) }
}
