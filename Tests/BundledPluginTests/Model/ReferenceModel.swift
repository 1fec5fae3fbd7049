// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import Testing

/// A model and what transformers computed with it.
struct ReferenceModel: CustomStringConvertible {
  let folder: String
  /// What keeps the folder of a copy.
  private let scratch: Scratch?

  init(folder: String, scratch: Scratch? = nil) { (self.folder, self.scratch) = (folder, scratch) }

  var description: String { URL(fileURLWithPath: folder).lastPathComponent }

  /// Those in the repository, and the oracle where the environment names it.
  static var all: [ReferenceModel] {
    let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Fixtures/models").path
    var found = ((try? FileManager.default.contentsOfDirectory(atPath: fixtures)) ?? []).sorted()
      .map { ReferenceModel(folder: fixtures + "/" + $0) }
    if let oracles = ProcessInfo.processInfo.environment["SHUFFLE_R1_ORACLES"] {
      found.append(ReferenceModel(folder: oracles + "/qwen2_5_vl_tiny"))
    }
    return found
  }

  /// The folder of the checkpoint.
  var modelFolder: String { folder + "/model" }

  /// The one in the repository of that name.
  static func named(_ name: String) throws -> ReferenceModel {
    try #require(all.first { $0.description == name })
  }

  /// A policy of the checkpoint.
  func policy(
    _ use: WeightUse = .training(vision: .trained), threads: Int = 2, rows: Int = 4096
  ) throws -> BundledPolicy {
    var options = BundledPolicy.Options()
    (options.use, options.threads, options.rowsPerMicroBatch) = (use, threads, rows)
    return try BundledPolicy(folder: modelFolder, options: options)
  }

  /// What else the oracle holds.
  func document() throws -> JSONValue {
    try JSONValue(parsing: String(contentsOfFile: folder + "/oracle.json", encoding: .utf8))
  }

  /// The prompts without their last tokens, and those as a response beside made-up ones.
  func groups(_ extra: [[Int32]] = []) throws -> [ResponseGroup] {
    try cases().map {
      ResponseGroup(
        prompt: $0.prompt(without: 5), responses: [Array($0.ids.suffix(5))] + extra)
    }
  }

  func model(threads: Int = 2) throws -> LanguageModel {
    try LanguageModel(
      Checkpoint(folder: folder + "/model"), use: .training(vision: .trained), threads: threads)
  }

  func cases() throws -> [ReferenceCase] {
    let document = try document()
    let tensors = try SafetensorsFile(path: folder + "/oracle.safetensors")
    return (document["cases"]?.arrayValue ?? []).enumerated().map {
      ReferenceCase(index: $0, facts: $1, tensors: tensors, folder: folder)
    }
  }
}

/// One prompt.
struct ReferenceCase {
  let index: Int
  let facts: JSONValue
  let tensors: SafetensorsFile
  let folder: String

  func floats(_ name: String) -> [Float]? { tensors["\(index).\(name)"]?.floats }
  func numbers(_ name: String) -> [Double] { (facts[name]?.arrayValue ?? []).compactMap(\.doubleValue) }
  var ids: [Int32] { numbers("input_ids").map { Int32($0) } }
  /// The tokens of greedy generation behind the prompt.
  var greedy: [Int32] { (numbers("greedy") + numbers("greedy_8")).map { Int32($0) } }

  /// The prompt, its last tokens left out.
  func prompt(without count: Int = 0) -> EncodedPrompt {
    let names = facts["images"]?.arrayValue?.compactMap(\.stringValue) ?? [facts["image"]?.stringValue ?? ""]
    return EncodedPrompt(tokens: Array(ids.dropLast(count)), images: names.map { ImageReference($0) }, folder: folder)
  }

  /// One grid or several.
  var grids: [ImageGrid] {
    let values = facts["image_grid_thw"]?.arrayValue ?? []
    let rows = values.first?.arrayValue == nil && !values.isEmpty ? [JSONValue.array(values)] : values
    return rows.map { row in
      let sides = (row.arrayValue ?? []).compactMap(\.intValue)
      return ImageGrid(time: sides[0], height: sides[1], width: sides[2])
    }
  }
  var images: [ImagePatches] {
    let pixels = floats("pixel_values") ?? []
    var start = 0
    return grids.map { grid in
      let count = grid.patchCount * (pixels.count / max(1, grids.reduce(0) { $0 + $1.patchCount }))
      defer { start += count }
      return ImagePatches(grid: grid, values: Array(pixels[start..<start + count]))
    }
  }
}

/// Where differences are written, for the table of `make test-parity`.
private let differences = ProcessInfo.processInfo.environment["SHUFFLE_R1_DIFFERENCES"].flatMap {
  fopen($0, "a")
}.map { Differences(file: $0) }

private struct Differences: @unchecked Sendable {
  let file: UnsafeMutablePointer<FILE>
}

/// Expects a difference to stay within a bound, and notes it in the file that `SHUFFLE_R1_DIFFERENCES` names.
func expectWithin(
  _ bound: Float, _ difference: Float, _ what: String, _ details: String = "",
  source: Testing.SourceLocation = #_sourceLocation
) {
  if let differences {
    // One call a line, which the C library keeps whole.
    fputs("\(what)\t\(difference)\t\(bound)\n", differences.file)
    fflush(differences.file)
  }
  #expect(difference < bound, "\(what) \(details)", sourceLocation: source)
}

func largestDifference(_ a: some Sequence<Float>, _ b: [Float]) -> Float {
  let a = Array(a)
  guard a.count == b.count else { return .infinity }
  return zip(a, b).map { abs($0 - $1) }.max() ?? 0
}

extension TensorDeclaration {
  /// What newer versions of transformers call it.
  var newerName: String {
    if name.hasPrefix("visual.") { return "model." + name }
    if name.hasPrefix("model.") { return "model.language_model." + name.dropFirst("model.".count) }
    return name
  }
}

/// What an error says, folders left out.
func message(
  without folder: String = "", source: Testing.SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async -> String {
  do {
    try await body()
    Issue.record("no error was thrown", sourceLocation: source)
    return ""
  } catch {
    return folder.isEmpty ? "\(error)" : "\(error)".replacingOccurrences(of: folder, with: "FOLDER")
  }
}
