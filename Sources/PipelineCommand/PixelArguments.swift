// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import ModelInput
import PipelineCore

/// Bounds of images for a model that a command opens by its folder.
struct PixelArguments: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The fewest pixels of an image as the model sees it, instead of what its image processor says.",
      valueName: "count"))
  var minPixels: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The most pixels of an image as the model sees it, which bound its tokens, instead of what its image processor says.",
      valueName: "count"))
  var maxPixels: Int?

  /// The bounds.
  var limits: PixelLimits {
    PixelLimits(minPixels: minPixels.map { .pixels($0) } ?? .model, maxPixels: maxPixels.map { .pixels($0) } ?? .model)
  }

  func validate() throws {
    guard let problem = limits.problems.first else { return }
    throw ValidationError("--\(problem.path.replacing("_", with: "-")) \(problem.message)")
  }

  /// Refuses bounds for a model that is not opened by its folder.
  func refuse(with option: String, because reason: String) throws {
    for (name, value) in [("--min-pixels", minPixels), ("--max-pixels", maxPixels)] where value != nil {
      throw ValidationError("\(name) does not go with \(option): \(reason)")
    }
  }
}
