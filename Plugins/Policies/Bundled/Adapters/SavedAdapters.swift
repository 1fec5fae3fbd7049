// SPDX-License-Identifier: Apache-2.0
import Foundation
import ModelInput
import PipelineCore
import Tensor

/// The adapters of a checkpoint, in peft's layout: `adapter/adapter_model.safetensors` and `adapter/adapter_config.json`.
struct SavedAdapters {
  static let folder = "adapter"
  private static let weights = folder + "/adapter_model.safetensors"

  private let file: SafetensorsFile
  private let family: ModelFamily

  /// - Throws: When the checkpoint has none.
  init(checkpoint: String, family: ModelFamily) throws {
    let path = "\(checkpoint)/\(Self.weights)"
    guard FileManager.default.fileExists(atPath: path) else {
      throw PipelineError(
        .invalidSpec,
        "\(checkpoint) has no \(Self.weights): it was not saved with 'lora'; open it with the options that it was saved with"
      )
    }
    file = try SafetensorsFile(path: path)
    self.family = family
  }

  /// Reads one matrix of an adapter.
  func read(_ tensor: TensorDeclaration, into target: UnsafeMutableBufferPointer<Float>) throws {
    guard let stored = file[Self.name(tensor.name, family)], stored.shape == tensor.shape else {
      throw PipelineError(
        .invalidSpec,
        "\(file.path) has no '\(tensor.name)' of the shape \(tensor.shape); open it with the 'lora' that it was saved with"
      )
    }
    stored.copy(into: target)
  }

  /// Writes adapters, and what peft needs to load them on top of the model in `base`.
  static func write(_ model: LanguageModel, _ settings: AdapterSettings, base: String, with writer: CheckpointWriter)
    throws
  {
    let family = model.config.family
    let parameters = model.adapters.flatMap(\.parameters)
    let declarations = parameters.map { parameter in
      SafetensorsWriter.Declaration(name(parameter.name, family), shape: parameter.tensors[0].shape, dtype: .float32)
    }
    let file = try writer.addFile(named: weights, tensors: declarations, metadata: [.init("format", "pt")])
    for (parameter, declaration) in zip(parameters, declarations) {
      try file.write(declaration.name, floats: UnsafeBufferPointer(parameter.variable.value.elements))
    }
    let names = settings.targets.joined(separator: "|")
    let config: JSONValue = [
      "peft_type": "LORA", "task_type": .null, "base_model_name_or_path": .string(base), "r": .number(settings.rank),
      "lora_alpha": .number(settings.alpha), "lora_dropout": .number(0), "bias": "none",
      // Towers have matrices of these names too.
      "target_modules": family.takesImages
        ? .string(".*language_model.*\\.(\(names))") : .array(settings.targets.map { .string($0) }),
    ]
    try writer.addFile(named: folder + "/adapter_config.json", bytes: Array((config.prettyJSON + "\n").utf8))
  }

  /// peft's name: that of transformers' module, which vision-language models have below `language_model`.
  private static func name(_ canonical: String, _ family: ModelFamily) -> String {
    let inner = family.takesImages ? "model.language_model." + canonical.dropFirst("model.".count) : canonical
    return "base_model.model." + inner
  }
}
