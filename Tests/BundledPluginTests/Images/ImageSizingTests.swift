// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import PipelineTesting
import Testing

/// What records and options ask of the sizes of images; see `sizing` in `Fixtures/make_images.py`.
@Suite("Sizes of images", .timeLimit(.minutes(15)))
struct ImageSizingTests {
  private struct Case: Decodable {
    let asked: [String: Int]
    let image: [Int]
    let grid: [Int]
    let digest: String
    let samples: [Float]
  }

  private func sizing(_ asked: [String: Int]) throws -> ImageSizing {
    try ImageSizing(asked.sorted { $0.key < $1.key }.map { .init($0.key, .number($0.value)) })
  }

  @Test(
    "an image is resized as its record asks, and then as the model wants: the numbers of qwen-vl-utils and transformers"
  )
  func parity() throws {
    let cases = try ImageFixtures.read("sizing.json", as: [Case].self)
    #expect(cases.count == 30)
    var config = ImageProcessorConfig()
    (config.minPixels, config.maxPixels) = (1568, 25088)
    let processor = ImageProcessor(config)
    for expected in cases {
      let image = ImageFixtures.noise(width: expected.image[0], height: expected.image[1])
      let found = try processor.patches(of: image, sizing: sizing(expected.asked))
      #expect([1, found.grid.height, found.grid.width] == expected.grid, "\(expected.asked) \(expected.image)")
      #expect(ImageFixtures.digest(found.values) == expected.digest, "\(expected.asked) \(expected.image)")
    }
  }

  @Test("the bounds of a record hold within those of the model")
  func bounds() throws {
    var config = ImageProcessorConfig()
    (config.minPixels, config.maxPixels) = (784, 12_845_056)
    let processor = ImageProcessor(config)
    let image = ImageFixtures.noise(width: 300, height: 200)
    for most in [784, 1568, 3136, 10_000, 50_000] {
      let found = try processor.resized(image, sizing: .pixels(atLeast: nil, atMost: most)).image
      #expect(found.width * found.height <= most)
    }
    for least in [100_000, 200_000] {
      let found = try processor.resized(image, sizing: .pixels(atLeast: least, atMost: nil)).image
      #expect(found.width * found.height >= least)
    }
    #expect(try processor.grid(width: 300, height: 200) == processor.resized(image).grid)
  }

  @Test("an image that would become too large is refused")
  func tooLarge() throws {
    let processor = ImageProcessor(ImageProcessorConfig())
    let image = ImageFixtures.noise(width: 8, height: 8)
    let huge = ImageSizing.pixels(atLeast: 1 << 31, atMost: 1 << 31)
    #expect(
      ImageFixtures.message { _ = try processor.patches(of: image, sizing: huge, name: "a.png") }
        == "a.png: 'min_pixels' makes the image 46368 x 46368 pixels, the limit is 100000000 in all; lower it")
    #expect(
      ImageFixtures.message { _ = try processor.patches(of: image, sizing: .size(height: 9, width: 9000)) }
        == "image: the image is 9000 x 9 pixels; one side may be at most 200 times the other; crop it")
  }

  @Test(
    "a wrong wish is refused with its reason",
    arguments: [
      (#"{"max_pixels": -1}"#, "'max_pixels' is -1, it must be a whole number in 1…2147483648"),
      (#"{"max_pixels": "256*28*28"}"#, #"'max_pixels' is "256*28*28", it must be a whole number in 1…2147483648"#),
      (#"{"min_pixels": 784.5}"#, "'min_pixels' is 784.5, it must be a whole number in 1…2147483648"),
      (#"{"min_pixels": 3136, "max_pixels": 784}"#, "'min_pixels' is 3136, more than 'max_pixels', 784; swap them"),
      (
        #"{"resized_width": 28}"#, "'resized_width' is given without 'resized_height'; give both, or 'max_pixels'"
      ),
    ])
  func wrong(details: String, reason: String) throws {
    let part = try #require(try JSONValue(parsing: details).objectValue)
    #expect(
      ImageFixtures.message { _ = try ChatImage("a.png", details: part).reference } == "image 'a.png': \(reason)")
  }

  @Test("missing, null and whole numbers written as fractions")
  func right() throws {
    #expect(try ImageSizing([.init("detail", "low"), .init("max_pixels", .null)]) == .unstated)
    #expect(try ImageSizing([.init("max_pixels", .number("784.0"))]) == .pixels(atLeast: nil, atMost: 784))
  }

  @Test("options of the policy take the place of the model's bounds")
  func limits() throws {
    var config = ImageProcessorConfig()
    (config.minPixels, config.maxPixels) = (3136, 12544)
    #expect(try config.limited(by: PixelLimits(), folder: "m") == config)
    let lower = try config.limited(by: PixelLimits(maxPixels: .pixels(6272)), folder: "m")
    #expect((lower.minPixels, lower.maxPixels) == (3136, 6272))
    #expect(
      ImageFixtures.message { _ = try config.limited(by: PixelLimits(maxPixels: .pixels(784)), folder: "m") }
        == "'max_pixels' contradicts the 'min_pixels' of m (at least 3136 pixels, at most 784); give 'min_pixels' too")
    #expect(
      ImageFixtures.message { _ = try config.limited(by: PixelLimits(minPixels: .pixels(20000)), folder: "m") }
        == "'min_pixels' contradicts the 'max_pixels' of m (at least 20000 pixels, at most 12544); give 'max_pixels' too"
    )
    let wrong = PixelLimits(minPixels: .pixels(0), maxPixels: .pixels(9))
    #expect(wrong.problems == [OptionProblem("min_pixels", "is 0, it must lie in 1…64000000")])
    let crossed = PixelLimits(minPixels: .pixels(9), maxPixels: .pixels(8))
    #expect(crossed.problems == [OptionProblem("min_pixels", "is 9, it must not be more than max_pixels, 8")])
  }

  @Test("the cache keeps an image apart for each size that is asked of it")
  func cache() throws {
    let cache = ImageCache(processor: ImageProcessor(ImageProcessorConfig()))
    let folder = ImageFixtures.folder.appending(path: "images").path
    let small = ImageReference("ycbcr-420.jpg", sizing: .size(height: 56, width: 112))
    let large = ImageReference("ycbcr-420.jpg", sizing: .size(height: 112, width: 112))
    for _ in 0..<2 {
      #expect(try cache.patches(of: small, relativeTo: folder).grid == ImageGrid(height: 4, width: 8))
      #expect(try cache.patches(of: large, relativeTo: folder).grid == ImageGrid(height: 8, width: 8))
      #expect(try cache.patches(of: "ycbcr-420.jpg", relativeTo: folder).grid == ImageGrid(height: 4, width: 6))
    }
  }
}
