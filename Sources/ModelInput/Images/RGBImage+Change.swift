// SPDX-License-Identifier: Apache-2.0
import Foundation
package import PipelineCore

extension RGBImage {
  /// The side of a square that turns black, in pixels.
  private static let patchSide = 14

  /// The image after a change.
  package func changed(by change: ImageChange) -> RGBImage {
    switch change {
    case .none: self
    case .blackPatches(let probability, let seed): withBlackPatches(probability, seed)
    case .noise(let signal, let seed): withNoise(signal, seed)
    }
  }

  private func withBlackPatches(_ probability: Double, _ seed: UInt64) -> RGBImage {
    var pixels = pixels
    let columns = (width + Self.patchSide - 1) / Self.patchSide
    for (number, top) in stride(from: 0, to: height, by: Self.patchSide).enumerated() {
      for (column, left) in stride(from: 0, to: width, by: Self.patchSide).enumerated() {
        let place = UInt64(number * columns + column)
        var random = PhiloxGenerator(seed: seed, purpose: "black-patches", position: (place, 0, 0))
        guard PhiloxGenerator.uniform(from: random.next()) < probability else { continue }
        for y in top..<min(top + Self.patchSide, height) {
          for index in (y * width + left) * 3..<(y * width + min(left + Self.patchSide, width)) * 3 {
            pixels[index] = 0
          }
        }
      }
    }
    return RGBImage(width: width, height: height, pixels: pixels)
  }

  private func withNoise(_ signal: Double, _ seed: UInt64) -> RGBImage {
    var random = PhiloxGenerator(seed: seed, purpose: "noise", position: (0, 0, 0))
    var pixels = pixels
    var second: Double?
    for index in pixels.indices {
      let noise: Double
      if let known = second {
        (noise, second) = (known, nil)
      } else {
        // Box and Muller: two normal numbers of two uniform ones.
        let radius = (-2 * log(PhiloxGenerator.uniform(from: random.next()))).squareRoot()
        let angle = 2 * Double.pi * PhiloxGenerator.uniform(from: random.next())
        (noise, second) = (radius * cos(angle), radius * sin(angle))
      }
      pixels[index] = UInt8(Self.noisy(Double(pixels[index]) / 255, noise, signal: signal) * 255)
    }
    return RGBImage(width: width, height: height, pixels: pixels)
  }

  /// A value in 0…1 with noise.
  package static func noisy(_ value: Double, _ noise: Double, signal: Double) -> Double {
    min(max(signal.squareRoot() * value + (1 - signal).squareRoot() * noise, 0), 1)
  }
}
