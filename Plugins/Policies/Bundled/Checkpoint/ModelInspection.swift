// SPDX-License-Identifier: Apache-2.0
import Foundation
package import ModelInput
package import PipelineCore

/// The contents of a model's folder, and everything that prevents its use.
package struct ModelInspection: Sendable {
  /// The state of the tokenizer.
  package enum Tokenizer: Sendable {
    /// From these files.
    case found(files: [String], tokenizer: ByteLevelTokenizer)
    /// There is none, so prompts and responses must be tokens.
    case missing
    /// There is one that is not usable.
    case unusable
  }

  /// A file of the folder.
  package struct File: Sendable, Hashable {
    /// Its name.
    package let name: String
    /// Its size in bytes.
    package let size: Int
  }

  /// The folder.
  package let folder: String
  /// Its files of the types that models consist of, sorted by name.
  package let files: [File]
  /// The model's shape, if config.json is usable.
  package private(set) var config: ModelConfig?
  /// The weights, if they match the configuration.
  package private(set) var checkpoint: Checkpoint?
  /// The tokenizer.
  package private(set) var tokenizer = Tokenizer.missing
  /// Where the chat template comes from, or nil if it cannot be used.
  package private(set) var template: ChatTemplateOrigin?
  /// How images are prepared, if the folder says so.
  package private(set) var images: ImageProcessorConfig?
  /// What is missing, broken or not supported.
  package private(set) var problems: [PipelineError] = []

  /// Inspects a folder without reading the weights.
  package init(folder: String) {
    self.folder = folder
    files = Self.files(of: folder)
    config = attempt { try ModelConfig(folder: folder) }
    if let config {
      checkpoint = attempt { try Checkpoint(folder: folder, config: config) }
    } else {
      _ = attempt { try WeightFiles.tensors(folder: folder) }
    }
    let names = ["tokenizer.json", "vocab.json", "merges.txt"].filter { name in files.contains { $0.name == name } }
    if names.contains("tokenizer.json") || names.contains("vocab.json") {
      let config = config
      let found = attempt {
        let tokenizer = try ByteLevelTokenizer(folder: folder)
        if let config { try tokenizer.check(against: config) }
        return tokenizer
      }
      let used = names.first == "tokenizer.json" ? ["tokenizer.json"] : names
      tokenizer = found.map { .found(files: used, tokenizer: $0) } ?? .unusable
    }
    template = attempt { try PromptTemplate(folder: folder).origin }
    // A text model needs none.
    if let config, config.vision == nil { return }
    images = attempt { try ImageProcessorConfig(modelFolder: folder) }
    if let images, let vision = config?.vision {
      _ = attempt { try images.check(against: vision, folder: folder) }
    }
  }

  private mutating func attempt<Value>(_ body: () throws -> Value) -> Value? {
    do {
      return try body()
    } catch {
      problems += PipelineError.all(error)
      return nil
    }
  }

  private static func files(of folder: String) -> [File] {
    let kinds = [".json", ".safetensors", ".txt", ".jinja", ".bin", ".model"]
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.sorted().filter { name in kinds.contains { name.hasSuffix($0) } }.compactMap { name in
      var status = stat()
      guard stat(folder + "/" + name, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
      return File(name: name, size: Int(status.st_size))
    }
  }
}
