// SPDX-License-Identifier: Apache-2.0

/// Resizes images exactly as Pillow's `resize(size, BICUBIC)` does, byte by byte.
///
/// One pass goes along the rows, rounded to bytes, the other along the columns. Columns come first where Pillow 13 does
/// so: when the height shrinks, and by more than twice the factor of the width. Each output pixel is a weighted mean of
/// the input pixels under the cubic kernel (a = -0.5), which is widened when the image shrinks. Weights are fixed-point
/// numbers with 22 fractional bits.
///
/// Source: Pillow, `src/libImaging/Resample.c`; the order of the passes is that of the compiled Pillow 13.0.0, checked
/// on 2,201 sizes. Older versions always begin with the rows, and differ in single bytes where the order differs.
package struct BicubicResampler: Sendable {
  /// The input pixels of each output pixel and their weights, for one axis.
  package struct Weights: Sendable {
    /// The first input pixel of each output pixel.
    package var first: [Int] = []
    /// The number of input pixels from there.
    package var count: [Int] = []
    /// `[output, stride]`, zero behind `count`.
    package var values: [Int32] = []
    package var stride = 0
  }

  package static let fractionalBits: Int32 = 22
  private static let half = Int32(1) << (fractionalBits - 1)

  /// Makes a resampler.
  package init() {}

  /// The image at the new size, each side at least 1.
  package func resize(_ image: RGBImage, width: Int, height: Int) -> RGBImage {
    precondition(width > 0 && height > 0, "an image has at least one pixel")
    let removedRows = image.height - height
    let columnsFirst = removedRows > 0 && removedRows > 2 * (image.width - width)
    return columnsFirst
      ? resizeRows(resizeColumns(image, to: height), to: width)
      : resizeColumns(resizeRows(image, to: width), to: height)
  }

  private func resizeRows(_ image: RGBImage, to width: Int) -> RGBImage {
    if width == image.width { return image }
    let weights = Weights(from: image.width, to: width)
    let size = width * image.height * 3
    let pixels = [UInt8](unsafeUninitializedCapacity: size) { target, count in
      image.pixels.withUnsafeBufferPointer { source in
        weights.values.withUnsafeBufferPointer { values in
          weights.first.withUnsafeBufferPointer { first in
            weights.count.withUnsafeBufferPointer { taps in
              for y in 0..<image.height {
                let row = y * image.width * 3
                var next = y * width * 3
                for x in 0..<width {
                  var (red, green, blue) = (Self.half, Self.half, Self.half)
                  var from = row + first[x] * 3
                  let weight = x * weights.stride
                  for tap in weight..<(weight + taps[x]) {
                    let value = values[tap]
                    red &+= Int32(source[from]) &* value
                    green &+= Int32(source[from &+ 1]) &* value
                    blue &+= Int32(source[from &+ 2]) &* value
                    from &+= 3
                  }
                  target[next] = Self.byte(red)
                  target[next &+ 1] = Self.byte(green)
                  target[next &+ 2] = Self.byte(blue)
                  next &+= 3
                }
              }
            }
          }
        }
      }
      count = size
    }
    return RGBImage(width: width, height: image.height, pixels: pixels)
  }

  private func resizeColumns(_ image: RGBImage, to height: Int) -> RGBImage {
    if height == image.height { return image }
    let weights = Weights(from: image.height, to: height)
    let stride = image.width * 3
    let pixels = [UInt8](unsafeUninitializedCapacity: stride * height) { target, count in
      image.pixels.withUnsafeBufferPointer { source in
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: stride) { sums in
          for y in 0..<height {
            sums.update(repeating: Self.half)
            for tap in 0..<weights.count[y] {
              let value = weights.values[y * weights.stride + tap]
              let row = UnsafeBufferPointer(rebasing: source[((weights.first[y] + tap) * stride)...])
              for i in 0..<stride { sums[i] &+= Int32(row[i]) &* value }
            }
            let row = UnsafeMutableBufferPointer(rebasing: target[(y * stride)...])
            for i in 0..<stride { row[i] = Self.byte(sums[i]) }
          }
        }
      }
      count = stride * height
    }
    return RGBImage(width: image.width, height: height, pixels: pixels)
  }

  /// A fixed-point sum, with a half added before, as a byte.
  @inline(__always)
  private static func byte(_ sum: Int32) -> UInt8 {
    UInt8(truncatingIfNeeded: max(0, min(255, sum >> fractionalBits)))
  }
}

extension BicubicResampler.Weights {
  private static let support = 2.0

  package init(from inputSize: Int, to outputSize: Int) {
    let scale = Double(inputSize) / Double(outputSize)
    let filterScale = max(scale, 1)
    let support = Self.support * filterScale
    stride = Int(support.rounded(.up)) * 2 + 1
    values = [Int32](repeating: 0, count: outputSize * stride)
    var row = [Double](repeating: 0, count: stride)
    for output in 0..<outputSize {
      let center = (Double(output) + 0.5) * scale
      let start = max(0, Int(center - support + 0.5))
      let end = min(inputSize, Int(center + support + 0.5))
      var sum = 0.0
      for input in start..<end {
        let weight = Self.kernel((Double(input) - center + 0.5) * (1 / filterScale))
        row[input - start] = weight
        sum += weight
      }
      for tap in 0..<(end - start) {
        let weight = sum != 0 ? row[tap] / sum : row[tap]
        let fixed = weight * Double(1 << BicubicResampler.fractionalBits)
        values[output * stride + tap] = Int32(fixed < 0 ? fixed - 0.5 : fixed + 0.5)
      }
      first.append(start)
      count.append(end - start)
    }
  }

  /// The cubic convolution kernel with a = -0.5, written so that every rounding equals Pillow's.
  private static func kernel(_ x: Double) -> Double {
    let a = -0.5
    let x = abs(x)
    if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
    return 0
  }
}
