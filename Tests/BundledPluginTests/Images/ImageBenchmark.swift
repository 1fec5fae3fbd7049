// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import Testing

/// Times each step for one image; `Tests/Benchmarks/images/compare.py` runs it beside Pillow and numpy.
@Suite("Image benchmark", .timeLimit(.minutes(15)))
struct ImageBenchmark {
  private static let image = ProcessInfo.processInfo.environment["SHUFFLE_R1_BENCHMARK_IMAGE"]

  @Test("milliseconds for each step", .enabled(if: Self.image != nil, "SHUFFLE_R1_BENCHMARK_IMAGE is not set"))
  func steps() throws {
    let path = try #require(Self.image)
    let file = try ImageSource(path, relativeTo: "").read()
    let image = try RGBImage(decoding: file, name: path)
    var config = ImageProcessorConfig()
    config.maxPixels = 12_845_056
    let processor = ImageProcessor(config)
    let grid = try processor.grid(width: image.width, height: image.height)
    let (width, height) = (grid.width * config.patchSize, grid.height * config.patchSize)
    try time("decode") { try RGBImage(decoding: file, name: path).pixels.count }
    try time("resize") { BicubicResampler().resize(image, width: width, height: height).pixels.count }
    try time("resize to half") { BicubicResampler().resize(image, width: 504, height: 392).pixels.count }
    try time("resize and patches") { try processor.patches(of: image).values.count }
  }

  /// Prints the median of 15 runs.
  private func time(_ name: String, _ body: () throws -> Int) throws {
    var runs: [Duration] = []
    for _ in 0..<15 {
      let elapsed = try ContinuousClock().measure { try #require(body() > 0) }
      runs.append(elapsed)
    }
    print("BENCHMARK \(name): \(runs.sorted()[7] / .milliseconds(1)) ms")
  }
}
