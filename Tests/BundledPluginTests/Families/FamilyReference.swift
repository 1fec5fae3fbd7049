// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import Testing

/// A small model of a family, and what transformers computed with it.
struct FamilyReference: CustomStringConvertible {
  let folder: String

  /// Its folder's name, with that of the folder around it where it is not the repository's.
  var description: String {
    let parts = folder.split(separator: "/").suffix(2)
    return parts.joined(separator: "/")
  }

  /// Those in the repository, and those of the oracles where the environment names them.
  static let all: [FamilyReference] = {
    var places = [Fixture.path("families")]
    if let oracles = Outside.oracles { places.append(oracles + "/families") }
    return places.flatMap { place in
      ((try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []).sorted()
        .map { FamilyReference(folder: place + "/" + $0) }
        .filter { FileManager.default.fileExists(atPath: $0.folder + "/oracle.json") }
    }
  }()

  var modelFolder: String { folder + "/model" }

  func document() throws -> JSONValue {
    try JSONValue(parsing: String(contentsOfFile: folder + "/oracle.json", encoding: .utf8))
  }

  func cases() throws -> [FamilyCase] {
    let tensors = try SafetensorsFile(path: folder + "/oracle.safetensors")
    return (try document()["cases"]?.arrayValue ?? []).map {
      FamilyCase(facts: $0, tensors: tensors, folder: folder)
    }
  }

  func model() throws -> LanguageModel {
    try LanguageModel(Checkpoint(folder: modelFolder), use: .training(vision: .trained), threads: 2)
  }

  /// A copy of the model in which no token ends an answer but the last row of the embedding.
  func endless(_ scratch: Scratch) throws -> String {
    let copy = scratch.path + "/endless"
    try FileManager.default.copyItem(atPath: modelFolder, toPath: copy)
    let last = try ModelConfig(folder: copy).text.vocabularySize - 1
    try scratch.write("endless/generation_config.json", #"{"eos_token_id": \#(last)}"#)
    return copy
  }

  func policy(_ folder: String? = nil, training: Bool = true) throws -> BundledPolicy {
    var options = BundledPolicy.Options()
    let folder = folder ?? modelFolder
    let hasTower = try ModelConfig(folder: folder).vision != nil
    options.use = training ? .training(vision: hasTower ? .trained : .frozen) : .inference
    options.threads = 2
    return try BundledPolicy(folder: folder, options: options)
  }
}

/// One prompt with a response.
struct FamilyCase {
  let facts: JSONValue
  let tensors: SafetensorsFile
  let folder: String

  var name: String { facts["name"]?.stringValue ?? "" }
  func floats(_ key: String) -> [Float]? { tensors["\(name).\(key)"]?.floats }
  func numbers(_ key: String) -> [Double] { (facts[key]?.arrayValue ?? []).compactMap(\.doubleValue) }
  func ids(_ key: String) -> [Int32] { numbers(key).map { Int32($0) } }
  var images: [String] { (facts["images"]?.arrayValue ?? []).compactMap(\.stringValue) }
  var prompt: EncodedPrompt {
    EncodedPrompt(tokens: ids("prompt_ids"), images: images.map { ImageReference($0) }, folder: folder)
  }

  func patches(_ processor: ImageProcessor) throws -> [ImagePatches] {
    try images.map {
      let cache = ImageCache(processor: processor, limits: ImageLimits(), access: MediaAccess())
      return try cache.patches(of: ImageReference($0), relativeTo: folder)
    }
  }
}
