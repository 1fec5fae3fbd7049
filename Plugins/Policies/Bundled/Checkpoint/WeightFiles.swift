// SPDX-License-Identifier: Apache-2.0
import Foundation
import ModelInput
import PipelineCore

/// Finds a folder's weights: `model.safetensors`, or the shards that `model.safetensors.index.json` names.
enum WeightFiles {
  static let single = "model.safetensors"
  static let index = "model.safetensors.index.json"

  /// All tensors, by their names in the files.
  static func tensors(folder: String) throws -> [StoredTensor] {
    if access("\(folder)/\(single)", F_OK) == 0 { return try SafetensorsFile(path: "\(folder)/\(single)").tensors }
    let path = "\(folder)/\(index)"
    guard let document = try DocumentFile.object(path) else { throw missing(folder) }
    guard let members = document["weight_map"]?.objectValue, !members.isEmpty else {
      throw PipelineError(.invalidData, "\(path) has no 'weight_map'")
    }
    var map: [ExactText: String] = [:]
    var files: [String] = []
    for member in members {
      guard let file = member.value.stringValue, isPlain(file) else {
        throw PipelineError(
          .invalidData,
          "\(path): \(member.key.quotedForMessage) is in \(member.value.json.shortenedForMessage), it must be in a"
            + " .safetensors file of the same folder")
      }
      guard map.updateValue(file, forKey: ExactText(member.key)) == nil else {
        throw PipelineError(.invalidData, "\(path): \(member.key.quotedForMessage) is there twice")
      }
      if !files.contains(file) { files.append(file) }
    }
    let tensors = try PipelineErrors.gather(files) { file in
      let tensors = try SafetensorsFile(path: "\(folder)/\(file)").tensors
      for tensor in tensors where map[ExactText(tensor.name)] != file {
        throw PipelineError(
          .invalidData, "\(folder)/\(file) has \(tensor.name.quotedForMessage), which \(index) does not say")
      }
      return tensors
    }.flatMap { $0 }
    let found = Set(tensors.map { ExactText($0.name) })
    if let absent = members.first(where: { !found.contains(ExactText($0.key)) }) {
      throw PipelineError(
        .invalidData,
        "\(path): \(absent.key.quotedForMessage) is not in \(absent.value.stringValue ?? ""), where it should be")
    }
    return tensors
  }

  private static func isPlain(_ file: String) -> Bool {
    file.hasSuffix(".safetensors") && !file.contains("/") && !file.contains("\\") && !file.contains("\0")
  }

  private static func missing(_ folder: String) -> PipelineError {
    for other in ["pytorch_model.bin", "pytorch_model.bin.index.json"] where access("\(folder)/\(other)", F_OK) == 0 {
      return PipelineError(
        .invalidData, "\(folder) has its weights in \(other); only safetensors are read: save it as safetensors first")
    }
    return PipelineError(.inputOutput, "\(folder) has no weights: neither \(single) nor \(index)")
  }
}
