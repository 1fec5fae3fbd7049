// SPDX-License-Identifier: Apache-2.0
import Foundation
import PeerConfigurations
import PipelineCore
import PipelineSpec

/// A configuration as a test writes it, converted.
struct Imported {
  let result: PeerConfiguration

  /// - Parameter file: Its name, which says what kind of file it is.
  init(
    _ text: String, file: String = "config.yaml", _ overrides: [String] = [],
    for purpose: PeerConfiguration.Purpose = .training,
    in folder: String = ""
  ) throws {
    result = try PeerConfiguration(
      file: file, text: SpecText(text, file: file), overrides: overrides, for: purpose,
      surroundings: Surroundings(folder: folder, environment: ["HOME": "/home/me"]))
  }

  var spec: JSONValue { result.spec }

  /// A value in the spec by its path: keys, and names of stages behind `stages`.
  subscript(_ path: String) -> String? {
    var value: JSONValue? = spec
    for key in path.split(separator: ".").map(String.init) {
      if let elements = value?.arrayValue {
        value = Int(key).map { elements[$0] } ?? elements.first { $0["use"]?.stringValue == key }?["with"]
      } else {
        value = value?[key]
      }
    }
    return value?.json
  }

  /// The names of the stages.
  var stages: [String] { spec["stages"]?.arrayValue?.compactMap { $0["use"]?.stringValue } ?? [] }

  /// The findings of a kind, as they are printed.
  func findings(_ kind: Finding.Kind) -> [String] {
    result.findings.filter { $0.kind == kind }.map(\.description)
  }

  /// The keys of the findings of a kind.
  func paths(_ kind: Finding.Kind) -> [String] { result.findings.filter { $0.kind == kind }.map(\.path) }

  /// What a conversion is refused with.
  static func refusal(_ text: String, file: String = "config.yaml", _ overrides: [String] = []) -> String? {
    do {
      _ = try Imported(text, file: file, overrides)
      return nil
    } catch let error as PipelineError { return error.message } catch { return "\(error)" }
  }

  /// Calls a body with a folder that has some files.
  static func withFiles<Result>(_ files: [String: String], _ body: (String) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, text) in files {
      let file = folder.appendingPathComponent(name)
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }
    return try body(folder.path)
  }
}
