// SPDX-License-Identifier: Apache-2.0
import Foundation
import ModelInput
package import PipelineCore

/// A policy in a process of its own, as named in a spec: on PyTorch, on one or more GPUs.
package struct WorkerPolicyBackend: PolicyBackend {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "worker",
    summary: "any model of transformers on PyTorch, in a process of its own: on GPUs, sharded, with LoRA")

  /// Everything that a pipeline can ask for.
  package let offers = Set(PolicyAbility.allCases)
  private let options: Options

  /// Makes the backend.
  package init(options: Options, assembly: Assembly) { self.options = options }

  /// As `config.json` has it.
  package func contextLength(in folder: String) -> Int? {
    let config = try? DocumentFile.object(options.model.resolved(in: folder) + "/config.json")
    return ["max_position_embeddings", "n_positions"].lazy.compactMap { key in
      (config?["text_config"]?[key] ?? config?[key])?.intValue
    }.first
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
    policy.notes = worker.notes
    if opening.purpose == .inference { (policy.trainable, policy.entropyTrainable) = (nil, nil) }
    return policy
  }

  /// Starts the worker, as ``open(_:)`` does.
  package func worker(_ opening: PolicyOpening) async throws -> WorkerPolicy {
    let model = options.model.resolved(in: opening.folder)
    // Before anything is started, because most mistakes are found here.
    let (codec, reason) = try knownCodec(model)
    let notice = WaitingNotice(opening.progressed)
    defer { notice.end() }
    notice.say(
      options.connect.isEmpty ? "starting the policy's worker" : "waiting for a policy's worker at \(options.connect)")
    let connection = try await WorkerStart(options: options, opening: opening).connection()
    notice.say("the policy's worker loads \(model)")
    let frame = try await connection.ask(
      .init(kind: "load", members: members(model.absolutePath, opening, codec), limit: options.limits.load))
    let facts = try WorkerFacts(frame)
    if let codec {
      try check(facts, codec, model)
      try await PromptComparison(codec: codec, connection: connection, limit: options.limits.load).run()
    } else if facts.endTokens.isEmpty {
      throw PipelineError(
        .policyWorker, "the policy's worker has loaded a model and does not say which of its tokens end a response")
    }
    return WorkerPolicy(
      connection, prompts: codec.map(WorkerPrompts.pipeline) ?? .worker(facts), limits: options.limits,
      parameterCount: facts.parameterCount, media: opening.media, notes: [facts.note, reason].filter { !$0.isEmpty })
  }

  /// What makes tokens and pixels here; nil where the worker does, by the model's own processor, with the reason if it is not
  /// plain: a known family with a file that is read elsewhere, such as a tokenizer of another kind.
  ///
  /// - Throws: When there is no model, or an option is for the other way.
  private func knownCodec(_ model: String) throws -> (codec: PromptCodec?, reason: String) {
    var reason = ""
    if options.prompts == .auto {
      do {
        return (try PromptCodec(folder: model, pixels: options.pixels), "")
      } catch let error as PipelineError where error.code != .invalidData {
        throw error
      } catch let error as PipelineError {
        reason = "the model's own processor makes tokens and pixels, since this program does not: \(error.message)"
      } catch is PipelineErrors {
        // Another family, or one with layers that are not computed here.
      }
    }
    guard options.pixels == PixelLimits() else {
      throw PipelineError(
        .invalidSpec,
        "policy.with.min_pixels and max_pixels are for families whose images get their size here; for \(model) the model's "
          + "own processor does that: leave them out, and change its preprocessor_config.json or processor_config.json")
    }
    return (nil, reason)
  }

  private func check(_ facts: WorkerFacts, _ codec: PromptCodec, _ model: String) throws {
    let expected = codec.limits.vocabularySize
    guard facts.limits.vocabularySize == expected else {
      throw PipelineError(
        .policyWorker,
        "the policy's worker has loaded a model with \(facts.limits.vocabularySize) token ids, \(model) has \(expected); see "
          + "that both machines have the same model under that path")
    }
  }

  /// The contents of the message `load`.
  private func members(
    _ model: String, _ opening: PolicyOpening, _ codec: PromptCodec?
  ) -> [JSONValue.Member] {
    let images = codec?.images ?? ImageProcessorConfig()
    let choices: JSONValue = [
      "vision": .string(options.vision.rawValue), "device": .string(options.device.rawValue),
      "dtype": .string(options.dtype.rawValue), "attention": .string(options.attention),
      "sharding": .string(options.sharding.rawValue), "gradient_checkpointing": .bool(options.gradientCheckpointing),
      "rows_per_micro_batch": .number(options.rowsPerMicroBatch), "packing": .string(options.packing.rawValue),
      "min_pixels": .number(images.minPixels), "max_pixels": .number(images.maxPixels),
      "threads": .number(max(1, opening.threads / options.ranks)),
      "prompts": .string(WorkerPrompts.name(codec)),
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
