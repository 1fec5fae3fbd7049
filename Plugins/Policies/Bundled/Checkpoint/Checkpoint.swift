// SPDX-License-Identifier: Apache-2.0
import Foundation
package import ModelInput
import PipelineCore

/// A model's folder in the Hugging Face layout: its configuration, and its weights in memory-mapped files.
///
/// Opening it checks every tensor's name and shape against the architecture. Numbers are read on demand, so that a
/// large model takes no memory of its own.
package struct Checkpoint: Sendable {
  /// The folder.
  package let folder: String
  /// The model's shape.
  package let config: ModelConfig
  /// The ids that end an answer.
  package let generation: GenerationConfig
  /// All weights in the order of ``ModelConfig/expectedTensors``, under canonical names.
  package let tensors: [StoredTensor]
  /// The name of each of ``tensors`` in its file.
  let storedNames: [String]
  /// The files other than the weights; needed only for saving, so that only then does an unreadable file matter.
  let documents: Result<ModelDocuments, any Error>
  private let positions: [String: Int]

  /// The most tensors that are named when a checkpoint does not match its configuration.
  private static let mostFaults = 20

  /// Opens a folder.
  ///
  /// - Throws: When a file is missing or broken, when the architecture is not supported, and when tensors are missing,
  ///   surplus or of the wrong shape; the latter together.
  package init(folder: String) throws {
    try self.init(folder: folder, config: ModelConfig(folder: folder))
  }

  /// Opens a folder with a known configuration.
  init(folder: String, config: ModelConfig) throws {
    self.folder = folder
    self.config = config
    // Faults of generation_config.json are reported together with those of the weights.
    let generation = Result { try GenerationConfig(folder: folder, config: config) }
    let weights = Result { try Self.weights(folder: folder, config: config) }
    let faults = [generation.failure, weights.failure].compactMap(\.self)
    if faults.count > 1 { throw PipelineErrors(faults.flatMap(PipelineError.all)) }
    self.generation = try generation.get()
    (tensors, storedNames) = try weights.get()
    documents = Result { try ModelDocuments(folder: folder) }
    positions = Dictionary(uniqueKeysWithValues: tensors.enumerated().map { ($1.name, $0) })
  }

  /// The tensors of a folder under canonical names, and their names in the files.
  private static func weights(folder: String, config: ModelConfig) throws -> ([StoredTensor], [String]) {
    var found: [String: StoredTensor] = [:]
    var storedName: [String: String] = [:]
    for stored in try WeightFiles.tensors(folder: folder) where !WeightNames.isComputed(stored.name) {
      let name = WeightNames.canonical(stored.name)
      if let other = storedName.updateValue(stored.name, forKey: name) {
        throw PipelineError(.invalidData, "\(folder): '\(other)' and '\(stored.name)' are the same weights")
      }
      found[name] = stored.renamed(name)
    }
    let expected = config.expectedTensors
    try check(found, against: expected, config: config, folder: folder)
    return (expected.compactMap { found[$0.name] }, expected.compactMap { storedName[$0.name] })
  }

  /// A weight by its canonical name, or nil if the architecture does not have it.
  package func tensor(named name: String) -> StoredTensor? { positions[name].map { tensors[$0] } }

  /// The number of weights.
  package var parameterCount: Int { tensors.reduce(0) { $0 + $1.count } }

  private static func check(
    _ found: [String: StoredTensor], against expected: [TensorDeclaration], config: ModelConfig, folder: String
  ) throws {
    var faults: [String] = []
    for declaration in expected {
      guard let tensor = found[declaration.name] else {
        faults.append("'\(declaration.name)' is missing; its shape is \(declaration.shape)")
        continue
      }
      if tensor.shape != declaration.shape {
        faults.append("'\(declaration.name)' has the shape \(tensor.shape), config.json makes it \(declaration.shape)")
      }
    }
    let names = Set(expected.map(\.name))
    for (name, tensor) in found.sorted(by: { $0.key < $1.key }) where !names.contains(name) {
      if name == "lm_head.weight", let input = found["model.embed_tokens.weight"] {
        // Tied weights may be stored twice if they are equal.
        if tensor.shape == input.shape, tensor.dtype == input.dtype, tensor.bytes.elementsEqual(input.bytes) {
          continue
        }
        faults.append(
          "'lm_head.weight' differs from 'model.embed_tokens.weight', but config.json ties them (tie_word_embeddings)")
      } else {
        faults.append("'\(name.shortenedForMessage)' of shape \(tensor.shape) is no part of the model in config.json")
      }
    }
    guard !faults.isEmpty else { return }
    var errors = faults.prefix(mostFaults).map { PipelineError(.invalidData, "\(folder): \($0)") }
    if faults.count > mostFaults {
      errors.append(PipelineError(.invalidData, "\(folder): and \(faults.count - mostFaults) more like these"))
    }
    throw PipelineErrors(errors)
  }
}

extension Result {
  /// The error, if there is one.
  fileprivate var failure: Failure? { if case .failure(let error) = self { error } else { nil } }
}

extension PipelineError {
  /// The individual errors of an error.
  static func all(_ error: any Error) -> [PipelineError] {
    switch error {
    case let error as PipelineError: [error]
    case let errors as PipelineErrors: errors.errors
    default: [PipelineError(.inputOutput, "\(error)")]
    }
  }
}
