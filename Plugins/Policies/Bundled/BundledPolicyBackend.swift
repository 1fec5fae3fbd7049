// SPDX-License-Identifier: Apache-2.0
import Foundation
package import ModelInput
package import PipelineCore
import Tensor

/// The bundled policy as named in a spec.
package struct BundledPolicyBackend: PolicyBackend {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "bundled",
    summary:
      "Qwen2-VL, Qwen2.5-VL, Qwen3-VL, and the text models Qwen2, Qwen3 and Llama, on this machine's CPU, from a "
      + "folder in the Hugging Face layout")

  /// The options.
  package struct Options: ComponentOptions {
    package var model = SpecPath("")
    package var vision = VisionUse.frozen
    package var lora = AdapterOptions()
    package var rolloutWeights = RolloutWeights.float32
    package var rowsPerMicroBatch = BundledPolicy.Options().rowsPerMicroBatch
    package var minPixels = PixelLimit.model
    package var maxPixels = PixelLimit.model
    package var optimizer = OptimizerChoice.fresh

    /// No model is set.
    package init() {}

    /// The help for each option.
    package static let help = [
      "model": "the folder of the model, relative to the spec's: config.json, model.safetensors, tokenizer.json",
      "vision": VisionUse.help,
      "lora": "train low-rank adapters of the decoder instead of its weights, which then stay in the model's files",
      "rollout_weights":
        "the decoder's weights when responses are sampled: float32, bfloat16 or int8; log-probabilities and updates use float32",
      "optimizer":
        "what a new run begins with: fresh, or continue, which takes the optimizer's state in the model's folder, a checkpoint "
        + "of another run; a resume always takes its own",
      "rows_per_micro_batch": "tokens that are computed at a time; fewer need less memory, and change no gradient",
    ].merging(PixelLimits.help) { own, _ in own }

    var pixels: PixelLimits { PixelLimits(minPixels: minPixels, maxPixels: maxPixels) }

    /// The problems of the values.
    package func problems() -> [OptionProblem] {
      var problems: [OptionProblem] = []
      if model.text.isEmpty || model.isStandardStream {
        problems.append(OptionProblem("model", "is missing; name the folder of a model"))
      }
      if rowsPerMicroBatch < 1 {
        problems.append(OptionProblem("rows_per_micro_batch", "is \(rowsPerMicroBatch), it must be at least 1"))
      }
      if lora.rank > 0, vision != .frozen {
        problems.append(
          OptionProblem(
            "vision", "is \(vision.rawValue), but 'lora' trains adapters of the decoder alone; leave one out"))
      }
      if lora.rank > 0, rolloutWeights != .float32 {
        problems.append(
          OptionProblem(
            "rollout_weights",
            "is \(rolloutWeights.rawValue), but with 'lora' the weights stay in the model's files as they are; save the model in "
              + "BF16, which is then read so, and leave rollout_weights out"))
      }
      if lora.rank > 0, optimizer == .continue {
        problems.append(
          OptionProblem("optimizer", "is continue, but 'lora' begins with new adapters, of which there is no state"))
      }
      return problems + pixels.problems
    }
  }

  /// Everything that a pipeline can ask for.
  package let offers = Set(PolicyAbility.allCases)
  private let options: Options

  /// Makes the backend.
  package init(options: Options, assembly: Assembly) { self.options = options }

  /// The model's `config.json`, and its weights or their index.
  package func files(in folder: String) -> [String] {
    ModelFiles.identifying(in: options.model.resolved(in: folder))
  }

  /// How the kernels round, which is all that differs between processors.
  package var machine: [String: String] {
    let sampling =
      options.rolloutWeights == .bfloat16 && InstructionSets.multipliesBFloat16 ? ", sampling in bfloat16" : ""
    return ["arithmetic": InstructionSets.arithmetic + sampling]
  }

  /// As `config.json` has it.
  package func contextLength(in folder: String) -> Int? {
    try? ModelConfig(folder: options.model.resolved(in: folder)).text.contextLength
  }

  /// From the shapes in the model's files.
  package func memory(
    for needs: Set<PolicyAbility>, sampling: [SamplingLoad], in folder: String
  ) -> PolicyMemory? {
    guard let checkpoint = try? Checkpoint(folder: options.model.resolved(in: folder)) else { return nil }
    let estimate = MemoryEstimate(checkpoint)
    let learns = needs.contains(.training)
    let use: MemoryEstimate.Use =
      !learns ? .inference : options.lora.rank > 0 ? .adapters(options.lora) : .training(vision: options.vision)
    var memory = estimate.memory(
      use, rowsPerMicroBatch: options.rowsPerMicroBatch, sampling: sampling)
    // What is sampled in a format of its own is not read from the files as it is there.
    let unmapped = options.rolloutWeights == .float32 ? 0 : 2 * estimate.mappedWeights
    if options.rolloutWeights != .float32 {
      let narrow = estimate.decoderMatrices * options.rolloutWeights.byteCount
      memory.parts.append(.init("weights for rollouts", byteCount: narrow + (learns ? 0 : unmapped)))
    }
    // A reference is the model without its adapters, or a second policy.
    if needs.contains(.reference), options.lora.rank == 0 {
      let second = estimate.widenedWeights + unmapped
      memory.parts.append(.init("the reference's weights", byteCount: second))
    }
    return memory
  }

  /// Opens the model, or a checkpoint of it.
  ///
  /// - Throws: Everything that is wrong with the checkpoint, together.
  package func open(_ opening: PolicyOpening) async throws -> Policy {
    var policy = BundledPolicy.Options()
    policy.use = opening.purpose == .inference ? .inference : .training(vision: options.vision)
    policy.threads = opening.threads
    policy.media = opening.media
    policy.rowsPerMicroBatch = options.rowsPerMicroBatch
    policy.pixels = options.pixels
    policy.rolloutWeights = options.rolloutWeights
    if opening.purpose == .training {
      policy.optimizer = opening.checkpoint != nil ? .saved : options.optimizer == .continue ? .required : .fresh
    }
    let model = options.model.resolved(in: opening.folder)
    if options.lora.rank > 0 {
      policy.adapters = AdapterSettings(
        rank: options.lora.rank, alpha: options.lora.alpha, targets: options.lora.targets,
        checkpoint: opening.checkpoint)
    }
    // Adapters are applied to the model that they were made for.
    let folder = policy.adapters == nil ? opening.checkpoint ?? model : model
    opening.progressed("opening \(folder)")
    let bundled = try BundledPolicy(folder: folder, options: policy)
    var opened = Policy(bundled)
    if policy.adapters != nil { opened.reference = BundledReference(policy: bundled) }
    if opening.purpose == .inference { (opened.trainable, opened.entropyTrainable) = (nil, nil) }
    return opened
  }
}
