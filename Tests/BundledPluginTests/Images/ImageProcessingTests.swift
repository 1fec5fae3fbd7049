// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import Testing

/// Parity with Pillow and with transformers' Qwen2-VL processor; see `Fixtures/make_images.py`.
@Suite("Image processing", .timeLimit(.minutes(15)))
struct ImageProcessingTests {
  /// Float32 on both sides; where the digests agree, the difference is 0.
  private let tolerance: Float = 1e-5

  private struct Resampling: Decodable {
    let from: [Int]
    let to: [Int]
    let digest: String
  }

  private struct Processing: Decodable {
    let name: String
    let config: JSONTree
    let image: [Int]
    let grid: [Int]
    let width: Int
    let digest: String
    let samples: [Float]
  }

  private struct Oracle: Decodable {
    struct Image: Decodable {
      let file: String
      let grid: [Int]
      let digest: String
      let samples: [Float]
    }

    struct Size: Decodable {
      let height: Int
      let width: Int
      let factor: Int
      let min_pixels: Int
      let max_pixels: Int
      let result: [Int]
    }

    let config: JSONTree
    let images: [Image]
    let smart_resize: [Size]
  }

  @Test("the resampler gives Pillow's bytes, for sizes up and down")
  func resampler() throws {
    let cases = try ImageFixtures.read("resampling.json", as: [Resampling].self)
    #expect(cases.count == 120)
    for expected in cases {
      let image = ImageFixtures.noise(width: expected.from[0], height: expected.from[1])
      let resized = BicubicResampler().resize(image, width: expected.to[0], height: expected.to[1])
      #expect(ImageFixtures.digest(resized.pixels) == expected.digest, "\(expected.from) to \(expected.to)")
    }
  }

  @Test("patches and grids are those of transformers, for every kind of config")
  func processor() throws {
    let cases = try ImageFixtures.read("processing.json", as: [Processing].self)
    #expect(cases.count == 25)
    for expected in cases {
      let config = try ImageProcessorConfig(expected.config.value, file: expected.name)
      #expect(config.patchWidth == expected.width)
      let image = ImageFixtures.noise(width: expected.image[0], height: expected.image[1])
      check(try ImageProcessor(config).patches(of: image), expected.grid, expected.samples, expected.digest)
    }
  }

  @Test("the tiny checkpoint's images become its pixel values")
  func oracle() throws {
    let oracle = try ImageFixtures.read("oracle.json", as: Oracle.self)
    #expect(oracle.images.count == 6)
    let processor = ImageProcessor(try ImageProcessorConfig(oracle.config.value, file: "preprocessor_config.json"))
    for expected in oracle.images {
      let image = try RGBImage(decoding: ImageFixtures.image(expected.file), name: expected.file)
      check(try processor.patches(of: image), expected.grid, expected.samples, expected.digest)
    }
  }

  @Test("sizes are chosen as Qwen2-VL chooses them")
  func smartResize() throws {
    let cases = try ImageFixtures.read("oracle.json", as: Oracle.self).smart_resize
    #expect(cases.count > 20)
    for expected in cases {
      let resize = SmartResize(
        factor: expected.factor, minPixels: expected.min_pixels, maxPixels: expected.max_pixels)
      let size = try resize.size(height: expected.height, width: expected.width)
      #expect([size.height, size.width] == expected.result, "\(expected)")
    }
  }

  @Test("halves are rounded to even, as Python does")
  func halves() throws {
    let resize = SmartResize(factor: 28, minPixels: 1, maxPixels: 1 << 30)
    #expect(try resize.size(height: 42, width: 70) == (56, 56))
    #expect(try resize.size(height: 98, width: 126) == (112, 112))
  }

  @Test("an image longer than 200 times its other side is refused, one of exactly 200 is not")
  func aspectRatio() throws {
    let processor = ImageProcessor(ImageProcessorConfig())
    _ = try processor.grid(width: 2000, height: 10)
    #expect(
      ImageFixtures.message { _ = try processor.grid(width: 2001, height: 10, name: "a.png") }
        == "a.png: the image is 2001 x 10 pixels; one side may be at most 200 times the other; crop it")
  }

  @Test("a grid says how many tokens an image becomes")
  func tokens() throws {
    let grid = try ImageProcessor(ImageProcessorConfig()).grid(width: 1024, height: 768)
    #expect(grid == ImageGrid(height: 54, width: 74))
    #expect(grid.tokenCount(mergeSize: 2) == 27 * 37)
  }

  private func check(_ patches: ImagePatches, _ grid: [Int], _ samples: [Float], _ digest: String) {
    #expect([patches.grid.time, patches.grid.height, patches.grid.width] == grid)
    let found = stride(from: 0, to: patches.values.count, by: 997).map { patches.values[$0] }
    #expect(found.count == samples.count)
    for (a, b) in zip(found, samples) { #expect(abs(a - b) <= tolerance) }
    #expect(ImageFixtures.digest(patches.values) == digest)
  }
}

/// A JSON value inside a fixture.
struct JSONTree: Decodable {
  let value: JSONValue

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let flag = try? container.decode(Bool.self) {
      value = .bool(flag)
    } else if let number = try? container.decode(Int.self) {
      value = .number(number)
    } else if let number = try? container.decode(Double.self) {
      value = .number(number)
    } else if let text = try? container.decode(String.self) {
      value = .string(text)
    } else if let elements = try? container.decode([JSONTree].self) {
      value = .array(elements.map(\.value))
    } else {
      let members = try container.decode([String: JSONTree].self)
      value = .object(members.sorted { $0.key < $1.key }.map { .init($0.key, $0.value.value) })
    }
  }
}
