// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import Testing

@testable import QwenVL
@testable import Tensor

/// A model and what transformers computed with it.
struct ReferenceModel: CustomStringConvertible {
  let folder: String

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

  func model(threads: Int = 2) throws -> QwenVLModel {
    try QwenVLModel(
      Checkpoint(folder: folder + "/model"), use: .training(vision: .trained), threads: threads)
  }

  func cases() throws -> [ReferenceCase] {
    let document = try JSONValue(parsing: String(contentsOfFile: folder + "/oracle.json", encoding: .utf8))
    let tensors = try SafetensorsFile(path: folder + "/oracle.safetensors")
    return (document["cases"]?.arrayValue ?? []).enumerated().map {
      ReferenceCase(index: $0, facts: $1, tensors: tensors)
    }
  }
}

/// One prompt.
struct ReferenceCase {
  let index: Int
  let facts: JSONValue
  let tensors: SafetensorsFile

  func floats(_ name: String) -> [Float]? { tensors["\(index).\(name)"]?.floats }
  func numbers(_ name: String) -> [Double] { (facts[name]?.arrayValue ?? []).compactMap(\.doubleValue) }
  var ids: [Int32] { numbers("input_ids").map { Int32($0) } }
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

func largestDifference(_ a: some Sequence<Float>, _ b: [Float]) -> Float {
  let a = Array(a)
  guard a.count == b.count else { return .infinity }
  return zip(a, b).map { abs($0 - $1) }.max() ?? 0
}

@Suite("The model against transformers")
struct ModelParityTests {
  @Test("positions are the same", arguments: ReferenceModel.all)
  func positions(_ reference: ReferenceModel) throws {
    let config = try reference.model().config
    for sample in try reference.cases() {
      let found = PromptPositions(
        tokens: sample.ids, imageToken: Int32(config.imageTokenID), grids: sample.grids,
        mergeSize: config.vision.spatialMergeSize)
      let expected = (sample.facts["position_ids"]?.arrayValue ?? []).map {
        ($0.arrayValue ?? []).compactMap(\.intValue)
      }
      #expect(found.positions.map { Int($0.time) } == expected[0])
      #expect(found.positions.map { Int($0.height) } == expected[1])
      #expect(found.positions.map { Int($0.width) } == expected[2])
      #expect(Int(found.next) == sample.ids.count + (sample.facts["rope_delta"]?.intValue ?? 0))
    }
  }

  @Test("vision features, hidden states, logits and log-probabilities to 1e-4", arguments: ReferenceModel.all)
  func forward(_ reference: ReferenceModel) throws {
    let model = try reference.model()
    for sample in try reference.cases() {
      let tape = model.tape(isRecording: false)
      if let expected = sample.floats("vision_features") {
        let features = model.visionFeatures(of: sample.images, on: tape)
        #expect(largestDifference(features.value.elements, expected) < 1e-4)
      }
      let batch = try PackedBatch([PromptGroup(prompt: sample.ids, images: sample.images)], config: model.config)
      let hidden = model.hiddenStates(of: batch, on: tape)
      if let expected = sample.floats("hidden_last") {
        let normal = tape.rmsNorm(hidden, model.decoder.finalNorm, epsilon: model.config.text.normEpsilon)
        #expect(largestDifference(normal.value.elements, expected) < 1e-4)
      }
      if let expected = sample.floats("logits") {
        #expect(largestDifference(model.decoder.logits(hidden, on: tape).elements, expected) < 1e-4)
      }
      let rows = tape.rows(of: hidden, at: (0..<Int32(sample.ids.count - 1)).map { $0 })
      let logProbs = model.decoder.logProbs(rows, targets: Array(sample.ids.dropFirst()), temperature: 1, on: tape)
      #expect(
        largestDifference(logProbs.value.elements, sample.numbers("token_log_probs").map { Float($0) }) < 1e-4)
    }
  }

  @Test("gradients of the mean loss of the last five tokens", arguments: ReferenceModel.all)
  func gradients(_ reference: ReferenceModel) throws {
    let model = try reference.model()
    for sample in try reference.cases() {
      // The last five tokens as the response to what stands before them.
      let group = PromptGroup(
        prompt: Array(sample.ids.dropLast(5)), images: sample.images, responses: [Array(sample.ids.suffix(5))])
      let tape = model.tape(isRecording: true)
      let logProbs = model.logProbs(of: try PackedBatch([group], config: model.config), temperature: 1, on: tape)
      logProbs.gradientSum().fill([Float](repeating: -1 / 5, count: 5))
      let loss = -logProbs.value.elements.reduce(0, +) / 5
      #expect(abs(Double(loss) - (sample.facts["loss_last5_mean_nll"]?.doubleValue ?? 0)) < 1e-4)
      tape.backward()
      let norms = try #require(sample.facts["grad_norms"])
      for parameter in model.parameters {
        let gradient =
          parameter.variable.gradient?.array ?? [Float](repeating: 0, count: parameter.variable.value.count)
        var start = 0
        for tensor in parameter.tensors {
          let part = Array(gradient[start..<start + tensor.count])
          start += tensor.count
          let names = [tensor.name, newName(tensor.name)]
          let known = names.compactMap { norms[$0]?.doubleValue }
          let norm = try #require(known.first, "\(tensor.name)")
          let found = part.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
          #expect(abs(found - norm) <= 1e-3 * norm + 1e-6, "\(tensor.name)")
          guard let expected = names.lazy.compactMap({ sample.floats("grad." + $0) }).first else { continue }
          let difference = zip(part, expected).reduce(0.0) { $0 + pow(Double($1.0 - $1.1), 2) }.squareRoot()
          #expect(difference <= 1e-3 * norm + 1e-7, "\(tensor.name)")
        }
      }
      for parameter in model.parameters { parameter.variable.dropGradient() }
    }
  }

  private func newName(_ name: String) -> String {
    if name.hasPrefix("visual.") { return "model." + name }
    if name.hasPrefix("model.") { return "model.language_model." + name.dropFirst("model.".count) }
    return name
  }
}
