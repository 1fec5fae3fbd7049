// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
// Makes the parts of the bundled model that no pipeline makes.
//
//   easy-vqa-tower train MODEL SEED EPOCHS TRAINING.jsonl,… HELD-OUT.jsonl,…
//   easy-vqa-tower decoder MODEL SEED OUTPUT
//   easy-vqa-tower bundle CHECKPOINT MODEL
//
// `train` writes random weights into MODEL, a folder with config.json, preprocessor_config.json and a tokenizer, trains
// the vision tower, and prints how well it knows each of the held-out files.
// `decoder` writes MODEL with other random weights for its decoder. `bundle` writes a checkpoint in bfloat16
// and without its optimizer's state, in place of MODEL.
import Foundation
import ModelInput
import PipelineCore

/// Writes a line at once, also where the output is no terminal.
func say(_ line: String) { FileHandle.standardOutput.write(Data("tower: \(line)\n".utf8)) }

func train(_ model: String, seed: UInt64, epochs: Int, on training: [String], heldOut: [String]) throws {
  try FreshCheckpoint.write(to: model, seed: seed)
  var recipe = TowerTraining.Recipe()
  (recipe.seed, recipe.epochs) = (seed, epochs)
  let tower = try TowerTraining(
    folder: model, recipe: recipe, threads: ProcessInfo.processInfo.activeProcessorCount)
  let examples = try training.flatMap { try TowerExample.read($0, side: tower.tokenSide) }
  say("\(examples.count) images")
  let start = ContinuousClock.now
  try tower.train(examples) { say("\($0), \((ContinuousClock.now - start).components.seconds) s") }
  for file in heldOut {
    let unseen = try TowerExample.read(file, side: tower.tokenSide)
    say("\(file): \(try tower.accuracy(on: unseen).text)")
  }
  try tower.save(to: model)
}

func renewDecoder(of folder: String, seed: UInt64, to output: String) throws {
  let checkpoint = try Checkpoint(folder: folder)
  let writer = try CheckpointWriter(folder: output, source: checkpoint, precision: .source, existing: .replace)
  for tensor in checkpoint.tensors {
    if tensor.name.hasPrefix("visual.") {
      try writer.write(tensor)
    } else {
      try FreshCheckpoint.write(tensor.name, of: checkpoint.config, seed: seed, with: writer)
    }
  }
  try writer.finish()
}

func bundle(_ folder: String, as model: String) throws {
  let checkpoint = try Checkpoint(folder: folder)
  let writer = try CheckpointWriter(
    folder: model, source: checkpoint, precision: .all(.bfloat16), existing: .replace)
  for tensor in checkpoint.tensors { try writer.write(tensor) }
  try writer.finish()
}

func files(_ list: String) -> [String] { list.split(separator: ",").map(String.init) }

let arguments = Array(CommandLine.arguments.dropFirst())
do {
  switch (arguments.first, arguments.count) {
  case ("train", 6):
    guard let seed = UInt64(arguments[2]), let epochs = Int(arguments[3]) else {
      throw PipelineError(.invalidSpec, "SEED and EPOCHS must be whole numbers")
    }
    try train(arguments[1], seed: seed, epochs: epochs, on: files(arguments[4]), heldOut: files(arguments[5]))
  case ("decoder", 4):
    guard let seed = UInt64(arguments[2]) else { throw PipelineError(.invalidSpec, "SEED must be a whole number") }
    try renewDecoder(of: arguments[1], seed: seed, to: arguments[3])
  case ("bundle", 3): try bundle(arguments[1], as: arguments[2])
  default:
    throw PipelineError(
      .invalidSpec,
      "usage: train MODEL SEED EPOCHS TRAINING.jsonl,… HELD-OUT.jsonl,…; decoder MODEL SEED OUTPUT; or bundle "
        + "CHECKPOINT MODEL")
  }
} catch {
  FileHandle.standardError.write(Data("easy-vqa-tower: \(error)\n".utf8))
  exit(1)
}
