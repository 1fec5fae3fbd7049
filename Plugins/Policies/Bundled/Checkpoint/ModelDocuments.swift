// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import ModelInput
import PipelineCore

/// The files of a model's folder other than its weights, as they were when the model was opened.
///
/// A policy that is trained may exist longer than its original checkpoint.
struct ModelDocuments: Sendable {
  private let files: [(name: String, bytes: Data)]
  private let config: Data?

  /// Reads the existing ones.
  ///
  /// - Throws: When one of them cannot be read.
  init(folder: String) throws {
    files = try ModelFiles.documents.compactMap { name in
      try DocumentFile.bytes("\(folder)/\(name)").map { (name, $0) }
    }
    config = try DocumentFile.bytes("\(folder)/config.json")
  }

  /// Writes them, and `config.json`.
  func write(to folder: String, config document: JSONValue, precision: CheckpointWriter.Precision) throws {
    for file in files { try DurableFile.write(file.bytes, to: "\(folder)/\(file.name)") }
    let path = "\(folder)/config.json"
    if case .all(let type) = precision, let changed = Self.changed(document, to: type) {
      try DurableFile.write((changed.prettyJSON + "\n").utf8, to: path)
    } else if let config {
      try DurableFile.write(config, to: path)
    } else {
      try DurableFile.write((document.prettyJSON + "\n").utf8, to: path)
    }
  }

  /// The configuration with another number format wherever it states one, or nil if it does not change.
  private static func changed(_ document: JSONValue, to type: TensorType) -> JSONValue? {
    guard case .object(let members) = document else { return nil }
    var isChanged = false
    let result = members.map { member -> JSONValue.Member in
      var member = member
      switch member.key {
      case "dtype", "torch_dtype":
        if member.value.stringValue != nil, member.value != .string(type.configName) {
          member.value = .string(type.configName)
          isChanged = true
        }
      case "text_config", "vision_config":
        if let inner = changed(member.value, to: type) {
          member.value = inner
          isChanged = true
        }
      default: break
      }
      return member
    }
    return isChanged ? .object(result) : nil
  }
}
