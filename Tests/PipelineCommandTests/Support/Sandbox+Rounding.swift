// SPDX-License-Identifier: Apache-2.0
import RoundingBounds
import Testing

extension Sandbox {
  /// How far roundings may move the `logprobs` that a command prints.
  ///
  /// The command must say `--model model`: it is run with that model, and with copies in which every weight is changed a
  /// little.
  func logProbBound(_ command: String) throws -> Double {
    func logProbs(_ model: String) throws -> [Double] {
      try records(output(command.replacing("--model model", with: "--model \(model)"))).flatMap {
        $0.numbers("logprobs")
      }
    }
    let found = try logProbs("model")
    var (change, relative) = (0.0, 1.0)
    for seed in 1...2 as ClosedRange<UInt64> {
      try output("rm -rf changed; cp -r model changed")
      relative = try WeightChange.apply(toFile: path + "/changed/model.safetensors", seed: seed)
      change = max(change, zip(found, try logProbs("changed")).map { abs($0 - $1) }.max() ?? 0)
    }
    // The longest sum is the one over the 320 words of the vocabulary; contexts are of up to 256.
    return Double(
      RoundingBound(terms: 320).difference(
        change: Float(change), relative: relative, scale: Float(found.map { abs($0) }.max() ?? 0)))
  }
}
