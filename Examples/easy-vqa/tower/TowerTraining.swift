// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import Tensor

/// Teaches the vision tower to see: heads on each image token say the shape and the color of what covers its square, and
/// whether a thing's middle lies in it.
///
/// The heads are thrown away afterwards. Without this the tower would learn through the language loss alone, which
/// stays with colors for long.
final class TowerTraining {
  /// How it trains.
  struct Recipe {
    var epochs = 8
    var imagesPerStep = 64
    var learningRate = 2e-3
    var warmUpSteps = 40
    var weightDecay = 0.01
    var seed: UInt64 = 1
  }

  private let checkpoint: Checkpoint
  private let model: LanguageModel
  private let processor: ImageProcessor
  private let recipe: Recipe
  /// Classifiers of image tokens: shapes and nothing, colors and nothing, middle or not.
  private let heads: [Parameter]
  private let optimizer: AdamW

  init(folder: String, recipe: Recipe, threads: Int) throws {
    checkpoint = try Checkpoint(folder: folder)
    model = try LanguageModel(checkpoint, use: .training(vision: .trained), threads: threads)
    processor = ImageProcessor(try ImageProcessorConfig(modelFolder: folder))
    self.recipe = recipe
    let (width, pool) = (model.config.text.hiddenSize, model.pool)
    heads = [TowerExample.shapes.count + 1, TowerExample.colors.count + 1, 2].map { classes in
      let weights = Matrix<Float>(rows: classes, columns: width, pool: pool)
      weights.clear()
      return Parameter(
        tensors: [], variable: Variable(weights, needsGradient: true, pool: pool), isVision: true)
    }
    optimizer = AdamW(model.parameters.filter(\.isVision) + heads, workers: model.workers, pool: model.pool)
  }

  /// The side in pixels of a token's square.
  var tokenSide: Int { processor.config.sizeFactor }

  /// Trains for all epochs.
  func train(_ examples: [TowerExample], report: (String) -> Void) throws {
    let stepsPerEpoch = examples.count / recipe.imagesPerStep
    let steps = stepsPerEpoch * recipe.epochs
    for epoch in 0..<recipe.epochs {
      var random = PhiloxGenerator(seed: recipe.seed, purpose: "tower", position: (UInt64(epoch), 0, 0))
      let order = examples.indices.shuffled(using: &random)
      var losses = [0.0, 0, 0]
      for step in 0..<stepsPerEpoch {
        let batch = order[step * recipe.imagesPerStep..<(step + 1) * recipe.imagesPerStep].map { examples[$0] }
        for (index, loss) in try accumulate(batch).enumerated() { losses[index] += loss / Double(stepsPerEpoch) }
        let number = epoch * stepsPerEpoch + step
        let warm = Double(number + 1) / Double(recipe.warmUpSteps)
        let left = Double(steps - number) / Double(steps)
        var update = OptimizerStep(learningRate: recipe.learningRate * min(warm, left))
        update.weightDecay = recipe.weightDecay
        update.decaying = .matrices
        _ = try optimizer.step(update)
      }
      let shown = losses.map { String(format: "%.3f", $0) }
      report("epoch \(epoch + 1) of \(recipe.epochs): loss of shape \(shown[0]), color \(shown[1]), middle \(shown[2])")
    }
  }

  private func features(of batch: [TowerExample], on tape: Tape<Float>) throws -> Variable<Float> {
    let images = try batch.map { try processor.patches(of: $0.image) }
    guard let features = model.visionFeatures(of: images, on: tape) else {
      throw PipelineError(.invalidSpec, "\(checkpoint.folder) has no vision tower to train")
    }
    return features.embeddings
  }

  /// Adds the gradients of a batch; returns the mean loss of each head.
  private func accumulate(_ batch: [TowerExample]) throws -> [Double] {
    let tape = model.tape(isRecording: true)
    let features = try features(of: batch, on: tape)
    let losses = zip(heads, Labels(batch).heads).map { head, labels -> Double in
      let rows = tape.rows(of: features, at: labels.rows)
      let found = tape.logProbs(rows, head.variable, targets: labels.classes, temperature: 1)
      let gradient = -1 / Float(labels.rows.count)
      found.gradientSum().elements.update(repeating: gradient)
      return -found.value.elements.reduce(0) { $0 + Double($1) } / Double(labels.rows.count)
    }
    tape.backward()
    return losses
  }

  /// The classes of the tokens of a batch for each head, and the rows that have one.
  private struct Labels {
    private(set) var heads = [(rows: [Int32], classes: [Int32])](repeating: ([], []), count: 3)

    init(_ batch: [TowerExample]) {
      var row: Int32 = 0
      for example in batch {
        for cell in example.cells {
          let thing: TowerExample.Thing? =
            switch cell {
            case .middle(let index), .part(let index): example.things[index]
            case .empty, .unclear: nil
            }
          if cell != .unclear {
            add(0, row, thing.map { $0.shape + 1 } ?? 0)
            add(1, row, thing.map { $0.color + 1 } ?? 0)
          }
          if case .middle = cell { add(2, row, 1) } else { add(2, row, 0) }
          row += 1
        }
      }
    }

    private mutating func add(_ head: Int, _ row: Int32, _ label: Int) {
      heads[head].rows.append(row)
      heads[head].classes.append(Int32(label))
    }
  }

  /// How often the tower names things rightly.
  struct Accuracy {
    var things = 0
    var shapes = 0
    var colors = 0
    var middles = 0
    var images = 0
    var imagesWithAllMiddles = 0

    var text: String {
      func percent(_ part: Int, _ whole: Int) -> String {
        String(format: "%.1f %%", 100 * Double(part) / Double(whole))
      }
      return "shape \(percent(shapes, things)), color \(percent(colors, things)) of \(things) things; middle found of "
        + "\(percent(middles, things)); \(percent(imagesWithAllMiddles, images)) of \(images) images with every middle "
        + "found and no other"
    }
  }

  /// What the heads say where things have their middle.
  func accuracy(on examples: [TowerExample]) throws -> Accuracy {
    var result = Accuracy()
    for start in stride(from: 0, to: examples.count, by: recipe.imagesPerStep) {
      let batch = Array(examples[start..<min(start + recipe.imagesPerStep, examples.count)])
      let tape = model.tape(isRecording: false)
      let features = try features(of: batch, on: tape)
      let found = heads.map { Self.choices(tape.linear(features, $0.variable, bias: nil).value) }
      var row = 0
      for example in batch {
        var isExact = true
        for cell in example.cells {
          if case .middle(let index) = cell {
            result.things += 1
            if found[0][row] == example.things[index].shape + 1 { result.shapes += 1 }
            if found[1][row] == example.things[index].color + 1 { result.colors += 1 }
            if found[2][row] == 1 { result.middles += 1 } else { isExact = false }
          } else if found[2][row] == 1 {
            isExact = false
          }
          row += 1
        }
        result.images += 1
        if isExact { result.imagesWithAllMiddles += 1 }
      }
    }
    return result
  }

  private static func choices(_ logits: Matrix<Float>) -> [Int] {
    (0..<logits.rows).map { row in
      let values = logits.rows(row..<row + 1).elements
      return values.indices.max { values[$0] < values[$1] } ?? 0
    }
  }

  /// Writes the checkpoint with the trained tower.
  func save(to folder: String) throws {
    let writer = try CheckpointWriter(
      folder: folder, source: checkpoint, precision: .all(.float32), existing: .replace)
    for parameter in model.parameters { try writer.write(parameter) }
    try writer.finish()
  }
}
