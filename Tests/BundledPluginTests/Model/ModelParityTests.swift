// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import Tensor
import Testing

@Suite("The model against transformers", .timeLimit(.minutes(15)))
struct ModelParityTests {
  @Test("positions are the same", arguments: ReferenceModel.all)
  func positions(_ reference: ReferenceModel) throws {
    let config = try reference.model().config
    for sample in try reference.cases() {
      let found = PromptPositions(
        tokens: sample.ids, imageToken: config.vision.map { Int32($0.tokens.image) }, grids: sample.grids,
        mergeSize: config.vision?.spatialMergeSize ?? 1)
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
        let features = try #require(model.visionFeatures(of: sample.images, on: tape)).embeddings
        expectWithin(1e-4, largestDifference(features.value.elements, expected), "\(reference): vision features")
      }
      let batch = try PackedBatch([PromptGroup(prompt: sample.ids, images: sample.images)], config: model.config)
      let hidden = model.hiddenStates(of: batch, on: tape)
      if let expected = sample.floats("hidden_last") {
        let normal = model.normalized(hidden, on: tape)
        expectWithin(1e-4, largestDifference(normal.value.elements, expected), "\(reference): hidden states")
      }
      if let expected = sample.floats("logits") {
        expectWithin(1e-4, largestDifference(model.logits(hidden, on: tape).elements, expected), "\(reference): logits")
      }
      let rows = tape.rows(of: hidden, at: (0..<Int32(sample.ids.count - 1)).map { $0 })
      let logProbs = model.logProbs(rows, targets: Array(sample.ids.dropFirst()), temperature: 1, on: tape)
      let expected = sample.numbers("token_log_probs").map { Float($0) }
      expectWithin(
        1e-4, largestDifference(logProbs.value.elements, expected), "\(reference): log-probabilities of the prompt")
    }
  }

  @Test("texts of different lengths in one batch, where the oracle has them", arguments: ReferenceModel.all)
  func texts(_ reference: ReferenceModel) throws {
    let file = try SafetensorsFile(path: reference.folder + "/oracle.safetensors")
    guard let padded = try reference.document()["text_leftpad"], let expected = file["text_leftpad.logits"]?.floats
    else { return }
    let model = try reference.model()
    let rows = { (name: String) in
      (padded[name]?.arrayValue ?? []).map { ($0.arrayValue ?? []).compactMap(\.intValue).map { Int32($0) } }
    }
    let tape = model.tape(isRecording: false)
    // Without padding, one text behind the other.
    let texts = zip(rows("input_ids"), rows("attention_mask")).map { zip($0, $1).filter { $0.1 == 1 }.map(\.0) }
    let batch = try PackedBatch(texts.map { PromptGroup(prompt: $0) }, config: model.config)
    let logits = model.logits(model.hiddenStates(of: batch, on: tape), on: tape).array
    let width = model.config.text.vocabularySize
    let isText = rows("attention_mask").joined().map { $0 == 1 }
    let wanted = isText.indices.filter { isText[$0] }.flatMap { expected[$0 * width..<($0 + 1) * width] }
    expectWithin(1e-4, largestDifference(logits, wanted), "\(reference): logits of texts in one batch")
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
          let names = [tensor.name, tensor.newerName]
          let known = names.compactMap { norms[$0]?.doubleValue }
          let norm = try #require(known.first, "\(tensor.name)")
          let found = part.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
          let floor = max(norm, 1e-3)
          expectWithin(
            1e-3, Float(abs(found - norm) / floor), "\(reference): gradient norms, relative", tensor.name)
          guard let expected = names.lazy.compactMap({ sample.floats("grad." + $0) }).first else { continue }
          let difference = zip(part, expected).reduce(0.0) { $0 + pow(Double($1.0 - $1.1), 2) }.squareRoot()
          expectWithin(
            1e-3, Float(difference / max(norm, 1e-4)), "\(reference): gradients, relative", tensor.name)
        }
      }
      for parameter in model.parameters { parameter.variable.dropGradient() }
    }
  }
}
