// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Chooses the size of a resized image: multiples of `factor`, a bounded number of pixels, and an aspect ratio as close
/// to the image's as possible.
///
/// Source: `smart_resize` of transformers' Qwen2-VL and of qwen-vl-utils, with Python's rounding (half to even).
package struct SmartResize: Sendable, Hashable {
  /// Both sides are multiples of this: patch size times merge size.
  package let factor: Int
  /// The fewest pixels of a result.
  package let minPixels: Int
  /// The most pixels of a result, except if one side is already `factor`.
  package let maxPixels: Int
  /// Whether the bounds are compared with a side that rounds to nothing, or with one factor instead.
  package let shortSides: ShortSides

  /// How a side that is shorter than half the factor counts.
  package enum ShortSides: Sendable, Hashable {
    /// As nothing: transformers.
    case vanish
    /// As one factor: qwen-vl-utils.
    case countAsOne
  }

  /// The ratio of the long side to the short one above which an image is refused.
  package static let aspectRatioLimit = 200.0

  /// Sets the bounds, which must be positive.
  package init(factor: Int, minPixels: Int, maxPixels: Int, shortSides: ShortSides = .vanish) {
    precondition(factor > 0 && minPixels > 0 && maxPixels > 0, "a size is bounded by positive numbers")
    self.factor = factor
    self.minPixels = minPixels
    self.maxPixels = maxPixels
    self.shortSides = shortSides
  }

  /// The size for an image of `height` and `width`, each at least 1, with `name` for messages.
  ///
  /// - Throws: ``PipelineError`` when one side is more than 200 times the other.
  package func size(height: Int, width: Int, name: String = "image") throws -> (height: Int, width: Int) {
    precondition(height > 0 && width > 0, "an image has at least one pixel")
    let ratio = Double(max(height, width)) / Double(min(height, width))
    guard ratio <= Self.aspectRatioLimit else {
      throw PipelineError(
        .invalidData,
        "\(name): the image is \(width) x \(height) pixels; one side may be at most 200 times the other; crop it")
    }
    let factor = Double(self.factor)
    let pixels = Double(height * width)
    func multiple(_ side: Double, _ rule: FloatingPointRoundingRule) -> Int {
      Int((side / factor).rounded(rule)) * self.factor
    }
    let least = shortSides == .vanish ? 0 : self.factor
    let rounded = (
      height: max(least, multiple(Double(height), .toNearestOrEven)),
      width: max(least, multiple(Double(width), .toNearestOrEven))
    )
    if rounded.height * rounded.width > maxPixels {
      let beta = (pixels / Double(maxPixels)).squareRoot()
      return (
        max(self.factor, multiple(Double(height) / beta, .down)),
        max(self.factor, multiple(Double(width) / beta, .down))
      )
    }
    if rounded.height * rounded.width < minPixels {
      let beta = (Double(minPixels) / pixels).squareRoot()
      return (multiple(Double(height) * beta, .up), multiple(Double(width) * beta, .up))
    }
    return rounded
  }
}
