// SPDX-License-Identifier: Apache-2.0
import Foundation
import ModelInput
package import PipelineCore

/// A policy in a process of its own, as named in a spec: on PyTorch, on one or more GPUs.
package struct WorkerPolicyBackend: PolicyBackend {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "worker", summary: "Qwen2.5-VL on PyTorch in a process of its own: on GPUs, sharded, with LoRA")

  /// Everything that a pipeline can ask for.
  package let offers = Set(PolicyAbility.allCases)
  private let options: Options

  /// Makes the backend.
  package init(options: Options, assembly: Assembly) { self.options = options }

  /// As `config.json` has it.
  package func contextLength(in folder: String) -> Int? {
    try? ModelConfig(folder: options.model.resolved(in: folder)).text.contextLength
  }

  /// The model's `config.json`, and its weights or their index, if this machine has them.
  package func files(in folder: String) -> [String] {
    ModelFiles.identifying(in: options.model.resolved(in: folder))
  }

  /// Starts the worker, and lets it load the model, or a checkpoint of it.
  ///
  /// - Throws: What is wrong with the model or the worker, with the remedy.
  package func open(_ opening: PolicyOpening) async throws -> Policy {
    let worker = try await worker(opening)
    var policy = Policy(worker) { await worker.close() }
    policy.reference = WorkerReference(policy: worker)
    if opening.purpose == .inference { (policy.trainable, policy.entropyTrainable) = (nil, nil) }
    return policy
  }

  /// Starts the worker, as ``open(_:)`` does.
  package func worker(_ opening: PolicyOpening) async throws -> WorkerPolicy {
    let model = options.model.resolved(in: opening.folder)
    // Before anything is started, because most mistakes are found here.
    let codec = try PromptCodec(folder: model, pixels: options.pixels)
    let notice = WaitingNotice(opening.progressed)
    defer { notice.end() }
    notice.say(
      options.connect.isEmpty ? "starting the policy's worker" : "waiting for a policy's worker at \(options.connect)")
    let connection = try await WorkerStart(options: options, opening: opening).connection()
    notice.say("the policy's worker loads \(model)")
    let frame = try await connection.ask(
      .init(kind: "load", members: members(model.absolutePath, opening, codec.images), limit: options.limits.load))
    let facts = frame.header["facts"]
    guard let parameterCount = facts?["parameter_count"]?.intValue else {
      throw PipelineError(.policyWorker, "the policy's worker has loaded a model and does not say how large it is")
    }
    let expected = codec.facts(parameterCount: parameterCount)
    guard facts?["vocabulary_size"]?.intValue == expected.vocabularySize else {
      throw PipelineError(
        .policyWorker,
        "the policy's worker has loaded a model with \(facts?["vocabulary_size"]?.json ?? "no") token ids, \(model) has "
          + "\(expected.vocabularySize); see that both machines have the same model under that path")
    }
    return WorkerPolicy(
      connection, codec: codec, limits: options.limits, parameterCount: parameterCount, media: opening.media)
  }

  /// The contents of the message `load`.
  private func members(
    _ model: String, _ opening: PolicyOpening, _ images: ImageProcessorConfig
  ) -> [JSONValue.Member] {
    let choices: JSONValue = [
      "vision": .string(options.vision.rawValue), "device": .string(options.device.rawValue),
      "dtype": .string(options.dtype.rawValue), "attention": .string(options.attention),
      "sharding": .string(options.sharding.rawValue), "gradient_checkpointing": .bool(options.gradientCheckpointing),
      "rows_per_micro_batch": .number(options.rowsPerMicroBatch),
      "min_pixels": .number(images.minPixels), "max_pixels": .number(images.maxPixels),
      "threads": .number(max(1, opening.threads / options.ranks)),
      "lora": ["rank": .number(options.lora.rank), "alpha": .number(options.lora.alpha)],
      "optimizer": .string(options.optimizer.rawValue),
      "generation": [
        "engine": .string(options.generation.engine.rawValue),
        "rows_at_once": .number(options.generation.rowsAtOnce),
        "memory_share": .number(options.generation.memoryShare),
        "tensor_parallel": .number(options.generation.tensorParallel),
      ],
    ]
    return [
      .init("model", .string(model)),
      .init("checkpoint", opening.checkpoint.map { .string($0.absolutePath) } ?? .null),
      .init("purpose", .string(opening.purpose == .training ? "training" : "inference")), .init("options", choices),
    ]
  }
}
