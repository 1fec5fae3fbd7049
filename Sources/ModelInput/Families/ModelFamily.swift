// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// A family of models: `model_type` of its `config.json`.
///
/// A family has a configuration here, and a decoder and a vision tower in the bundled policy. The compiler names what a
/// new one still lacks.
package enum ModelFamily: String, Sendable, CaseIterable {
  case qwen2VL = "qwen2_vl"
  case qwen2_5VL = "qwen2_5_vl"
  case qwen3VL = "qwen3_vl"
  case qwen2
  case qwen3
  case llama

  /// How its `config.json` is read.
  var configuration: any FamilyConfiguration.Type {
    switch self {
    case .qwen2VL: Qwen2VLConfiguration.self
    case .qwen2_5VL: Qwen2_5VLConfiguration.self
    case .qwen3VL: Qwen3VLConfiguration.self
    case .qwen2: Qwen2Configuration.self
    case .qwen3: Qwen3Configuration.self
    case .llama: LlamaConfiguration.self
    }
  }

  /// Its name as people write it.
  package var title: String { configuration.title }
  /// The class that `architectures` names.
  package var architecture: String { configuration.architecture }
  /// Whether prompts may have images.
  package var takesImages: Bool { configuration.takesImages }
  /// Whether a folder without a chat template gets the published one of Qwen2.5-VL: it is Qwen2-VL's too.
  package var hasQwenTemplate: Bool { self == .qwen2VL || self == .qwen2_5VL }
  /// The names of those that take images.
  package static var titlesWithImages: String {
    allCases.filter(\.takesImages).map(\.title).joined(separator: ", ")
  }

  /// Finds the family of a configuration.
  ///
  /// - Throws: That it is none of those here, with what there is and what else runs the model.
  init(of root: ConfigReader) throws {
    var root = root
    let architectures = root.value("architectures")
    guard let family = root.value("model_type")?.stringValue.flatMap(ModelFamily.init) else {
      let found = root.value("model_type")?.json.shortenedForMessage ?? "not there"
      let name = architectures?.arrayValue?.first?.stringValue.map { " (\($0.shortenedForMessage))" } ?? ""
      let known = Self.allCases.map(\.rawValue).joined(separator: ", ")
      root.report(
        "'model_type' is \(found)\(name), which is not supported; supported: \(known). The policy \"worker\" runs other"
          + " models of transformers")
      throw PipelineErrors(root.errors)
    }
    if let architectures, architectures.arrayValue?.contains(.string(family.architecture)) != true {
      root.report(
        "'architectures' is \(architectures.json.shortenedForMessage), which is not supported; supported: "
          + family.architecture)
      throw PipelineErrors(root.errors)
    }
    self = family
  }
}

/// How a family's `config.json` is read: what its decoder and its vision tower have that others have not, and the
/// defaults of its class in transformers.
protocol FamilyConfiguration {
  /// The family's name as people write it.
  static var title: String { get }
  /// The class that `architectures` names.
  static var architecture: String { get }
  /// Whether there is a vision tower.
  static var takesImages: Bool { get }
  /// The key of `vision_config` with the width of the tower's output.
  static var outputSizeKey: String { get }

  /// Reads the decoder's shape.
  static func decoder(_ reader: inout ConfigReader) -> ModelConfig.Text
  /// Reads the vision tower's shape; nil for text models.
  static func tower(_ reader: inout ConfigReader, tokens: ModelConfig.ImageTokens) -> ModelConfig.Vision?
  /// Whether the output weights are those of the input, by `tie_word_embeddings` at the top and in `text_config`.
  static func isTied(root: Bool?, decoder: Bool?) -> Bool
}

extension FamilyConfiguration {
  static var takesImages: Bool { false }
  static var outputSizeKey: String { "out_hidden_size" }

  static func tower(_ reader: inout ConfigReader, tokens: ModelConfig.ImageTokens) -> ModelConfig.Vision? { nil }

  /// Older files have it at the top level, some newer ones in the decoder's part; both count.
  static func isTied(root: Bool?, decoder: Bool?) -> Bool { root == true || decoder == true }
}
