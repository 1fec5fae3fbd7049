// SPDX-License-Identifier: Apache-2.0
// Writes a checkpoint with random weights and trains its vision tower.
//
//   easy-vqa-tower MODEL SEED EPOCHS TRAINING.jsonl,… HELD-OUT.jsonl,…
//
// MODEL is a folder with config.json, preprocessor_config.json and a tokenizer; the weights are added. Prints how well
// the tower knows each of the held-out files.
import Foundation
import PipelineCore

let arguments = Array(CommandLine.arguments.dropFirst())
/// Writes a line at once, also where the output is no terminal.
func say(_ line: String) { FileHandle.standardOutput.write(Data("tower: \(line)\n".utf8)) }

do {
  guard arguments.count == 5, let seed = UInt64(arguments[1]), let epochs = Int(arguments[2]) else {
    throw PipelineError(.invalidSpec, "usage: easy-vqa-tower MODEL SEED EPOCHS TRAINING.jsonl,… HELD-OUT.jsonl,…")
  }
  func files(_ list: String) -> [String] { list.split(separator: ",").map(String.init) }
  try FreshCheckpoint.write(to: arguments[0], seed: seed)
  var recipe = TowerTraining.Recipe()
  (recipe.seed, recipe.epochs) = (seed, epochs)
  let training = try TowerTraining(
    folder: arguments[0], recipe: recipe, threads: ProcessInfo.processInfo.activeProcessorCount)
  let examples = try files(arguments[3]).flatMap { try TowerExample.read($0, side: training.tokenSide) }
  say("\(examples.count) images")
  let start = ContinuousClock.now
  try training.train(examples) { say("\($0), \((ContinuousClock.now - start).components.seconds) s") }
  for file in files(arguments[4]) {
    let heldOut = try TowerExample.read(file, side: training.tokenSide)
    say("\(file): \(try training.accuracy(on: heldOut).text)")
  }
  try training.save(to: arguments[0])
} catch {
  FileHandle.standardError.write(Data("easy-vqa-tower: \(error)\n".utf8))
  exit(1)
}
