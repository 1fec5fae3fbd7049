// SPDX-License-Identifier: Apache-2.0
import Foundation
import ModelInput
import PipelineCore
import Testing

@Suite("Images that are changed before a policy sees them", .timeLimit(.minutes(15)))
struct ImageChangeTests {
  private let grey = RGBImage(width: 40, height: 30, pixels: [UInt8](repeating: 100, count: 40 * 30 * 3))

  /// The share of black pixels.
  private func black(_ image: RGBImage) -> Double {
    Double(image.pixels.count { $0 == 0 }) / Double(image.pixels.count)
  }

  @Test("squares of 14 pixels are black or as they were, in whole, also at the edges")
  func squares() {
    #expect(grey.changed(by: .none) == grey)
    #expect(grey.changed(by: .blackPatches(probability: 0, seed: 1)) == grey)
    #expect(black(grey.changed(by: .blackPatches(probability: 1, seed: 1))) == 1)
    let half = grey.changed(by: .blackPatches(probability: 0.5, seed: 1))
    #expect(half == grey.changed(by: .blackPatches(probability: 0.5, seed: 1)))
    #expect(half != grey.changed(by: .blackPatches(probability: 0.5, seed: 2)))
    for top in stride(from: 0, to: 30, by: 14) {
      for left in stride(from: 0, to: 40, by: 14) {
        var values: Set<UInt8> = []
        for y in top..<min(top + 14, 30) {
          for x in left..<min(left + 14, 40) { values.formUnion(half.pixels[(y * 40 + x) * 3..<(y * 40 + x) * 3 + 3]) }
        }
        #expect(values == [0] || values == [100])
      }
    }
  }

  @Test("about as many squares are black as the probability says")
  func share() {
    let large = RGBImage(width: 1400, height: 1400, pixels: [UInt8](repeating: 9, count: 1400 * 1400 * 3))
    // 10,000 squares: five standard errors.
    #expect(abs(black(large.changed(by: .blackPatches(probability: 0.6, seed: 3))) - 0.6) < 5 * 0.0049)
  }

  @Test("noise has mean 0 and the variance that it should, and no noise leaves every byte")
  func noise() {
    let image = RGBImage(width: 200, height: 100, pixels: [UInt8](repeating: 128, count: 60_000))
    #expect(image.changed(by: .noise(signal: 1, seed: 4)) == image)
    let noisy = image.changed(by: .noise(signal: 0.99, seed: 4))
    #expect(noisy == image.changed(by: .noise(signal: 0.99, seed: 4)))
    let values = noisy.pixels.map { Double($0) / 255 }
    let mean = values.reduce(0, +) / 60_000
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 60_000
    // Cut to whole numbers, half a step is lost.
    let wanted: Double = 0.99.squareRoot() * 128 / 255 - 0.5 / 255
    let standardError: Double = 0.1 / 60_000.0.squareRoot()
    #expect(abs(mean - wanted) < 5 * standardError)
    let errorOfVariance: Double = 0.01 * (2.0 / 60_000).squareRoot()
    #expect(abs(variance - 0.01) < 5 * errorOfVariance + 1e-5)
  }

  @Test("a changed image is another image to the cache")
  func cache() throws {
    let processor = ImageProcessor(ImageProcessorConfig())
    let cache = ImageCache(processor: processor)
    let folder = ImageFixtures.folder.appending(path: "images").path
    let plain = try cache.patches(of: "rgb-8.png", relativeTo: folder)
    var reference = ImageReference("rgb-8.png")
    reference.change = .blackPatches(probability: 1, seed: 1)
    let changed = try cache.patches(of: reference, relativeTo: folder)
    #expect(changed.grid == plain.grid && changed != plain)
    #expect(try cache.patches(of: "rgb-8.png", relativeTo: folder) == plain)
  }
}
