// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Converts images to patches like transformers' Qwen2-VL processor: smart resize, bicubic, normalise, cut.
///
/// The numbers equal those of its Pillow backend, bit for bit. Its torchvision backend rounds differently when resizing
/// and differs by one step of 255 in some pixels.
package struct ImageProcessor: Sendable {
  /// Its configuration.
  package let config: ImageProcessorConfig

  private let smartResize: SmartResize
  private let resampler = BicubicResampler()
  /// `[3, 256]`: the normalised value of each byte of each channel.
  private let normalized: [Float]

  /// Makes a processor.
  package init(_ config: ImageProcessorConfig) {
    self.config = config
    smartResize = SmartResize(factor: config.sizeFactor, minPixels: config.minPixels, maxPixels: config.maxPixels)
    // Rounded as in transformers: the product in double, the rest in float.
    normalized = (0..<3).flatMap { channel in
      (0..<256).map { byte in
        let rescaled = Float(Double(byte) * config.rescaleFactor)
        return (rescaled - Float(config.mean[channel])) / Float(config.standardDeviation[channel])
      }
    }
  }

  /// The grid of an upright image of `width` and `height` pixels, with `name` for messages.
  ///
  /// - Throws: ``PipelineError`` when one side is more than 200 times the other.
  package func grid(width: Int, height: Int, name: String = "image") throws -> ImageGrid {
    let size = try smartResize.size(height: height, width: width, name: name)
    return ImageGrid(height: size.height / config.patchSize, width: size.width / config.patchSize)
  }

  /// The patches of an image, with `name` for messages.
  ///
  /// - Throws: ``PipelineError`` when one side is more than 200 times the other, or the image became too large.
  package func patches(
    of image: RGBImage, sizing: ImageSizing = .unstated, change: ImageChange = .none, name: String = "image"
  ) throws -> ImagePatches {
    let (resized, grid) = try resized(image, sizing: sizing, change: change, name: name)
    return ImagePatches(grid: grid, values: cut(resized, grid))
  }

  /// An image in the size from which its patches are cut, and their number, with `name` for messages.
  ///
  /// What its record asks for is done first, and then the result is resized within the configuration's bounds, as by
  /// qwen-vl-utils' `fetch_image` and the processor behind it. Last come changes of its pixels.
  ///
  /// - Throws: ``PipelineError`` when one side is more than 200 times the other, or the image became too large.
  package func resized(
    _ image: RGBImage, sizing: ImageSizing = .unstated, change: ImageChange = .none, name: String = "image"
  ) throws -> (image: RGBImage, grid: ImageGrid) {
    let asked = try sized(image, sizing, name)
    let grid = try grid(width: asked.width, height: asked.height, name: name)
    let (width, height) = (grid.width * config.patchSize, grid.height * config.patchSize)
    try Self.checkSize(width, height, name)
    return (resampler.resize(asked, width: width, height: height).changed(by: change), grid)
  }

  /// An image in the size that its record asks for.
  private func sized(_ image: RGBImage, _ sizing: ImageSizing, _ name: String) throws -> RGBImage {
    // The bounds of qwen-vl-utils where the record leaves one open: 4 and 16,384 tokens.
    let area = config.sizeFactor * config.sizeFactor
    var (least, most) = (4 * area, 16384 * area)
    var (height, width) = (image.height, image.width)
    switch sizing {
    case .unstated: return image
    case .size(let askedHeight, let askedWidth): (height, width) = (askedHeight, askedWidth)
    case .pixels(let askedLeast, let askedMost):
      // A bound beyond the other's default moves it: qwen-vl-utils refuses that.
      least = askedLeast ?? min(least, askedMost ?? least)
      most = askedMost ?? max(most, least)
    }
    let bounds = SmartResize(
      factor: config.sizeFactor, minPixels: least, maxPixels: most, shortSides: .countAsOne)
    let size = try bounds.size(height: height, width: width, name: name)
    try Self.checkSize(size.width, size.height, name)
    return resampler.resize(image, width: size.width, height: size.height)
  }

  /// The most pixels of an image that was made larger.
  private static let sizeLimit = 100_000_000

  private static func checkSize(_ width: Int, _ height: Int, _ name: String) throws {
    guard width > sizeLimit / height else { return }
    throw PipelineError(
      .invalidData,
      "\(name): 'min_pixels' makes the image \(width) x \(height) pixels, the limit is \(sizeLimit) in all; lower it")
  }

  /// `[height/merge, width/merge, merge, merge, channel, time, row, column]` from `[height, width, channel]`.
  private func cut(_ image: RGBImage, _ grid: ImageGrid) -> [Float] {
    let (patch, merge, time) = (config.patchSize, config.mergeSize, config.temporalPatchSize)
    let area = patch * patch
    let count = grid.patchCount * config.patchWidth
    return [Float](unsafeUninitializedCapacity: count) { target, initializedCount in
      image.pixels.withUnsafeBufferPointer { pixels in
        normalized.withUnsafeBufferPointer { normalized in
          var next = 0
          for index in 0..<grid.patchCount {
            let (group, member) = index.quotientAndRemainder(dividingBy: merge * merge)
            let (groupRow, groupColumn) = group.quotientAndRemainder(dividingBy: grid.width / merge)
            let row = (groupRow * merge + member / merge) * patch
            let column = (groupColumn * merge + member % merge) * patch
            for channel in 0..<3 {
              let first = next
              for y in row..<(row + patch) {
                var from = (y * image.width + column) * 3 + channel
                for _ in 0..<patch {
                  target[next] = normalized[channel &* 256 &+ Int(pixels[from])]
                  next &+= 1
                  from &+= 3
                }
              }
              for _ in 0..<(time - 1) {
                for i in 0..<area { target[next &+ i] = target[first &+ i] }
                next += area
              }
            }
          }
        }
      }
      initializedCount = count
    }
  }
}
